/* SPDX-License-Identifier: MIT */
/*
 * One client with very much queued, another that sends one call at a time: how long does the
 * second one wait, against when the pool is as busy but nothing is queued?
 *
 *	fair SOCKET QUEUED MILLISECONDS RATIO LENGTH...
 *
 * For each length of a task in us (test.busy), in measurements of so many milliseconds: the second client's median while the first has QUEUED calls open, and
 * while it has only as many open as keep the pool equally busy: two, or with tasks so short that two workers then
 * mostly wait for their next one, up to what workers have at hand (2 x 64), until as many tasks are done a
 * second as with QUEUED. Both are measured by turns, and the median of the ratios counts.  Fails if
 * one is above RATIO.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ruche/ruche.h>

enum {
	WORKERS = 2,
	AT_HAND = 2 * 64,
	TRIES = 5,
	CALLS_MAX = 65536,
	TAKEN_IN = 60000, /* below what the daemon reads of one connection */
};

static const char *socket_path;
static atomic_int open_calls; /* of the first client; 0: it is to end */
static atomic_bool is_under_way;
static atomic_long taken; /* replies to the first client */
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
		taken++;
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

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(values[0]), compare);
	return values[count / 2];
}

struct measured {
	double median; /* of the second client's calls, s */
	double rate;   /* of the first one's, tasks a second */
};

static double call_once(struct ruche *ruche)
{
	struct ruche_reply *reply;
	double start = now();
	int r = ruche_call(ruche, &reply, "test.busy", "i", (int64_t)length);

	if (r < 0 || ruche_reply_code(reply) != RUCHE_OK)
		fail("a call failed", r);
	ruche_reply_free(reply);
	return now() - start;
}

/* The first has `wanted` open. */
static struct measured measure(int wanted, double seconds)
{
	static double took[CALLS_MAX];
	struct measured result;
	struct ruche *ruche;
	pthread_t thread;
	double start;
	int r = ruche_open(socket_path, &ruche), calls;

	open_calls = wanted;
	is_under_way = false;
	taken = 0;
	if (r < 0 || pthread_create(&thread, NULL, flood, NULL) != 0)
		fail("cannot begin", r);
	while (!is_under_way)
		sched_yield();
	start = now();
	for (calls = 0; calls < CALLS_MAX && now() < start + seconds; calls++)
		took[calls] = call_once(ruche);
	result.rate = (double)taken / (now() - start);
	result.median = median(took, calls);
	open_calls = 0;
	pthread_join(thread, NULL);
	ruche_close(ruche);
	return result;
}

/* With as few calls open as keep the pool as busy as `beside`. */
static struct measured measure_alone(struct measured beside, double seconds, int *ret_open)
{
	struct measured alone;

	for (*ret_open = WORKERS;; *ret_open *= 4) {
		alone = measure(*ret_open, seconds);
		if (alone.rate >= 0.9 * beside.rate || *ret_open >= AT_HAND)
			return alone;
	}
}

static double compare_both(int queued, double seconds)
{
	double ratios[TRIES];

	for (int i = 0; i < TRIES; i++) {
		struct measured beside = measure(queued, seconds), alone;
		int open;

		alone = measure_alone(beside, seconds, &open);
		ratios[i] = beside.median / alone.median;
		printf("%ld us: %.0f us beside %d, %.0f us beside %d (%.0f and %.0f tasks/s), "
		       "ratio %.2f\n",
			length, beside.median * 1e6, queued, alone.median * 1e6, open, beside.rate,
			alone.rate, ratios[i]);
	}
	return median(ratios, TRIES);
}

int main(int argc, char **argv)
{
	int queued, status = 0;
	double seconds;

	if (argc < 6)
		return 64;
	socket_path = argv[1];
	queued = atoi(argv[2]);
	seconds = atof(argv[3]) / 1000;
	for (int i = 5; i < argc; i++) {
		length = atol(argv[i]);
		status |= compare_both(queued, seconds) > atof(argv[4]);
	}
	return status;
}
