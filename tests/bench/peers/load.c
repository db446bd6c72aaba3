/* SPDX-License-Identifier: MIT */

/* The workloads: what is sent to a peer, and what is measured. */

#include "peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- the clock around a part ------------------------------------------------------------ */

struct watch {
	struct cost cost;
	double start;
};

static struct watch watch_start(const struct run *run)
{
	struct watch watch = {.cost = run_cost(run)};

	watch.start = cost_clock();
	return watch;
}

/* Returns the seconds, and leaves the cost in the run. */
static double watch_stop(const struct watch *watch, struct run *run)
{
	double seconds = cost_clock() - watch->start;

	run->cost = run_cost(run);
	cost_subtract(&run->cost, &watch->cost);
	run->has_cost = true;
	return seconds;
}

/* ---- one client ------------------------------------------------------------------------- */

static void warm_up(struct run *run, void *client)
{
	struct feed feed;

	feed_init_warm_up(&feed, &run->args);
	run->peer->client_run(client, &feed);
	feed_fini(&feed);
}

static double *new_figures(long count)
{
	double *figures = calloc((size_t)count, sizeof *figures);

	if (figures == NULL)
		peer_die("out of memory");
	return figures;
}

/* Runs the feed from one client on a warm peer; returns how many seconds it took. */
static double run_feed(struct run *run, struct feed *feed)
{
	struct watch watch;
	double seconds;
	void *client;

	run_start(run);
	run_wait_for_workers(run);
	client = run->peer->client_new(run, 0);
	warm_up(run, client);
	watch = watch_start(run);
	run->peer->client_run(client, feed);
	seconds = watch_stop(&watch, run);
	run->peer->client_free(client);
	return seconds;
}

/* One call at a time, whatever `outstanding` is; the time of each is kept. */
static void feed_init_calls(struct feed *feed, struct run *run)
{
	run->args.outstanding = 1;
	feed_init(feed, &run->args);
	feed->latencies = new_figures(feed->left);
}

static void one(struct run *run)
{
	struct feed feed;
	long calls = run->args.calls;

	feed_init_calls(&feed, run);
	run_feed(run, &feed);
	run_add_figure(run, "p50", cost_percentile(feed.latencies, calls, 0.5));
	run_add_figure(run, "p99", cost_percentile(feed.latencies, calls, 0.99));
	feed_fini(&feed);
}

static void echo(struct run *run)
{
	struct feed feed;

	feed_init_calls(&feed, run);
	run_add_figure(run, "seconds", run_feed(run, &feed));
	run_add_figure(run, "p50", cost_percentile(feed.latencies, run->args.count, 0.5));
	feed_fini(&feed);
}

static void flood(struct run *run)
{
	struct feed feed;

	feed_init(&feed, &run->args);
	run_add_figure(run, "rate", (double)run->args.tasks / run_feed(run, &feed));
	feed_fini(&feed);
}

/* All chunks are submitted at once. */
static void primes(struct run *run)
{
	struct feed feed;

	feed_init(&feed, &run->args);
	feed.limit = LONG_MAX;
	run_add_figure(run, "seconds", run_feed(run, &feed));
	run_add_figure(run, "primes", (double)feed.sum);
	feed_fini(&feed);
}

/* From nothing to the first answer: nobody waits until all workers are there. */
static void startup(struct run *run)
{
	struct watch watch;
	struct feed feed;
	void *client;

	feed_init(&feed, &run->args);
	watch = watch_start(run);
	run_start(run);
	client = run->peer->client_new(run, 0);
	run->peer->client_run(client, &feed);
	run_add_figure(run, "seconds", watch_stop(&watch, run));
	run_wait_for_workers(run);
	run->peer->client_free(client);
	feed_fini(&feed);
}

/* ---- many clients ----------------------------------------------------------------------- */

/* A client in a thread of its own, with a connection of its own. */
struct member {
	struct run *run;
	int number;
	pthread_t thread;
	pthread_barrier_t *barrier;
	void *client;
	struct feed feed;
};

static void *member_run(void *argument)
{
	struct member *member = argument;

	member->client = member->run->peer->client_new(member->run, member->number);
	warm_up(member->run, member->client);
	pthread_barrier_wait(member->barrier);
	/* Now the clock is started. */
	pthread_barrier_wait(member->barrier);
	member->run->peer->client_run(member->client, &member->feed);
	return NULL;
}

static void member_start(struct member *member, struct run *run, pthread_barrier_t *barrier)
{
	member->run = run;
	member->barrier = barrier;
	feed_init(&member->feed, &run->args);
	if (pthread_create(&member->thread, NULL, member_run, member) != 0)
		peer_die("pthread_create");
}

/* The threads that member_start() made; the clock runs while they all send. */
static double time_members(struct run *run, struct member *members, pthread_barrier_t *barrier)
{
	struct watch watch;

	pthread_barrier_wait(barrier);
	watch = watch_start(run);
	pthread_barrier_wait(barrier);
	for (long i = 0; i < run->args.clients; i++)
		pthread_join(members[i].thread, NULL);
	return watch_stop(&watch, run);
}

static void clients(struct run *run)
{
	long count = run->args.clients;
	struct member *members = calloc((size_t)count, sizeof *members);
	pthread_barrier_t barrier;

	if (members == NULL || pthread_barrier_init(&barrier, NULL, (unsigned)count + 1) != 0)
		peer_die("out of memory");
	/* Each has its share. */
	run->args.tasks = (run->args.tasks + count - 1) / count;
	run_start(run);
	run_wait_for_workers(run);
	for (long i = 0; i < count; i++) {
		members[i].number = (int)i;
		member_start(&members[i], run, &barrier);
	}
	run_add_figure(run, "rate",
		(double)(run->args.tasks * count) / time_members(run, members, &barrier));
	for (long i = 0; i < count; i++) {
		run->peer->client_free(members[i].client);
		feed_fini(&members[i].feed);
	}
	pthread_barrier_destroy(&barrier);
	free(members);
}

/* ---- by name ---------------------------------------------------------------------------- */

/* Never called: peers that do not replace a worker say so beforehand. */
static void crash(struct run *run)
{
	(void)run;
	errno = 0;
	peer_die("no peer in C replaces its workers");
}

static const struct {
	const char *name;
	workload_run *run;
} workloads[] = {
	{"one", one},
	{"flood", flood},
	{"clients", clients},
	{"echo", echo},
	{"primes", primes},
	{"startup", startup},
	{"crash", crash},
};

workload_run *workload_find(const char *name)
{
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
		if (strcmp(workloads[i].name, name) == 0)
			return workloads[i].run;
	return NULL;
}
