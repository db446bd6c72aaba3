/* SPDX-License-Identifier: MIT */
/*
 * Tasks that have objects of the daemon and end, well or not: all that they had is free at once, and whoever has it next is told.
 *
 *	deaths_tasks SOCKET ROUNDS
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ruche/objects.h>

enum { PATIENCE_MS = 20000, UNITS = 2, LOCKS = 3 };

static struct ruche *ruche;
static struct ruche_object *locks[LOCKS], *callers, *queue, *held;

/* ---- words ------------------------------------------------------------------------------------- */

static void fail(const char *what, int error)
{
	const struct ruche_error *said = ruche_last_error(ruche);

	fprintf(stderr, "deaths_tasks: %s: %d, %s%s%s\n", what, error,
		error < 0 ? strerror(-error) : "", said ? ": " : "", said ? said->message : "");
	exit(1);
}

static void must(const char *what, int error)
{
	if (error != 0)
		fail(what, error);
}

static void open_one(struct ruche_object **ret, enum ruche_kind kind, const char *name)
{
	const struct ruche_object_options options = {.value = kind == RUCHE_SEMAPHORE ? UNITS : 0};

	must(name, ruche_object_open(ruche, ret, kind, name, &options));
}

static void open_all(void)
{
	open_one(&locks[0], RUCHE_LOCK, "lock");
	open_one(&locks[1], RUCHE_RLOCK, "rlock");
	open_one(&locks[2], RUCHE_SEMAPHORE, "semaphore");
	open_one(&callers, RUCHE_LOCK, "callers");
	open_one(&queue, RUCHE_QUEUE, "queue");
	open_one(&held, RUCHE_EVENT, "held");
}

/* The number of a key in what is told of an object, behind another key; -1: there is none. */
static long told(const char *name, const char *behind, const char *key)
{
	struct ruche_reply *reply;
	const uint8_t *at = NULL;
	const void *data;
	long number = -1;
	size_t len;

	must("status", ruche_object_status(ruche, name, &reply));
	must("unpack", ruche_reply_packed(reply, &data, &len));
	at = memmem(data, len, behind, strlen(behind));
	if (at != NULL)
		at = memmem(at, len - (size_t)(at - (const uint8_t *)data), key, strlen(key));
	if (at != NULL) {
		at += strlen(key);
		number = at[0] < 0x80    ? at[0]
			 : at[0] == 0xcc ? at[1]
			 : at[0] == 0xcd ? at[1] << 8 | at[2]
			 : at[0] == 0xce ? (long)at[1] << 24 | at[2] << 16 | at[3] << 8 | at[4]
					 : -1;
	}
	ruche_reply_free(reply);
	return number;
}

/* ---- one task ------------------------------------------------------------------------------------- */

static void expect_end(uint32_t id, enum ruche_code code)
{
	struct ruche_reply *reply;
	int r = ruche_wait(ruche, id, PATIENCE_MS, &reply);

	if (r != 1)
		fail("the task does not end", r);
	if (ruche_reply_code(reply) != code)
		fail(ruche_reply_code(reply) == RUCHE_OK ? "the task has ended well"
							 : ruche_reply_error(reply)->message,
			0);
	ruche_reply_free(reply);
}

/* What the task had can be had: first of all by one who is told what has become of the one before. */
static void expect_free(int timeout_ms, const char *way)
{
	struct ruche_reply *reply;
	uint64_t token;
	int r;

	for (int i = 0; i < LOCKS; i++) {
		r = ruche_acquire(locks[i], timeout_ms);
		if (r < 0 || (way[0] == 'g' && r != 0))
			fail("what the task has given back", r);
		if (r == 0 && way[0] != 'g' && way[0] != 'c')
			fail("what the task has not given back", r);
		must("release", ruche_release(locks[i]));
	}
	for (int i = 0; i < UNITS; i++)
		must("a unit", ruche_acquire(locks[2], timeout_ms));
	for (int i = 0; i < UNITS; i++)
		must("release a unit", ruche_release(locks[2]));
	must("the item", ruche_queue_get_ack(queue, timeout_ms, &token, &reply));
	ruche_reply_free(reply);
	must("acknowledge", ruche_queue_ack(queue, token));
	must("clear", ruche_event_clear(held));
}

static void has_and_ends(const char *way, enum ruche_code code)
{
	bool lives = code == RUCHE_OK;
	uint32_t id;

	must("put", ruche_queue_put(queue, 0, "i", (int64_t)1));
	must("submit", ruche_submit(ruche, &id, "objects.hold", "s", way));
	must("wait until it has all", ruche_event_wait(held, PATIENCE_MS));
	expect_end(id, code);
	/* Its end is told when all is free; a death is seen when the process has gone, its connection perhaps a moment later. */
	expect_free(lives ? 0 : PATIENCE_MS, way);
}

static void waits_and_dies(void)
{
	long pid = -1;
	uint32_t id;

	must("acquire", ruche_acquire(callers, 0));
	must("submit", ruche_submit(ruche, &id, "objects.hold", "s", "wait"));
	while (pid < 0)
		pid = told("callers", "waiters", "\xa3pid");
	kill((pid_t)pid, SIGKILL);
	expect_end(id, RUCHE_CRASHED);
	while (told("callers", "waiting", "waiting") != 0)
		continue;
	must("release", ruche_release(callers));
	must("acquire again", ruche_acquire(callers, 0));
	must("release again", ruche_release(callers));
}

static void waits_and_is_cancelled(void)
{
	struct ruche_reply *reply;
	uint32_t id;

	must("acquire", ruche_acquire(callers, 0));
	must("submit", ruche_submit(ruche, &id, "objects.hold", "s", "wait"));
	while (told("callers", "waiting", "waiting") != 1)
		continue;
	must("cancel", ruche_cancel(ruche, id, 0));
	if (ruche_wait(ruche, id, PATIENCE_MS, &reply) != 1)
		fail("a task that waits is not cancelled", 0);
	ruche_reply_free(reply);
	while (told("callers", "waiting", "waiting") != 0)
		continue;
	must("release", ruche_release(callers));
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[2]) : 0;

	if (rounds == 0)
		return 2;
	must("connect", ruche_open(argv[1], &ruche));
	open_all();
	for (int i = 0; i < rounds; i++) {
		has_and_ends("return", RUCHE_OK);
		has_and_ends("return", RUCHE_OK); /* by the same connection */
		has_and_ends("give", RUCHE_OK);
		has_and_ends("close", RUCHE_OK); /* which may be heard after its end, or before */
		has_and_ends("give", RUCHE_OK);
		waits_and_is_cancelled();
		has_and_ends("return", RUCHE_OK);
		has_and_ends("kill", RUCHE_CRASHED);
		waits_and_dies();
		has_and_ends("exit", RUCHE_CRASHED);
	}
	ruche_close(ruche);
	puts("good");
	return 0;
}
