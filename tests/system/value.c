/* SPDX-License-Identifier: MIT */
/*
 * Processes that count in one shared value, each with a connection of its own, and all at once.
 *
 *	value SOCKET lock|add PROCESSES INCREMENTS
 *
 * prints what it comes to.  With `lock` the element is read and written by plain instructions, and only the lock
 * keeps one increment from swallowing another.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ruche/objects.h>

static const char *socket_path;

static void expect(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "value: %s: %s\n", what, strerror(-r));
	exit(2);
}

static struct ruche_value *open_value(bool existing, struct ruche **ret_ruche)
{
	const struct ruche_object_options options = {.existing = existing, .exclusive = !existing};
	struct ruche_value *value;

	expect(ruche_open(socket_path, ret_ruche), "ruche_open");
	expect(ruche_value_open(*ret_ruche, &value, "counter", RUCHE_INT64, 1, NULL, &options),
		"ruche_value_open");
	return value;
}

static void count_with_lock(struct ruche_value *value, long increments)
{
	volatile int64_t *counter = ruche_value_data(value);

	for (long i = 0; i < increments; i++) {
		expect(ruche_value_lock(value, -1), "ruche_value_lock");
		*counter = *counter + 1;
		expect(ruche_value_unlock(value), "ruche_value_unlock");
	}
}

static void count_by_adding(struct ruche_value *value, long increments)
{
	for (long i = 0; i < increments; i++)
		ruche_value_add(value, 0, 1);
}

/* Begins when nobody has the other end of `start` any more. */
static void run_process(const int start[2], void (*count)(struct ruche_value *, long), long times)
{
	struct ruche *ruche;
	struct ruche_value *value = open_value(true, &ruche);
	char byte;

	close(start[1]);
	if (read(start[0], &byte, 1) != 0)
		exit(2);
	count(value, times);
	ruche_value_close(value);
	ruche_close(ruche);
	exit(0);
}

static void run_processes(long processes, void (*count)(struct ruche_value *, long), long times)
{
	int start[2], status, failed = 0;

	if (pipe(start) < 0)
		exit(2);
	for (long i = 0; i < processes; i++)
		if (fork() == 0)
			run_process(start, count, times);
	close(start[1]);
	while (wait(&status) > 0)
		failed += status != 0;
	if (failed > 0)
		exit(2);
}

int main(int argc, char **argv)
{
	struct ruche_value *value;
	struct ruche *ruche;

	if (argc != 5)
		return 64;
	socket_path = argv[1];
	value = open_value(false, &ruche);
	run_processes(atol(argv[3]),
		strcmp(argv[2], "lock") == 0 ? count_with_lock : count_by_adding, atol(argv[4]));
	printf("%lld\n", (long long)ruche_value_get(value, 0));
	ruche_value_close(value);
	ruche_close(ruche);
	return 0;
}
