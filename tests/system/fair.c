/* SPDX-License-Identifier: MIT */
/*
 * One client with very much queued, another that sends one call at a time: how long does the
 * second one wait, against when the pool is as busy but nothing is queued?
 *
 *	fair SOCKET QUEUED ROUNDS RATIO MICROSECONDS...
 *
 * For each length of a task (test.busy) prints the median of the second client's calls while the first
 * keeps as many calls open as there are workers (two), while it has QUEUED of them open, and the ratio; both
 * are measured by turns, and the best of three tries counts.  Fails if a ratio is above RATIO.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ruche/ruche.h>

enum {
	WORKERS = 2,
	TRIES = 3,
	CALLS_MAX = 4096,
	TAKEN_IN = 60000, /* below what the daemon reads of one connection */
};

static const char *socket_path;
static atomic_int open_calls; /* of the first client; 0: it is to end */
static atomic_bool is_under_way;
static long length;

static void fail(const char *what, int error)
{
	fprintf(stderr, "fair: %s: %s\n", what, strerror(-error));
	exit(2);
}

static void take(struct ruche *ruche)
{
	struct ruche_reply *reply;
	int r = ruche_wait(ruche, 0, 60000, &reply);

	if (r != 1 || ruche_reply_code(reply) != RUCHE_OK)
		fail(r == 1 ? "a call failed" : "ruche_wait", r == 1 ? 0 : r);
	ruche_reply_free(reply);
}

static struct ruche_reply *ask(struct ruche *ruche, const char *method)
{
	struct ruche_reply *reply;
	int r = ruche_call(ruche, &reply, method, "");

	if (r < 0)
		fail(method, r);
	return reply;
}

static void submit(struct ruche *ruche, int wanted)
{
	uint32_t id;
	int r;

	while (ruche_pending(ruche) < (size_t)wanted)
		if ((r = ruche_submit(ruche, &id, "test.busy", "i", (int64_t)length)) < 0)
			fail("ruche_submit", r);
}

/* The first client: keeps as many calls open as it is told to. */
static void *flood(void *data)
{
	struct ruche *ruche;
	int r = ruche_open(socket_path, &ruche), wanted;

	if (r < 0)
		fail("ruche_open", r);
	submit(ruche, open_calls < TAKEN_IN ? open_calls : TAKEN_IN);
	ruche_reply_free(ask(ruche, "ruche.ping")); /* is read after all of them */
	is_under_way = true;
	while ((wanted = open_calls) > 0) {
		submit(ruche, wanted);
		take(ruche);
	}
	ruche_close(ruche);
	return data;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* The second client's median while the first has `wanted` open. */
static double measure(int wanted, int calls)
{
	static double took[CALLS_MAX];
	struct ruche_reply *reply;
	struct ruche *ruche;
	pthread_t thread;
	int r = ruche_open(socket_path, &ruche);

	open_calls = wanted;
	is_under_way = false;
	if (r < 0 || pthread_create(&thread, NULL, flood, NULL) != 0)
		fail("cannot begin", r);
	while (!is_under_way)
		;
	for (int i = 0; i < calls; i++) {
		double start = now();

		r = ruche_call(ruche, &reply, "test.busy", "i", (int64_t)length);
		if (r < 0 || ruche_reply_code(reply) != RUCHE_OK)
			fail("a call failed", r);
		ruche_reply_free(reply);
		took[i] = now() - start;
	}
	open_calls = 0;
	pthread_join(thread, NULL);
	ruche_close(ruche);
	qsort(took, (size_t)calls, sizeof(took[0]), compare);
	return took[calls / 2];
}

int main(int argc, char **argv)
{
	int queued, calls, status = 0;

	if (argc < 6 || (calls = atoi(argv[3])) > CALLS_MAX)
		return 64;
	socket_path = argv[1];
	queued = atoi(argv[2]);
	for (int i = 5; i < argc; i++) {
		double best = 1e9;

		length = atol(argv[i]);
		for (int try = 0; try < TRIES && best > 1.3; try++) {
			double alone = measure(WORKERS, calls), beside = measure(queued, calls);

			printf("%ld us: %.0f us, %.0f us, ratio %.2f\n", length, alone * 1e6,
				beside * 1e6, beside / alone);
			best = beside / alone < best ? beside / alone : best;
		}
		status |= best > atof(argv[4]);
	}
	return status;
}
