/* SPDX-License-Identifier: MIT */
/*
 * Two workers, and one long task among many short ones: no short one waits for the end of the long one,
 * wherever that comes among them.
 *
 *	behind SOCKET ROUNDS BUSY [CLIENTS]
 *
 * A round sends SHORT short tasks and the long one, at another place in each round: all in one write,
 * or the long one in a write of its own.  When the short ones have ended, the long one must not have; it
 * is then cancelled.  With BUSY, the number of calls that a second client keeps open all the time, the
 * other worker never falls idle.  With 0 there is no second client, with CLIENTS so many of them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ruche/ruche.h>

enum { SHORT = 40, BUSY_US = 300, PATIENCE_MS = 60000, CLIENTS_MAX = 8 };

#define LONG_SECONDS 10.0

static const char *socket_path;
static int busy, clients;
static atomic_bool over;
static atomic_long beside; /* calls of the other clients that have ended */
static pthread_t threads[CLIENTS_MAX];

static void fail(const char *what, int error)
{
	fprintf(stderr, "behind: %s: %s\n", what, strerror(-error));
	exit(1);
}

static struct ruche *open_client(void)
{
	struct ruche *ruche;
	int r = ruche_open(socket_path, &ruche);

	if (r < 0)
		fail("ruche_open", r);
	return ruche;
}

static void flush(struct ruche *ruche)
{
	int r = ruche_process(ruche);

	if (r < 0)
		fail("ruche_process", r);
}

/* What became of one call, or of any; it is no longer open. */
static enum ruche_code take(struct ruche *ruche, uint32_t id)
{
	struct ruche_reply *reply;
	enum ruche_code code;
	int r = ruche_wait(ruche, id, PATIENCE_MS, &reply);

	if (r != 1)
		fail("no answer", r);
	code = ruche_reply_code(reply);
	ruche_reply_free(reply);
	return code;
}

static void *keep_busy(void *data)
{
	struct ruche *ruche = open_client();
	uint32_t id;

	while (!over) {
		while (ruche_pending(ruche) < (size_t)busy)
			if (ruche_submit(ruche, &id, "test.busy", "i", (int64_t)BUSY_US) < 0)
				fail("ruche_submit", 0);
		if (take(ruche, 0) != RUCHE_OK)
			fail("a call of the second client", 0);
		beside++;
	}
	ruche_close(ruche);
	return data;
}

static uint32_t submit_long(struct ruche *ruche, bool apart)
{
	uint32_t id;
	int r;

	if (apart)
		flush(ruche);
	r = ruche_submit(ruche, &id, "sleep", "d", LONG_SECONDS);
	if (r < 0)
		fail("ruche_submit", r);
	if (apart)
		flush(ruche);
	return id;
}

static void play(struct ruche *ruche, int round)
{
	int place = round % (SHORT + 1);
	bool apart = round / (SHORT + 1) % 2 != 0;
	uint32_t ids[SHORT], the_long_one = 0;
	enum ruche_code code;

	for (int i = 0; i <= SHORT; i++) {
		if (i == place)
			the_long_one = submit_long(ruche, apart);
		if (i < SHORT && ruche_submit(ruche, &ids[i], "cube", "i", (int64_t)i) < 0)
			fail("ruche_submit", 0);
	}
	for (int i = 0; i < SHORT; i++)
		if (take(ruche, ids[i]) != RUCHE_OK)
			fail("a short call", 0);
	if (ruche_ready(ruche, the_long_one) != 0)
		fail("a short call has waited for the long one", 0);
	ruche_cancel(ruche, the_long_one, 0);
	/* Asked to stop, sleep() returns: that is a result, or it says that it was cancelled. */
	code = take(ruche, the_long_one);
	if (code != RUCHE_CANCELLED && code != RUCHE_OK)
		fail(ruche_code_name(code), 0);
}

static void start_others(void)
{
	for (int i = 0; i < clients; i++)
		if (pthread_create(&threads[i], NULL, keep_busy, NULL) != 0)
			fail("no thread", 0);
}

static void join_others(void)
{
	over = true;
	for (int i = 0; i < clients; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	struct ruche *ruche;

	if (argc < 4 || argc > 5)
		return 64;
	socket_path = argv[1];
	busy = atoi(argv[3]);
	clients = busy == 0 ? 0 : argc == 4 ? 1 : atoi(argv[4]);
	if (clients > CLIENTS_MAX)
		return 64;
	start_others();
	ruche = open_client();
	for (int i = 0; i < atoi(argv[2]); i++)
		play(ruche, i);
	ruche_close(ruche);
	join_others();
	printf("%s rounds, %ld calls beside them\n", argv[2], beside);
	return 0;
}
