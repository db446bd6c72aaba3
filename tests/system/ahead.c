/* SPDX-License-Identifier: MIT */
/*
 * Numbers through a queue, from one process to another, with many requests of each under way: ruche_submit() of the
 * daemon's own methods.
 *
 *	ahead SOCKET COUNT AHEAD MAXSIZE
 *
 * prints how many came before the queue was ended, if each came once and in order.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ruche/objects.h>

static const char *socket_path;
static size_t ahead;

static void expect(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "ahead: %s: %s\n", what, strerror(-r));
	exit(2);
}

static struct ruche_object *open_queue(struct ruche **ret_ruche, size_t maxsize)
{
	const struct ruche_object_options options = {.maxsize = maxsize};
	struct ruche_object *queue;

	expect(ruche_open(socket_path, ret_ruche), "ruche_open");
	expect(ruche_object_open(*ret_ruche, &queue, RUCHE_QUEUE, "numbers", &options),
		"ruche_object_open");
	return queue;
}

/* The next answer; it is in *ret_number if it is one.  How it went. */
static enum ruche_code take_answer(struct ruche *ruche, int64_t *ret_number)
{
	struct ruche_reply *reply;
	enum ruche_code code;

	expect(ruche_wait(ruche, 0, -1, &reply), "ruche_wait");
	code = ruche_reply_code(reply);
	if (code == RUCHE_OK)
		(void)ruche_reply_int64(reply, ret_number);
	ruche_reply_free(reply);
	return code;
}

static void take_put(struct ruche *ruche)
{
	int64_t none;
	enum ruche_code code = take_answer(ruche, &none);

	if (code == RUCHE_OK)
		return;
	fprintf(stderr, "ahead: a put: %s\n", ruche_code_name(code));
	exit(2);
}

/* Ends the queue when all are in it. */
static void produce(int64_t count, size_t maxsize)
{
	struct ruche *ruche;
	struct ruche_object *queue = open_queue(&ruche, maxsize);
	uint32_t id;

	for (int64_t i = 0; i < count; i++) {
		expect(ruche_submit(ruche, &id, "ruche.queue.put", "si", "numbers", i),
			"ruche_submit");
		if (ruche_pending(ruche) >= ahead)
			take_put(ruche);
	}
	while (ruche_pending(ruche) > 0)
		take_put(ruche);
	expect(ruche_queue_end(queue), "ruche_queue_end");
	ruche_close(ruche);
	exit(0);
}

/* How many. */
static int64_t consume(struct ruche *ruche)
{
	int64_t got = 0, number = -1;
	enum ruche_code code = RUCHE_OK;
	uint32_t id;

	for (; code == RUCHE_OK; got++) {
		while (ruche_pending(ruche) < ahead)
			expect(ruche_submit(ruche, &id, "ruche.queue.get", "s", "numbers"),
				"ruche_submit");
		code = take_answer(ruche, &number);
		if (code != RUCHE_OK || number == got)
			continue;
		fprintf(stderr, "ahead: %lld instead of %lld\n", (long long)number, (long long)got);
		exit(2);
	}
	if (code != RUCHE_CLOSED)
		fprintf(stderr, "ahead: a get: %s\n", ruche_code_name(code));
	while (ruche_pending(ruche) > 0)
		if (take_answer(ruche, &number) != RUCHE_CLOSED)
			exit(2);
	return code == RUCHE_CLOSED ? got - 1 : -1;
}

int main(int argc, char **argv)
{
	struct ruche *ruche;
	size_t maxsize;
	int status;

	if (argc != 5)
		return 64;
	socket_path = argv[1];
	ahead = (size_t)atol(argv[3]);
	maxsize = (size_t)atol(argv[4]);
	(void)open_queue(&ruche, maxsize);
	if (fork() == 0)
		produce(atol(argv[2]), maxsize);
	printf("%lld\n", (long long)consume(ruche));
	ruche_close(ruche);
	return wait(&status) < 0 || status != 0;
}
