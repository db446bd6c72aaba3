/* SPDX-License-Identifier: MIT */
/*
 * Processes that count in one shared value, each with a connection of its own, and all at once.
 *
 *	value SOCKET lock|add PROCESSES INCREMENTS
 *
 * prints what it comes to.  With `lock` the element is read and written by plain instructions, and only the lock
 * keeps one increment from swallowing another.
 *
 *	value SOCKET woken
 *
 * prints "good" if a lock goes on to who waits for it after another one was woken for it and killed before he could take it;
 * "skipped" where that cannot be arranged.
 */
#include <sched.h>
#include <signal.h>
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

/* ---- who is woken and dies ---------------------------------------------------------------- */

enum { HERE, THERE, MOMENT = 100000 }; /* cores; us */

static bool stay_on(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* Says by its exit that it had the lock. */
static pid_t start_waiter(int core)
{
	struct ruche_value *value;
	struct ruche *ruche;
	pid_t pid = fork();

	if (pid != 0) {
		usleep(MOMENT); /* so that it waits */
		return pid;
	}
	stay_on(core);
	value = open_value(true, &ruche);
	expect(ruche_value_lock(value, -1), "ruche_value_lock");
	expect(ruche_value_unlock(value), "ruche_value_unlock");
	_exit(0);
}

/* Nothing else of that core runs before it ends. */
static pid_t start_hog(void)
{
	const struct sched_param first = {.sched_priority = 1};
	pid_t pid = fork();

	if (pid == 0) {
		if (!stay_on(THERE) || sched_setscheduler(0, SCHED_FIFO, &first) < 0)
			_exit(1);
		for (;;)
			;
	}
	usleep(MOMENT);
	return pid;
}

static bool ends_well(pid_t pid)
{
	int status;

	for (int i = 0; i < 100; i++, usleep(MOMENT))
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	kill(pid, SIGKILL);
	return false;
}

static const char *wake_and_kill(struct ruche_value *value)
{
	pid_t woken, next, hog;
	bool has_hog;

	if (!stay_on(THERE) || !stay_on(HERE))
		return "skipped";
	expect(ruche_value_lock(value, -1), "ruche_value_lock");
	woken = start_waiter(THERE);
	next = start_waiter(HERE);
	hog = start_hog();
	has_hog = waitpid(hog, NULL, WNOHANG) == 0;
	expect(ruche_value_unlock(value), "ruche_value_unlock");
	expect(ruche_value_lock(value, -1), "ruche_value_lock");
	kill(woken, SIGKILL);
	kill(hog, SIGKILL);
	waitpid(woken, NULL, 0);
	expect(ruche_value_unlock(value), "ruche_value_unlock");
	if (!ends_well(next))
		return "it waits for ever";
	return has_hog ? "good" : "skipped";
}

int main(int argc, char **argv)
{
	struct ruche_value *value;
	struct ruche *ruche;

	if (argc != 5 && (argc != 3 || strcmp(argv[2], "woken") != 0))
		return 64;
	socket_path = argv[1];
	if (argc == 3) {
		value = open_value(false, &ruche);
		puts(wake_and_kill(value));
		ruche_value_close(value);
		ruche_close(ruche);
		return 0;
	}
	value = open_value(false, &ruche);
	run_processes(atol(argv[3]),
		strcmp(argv[2], "lock") == 0 ? count_with_lock : count_by_adding, atol(argv[4]));
	printf("%lld\n", (long long)ruche_value_get(value, 0));
	ruche_value_close(value);
	ruche_close(ruche);
	return 0;
}
