/* SPDX-License-Identifier: MIT */

/*
 * What the C peers share.  Each of them is one program that performs one measured run of one
 * workload and prints one line of JSON:
 *
 *	peer-NAME WORKLOAD [KEY=VALUE...]
 *
 * A peer describes itself by a struct peer and calls peer_main(), which starts the server and
 * the workers, sends the tasks, measures, and removes everything again.  This is a benchmark,
 * not a service: what goes wrong ends the program, with a line on stderr and status 1.
 *
 *	peer.c	the arguments, and the line of JSON
 *	child.c	processes, the temporary folder, connections; what cleans up, whatever happens
 *	cost.c	clocks, CPU time and context switches
 *	feed.c	the tasks that a client sends, and the check of their answers
 *	load.c	the workloads
 */

#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEER_WORKERS_MAX 64
#define PEER_FIGURES_MAX 4

/* Prints a line about what went wrong, with errno if it is set, and ends this process. */
_Noreturn void peer_die(const char *what);

/* ---- what is asked for ------------------------------------------------------------------ */

/* The words of the command line.  A key that was not given has its default. */
struct peer_args {
	const char *workload;
	long workers;
	long calls;
	long tasks;
	long outstanding; /* 0 is no limit */
	long clients;
	long bytes;
	long count;
	long lo, hi, chunk;
};

/* ---- what it costs ---------------------------------------------------------------------- */

enum cost_group { COST_CLIENT, COST_SERVER, COST_WORKERS, COST_GROUPS };

/* CPU seconds and context switches, of user and system, voluntary and not, of all threads. */
struct cost {
	double cpu[COST_GROUPS];
	long switches[COST_GROUPS];
};

/* Seconds of the monotonic clock. */
double cost_clock(void);

/* Adds the cost of a process since it began. */
void cost_add_process(struct cost *cost, enum cost_group group, pid_t pid);

/* Adds the cost of this process, with its threads that have ended. */
void cost_add_self(struct cost *cost, enum cost_group group);

/* Subtracts what had been used `before`. */
void cost_subtract(struct cost *cost, const struct cost *before);

/* The value that `share` (0 to 1) of the values do not exceed.  Sorts them. */
double cost_percentile(double *values, long count, double share);

/* ---- a run ------------------------------------------------------------------------------ */

struct figure {
	const char *name;
	double value;
};

/* One run: filled by peer_main(); peers read `args`, `program`, `folder`, `socket` and `port`. */
struct run {
	const struct peer *peer;
	struct peer_args args;
	char program[PATH_MAX]; /* the server's program, where PATH has it */
	char folder[64];        /* removed when the run has ended */
	char socket[96];        /* a path in it that is free */
	int port;               /* of 127.0.0.1, free a moment ago; 0 if the peer needs none */
	pid_t server;           /* 0 if there is none yet, as with the workers */
	pid_t workers[PEER_WORKERS_MAX];
	int ready[2];   /* a pipe into which each worker writes a byte */
	int janitor[2]; /* a pipe that nobody writes to: its end is our end */
	pid_t cleaner;
	struct figure figures[PEER_FIGURES_MAX];
	int figure_count;
	struct cost cost;
	bool has_cost;
};

/* Finds a program in PATH, or where Debian has those of administrators. */
bool run_find_program(const char *name, char ret_path[static PATH_MAX]);

/* Makes the folder and the janitor that removes it.  Before anything is measured. */
void run_prepare(struct run *run);

/* Starts the server and the workers; returns when they are on their way. */
void run_start(struct run *run);

/* Blocks until each worker has called run_worker_is_ready(). */
void run_wait_for_workers(struct run *run);

/* Kills what was started, and returns when it is gone. */
void run_stop(struct run *run);

/* What all the processes of the run have used so far. */
struct cost run_cost(const struct run *run);

void run_add_figure(struct run *run, const char *name, double value);

/* For workers. */
void run_worker_is_ready(struct run *run);

/*
 * For servers, workers and clients: a connection to the port, or to the socket if there is no
 * port.  Tries until the server listens.
 */
int run_dial(const struct run *run);

/* For servers: becomes the server's program.  `argv` ends with NULL; argv[0] is set here. */
_Noreturn void run_exec(struct run *run, char *argv[]);

/* ---- tasks ------------------------------------------------------------------------------ */

struct bytes {
	const void *data;
	size_t size;
};

/* What a run's workers do.  One run needs only one function: the workload's. */
enum function { FUNCTION_SQUARE, FUNCTION_ECHO, FUNCTION_PRIMES };

enum function function_of(const struct peer_args *args);
const char *function_name(enum function function);

/* An answer; `bytes` may lend `number`, or the task's own bytes. */
struct answer {
	struct bytes bytes;
	int64_t number;
};

/* Runs a task.  A task that is malformed ends the program. */
void function_run(enum function function, struct bytes task, struct answer *ret_answer);

/* What one client sends and receives. */
struct feed {
	enum function function;
	long left;             /* tasks not handed out yet */
	long limit;            /* how many may be in flight */
	long in_flight;        /* handed out, and not answered yet */
	int64_t next;          /* the number that the next task has */
	int64_t lo, hi, chunk; /* primes: the range */
	int64_t numbers[2];    /* the task that was handed out last */
	int64_t sum;           /* of the answers */
	int64_t sum_expected;
	struct bytes payload; /* echo: what each task carries */
	bool compares;        /* echo: each answer is compared with it */
	double *latencies;    /* NULL, or room for one figure per task; then the limit is 1 */
	double sent_at;
};

/* The tasks that the arguments ask for.  `feed->latencies` may be set then. */
void feed_init(struct feed *feed, const struct peer_args *args);
void feed_fini(struct feed *feed);

/* The same kind of tasks as in `args`, a few, for a start. */
void feed_init_warm_up(struct feed *feed, const struct peer_args *args);

/* The next task, valid until the next call; false if nothing is to be sent now. */
bool feed_next(struct feed *feed, struct bytes *ret_task);

/* Takes the answer to one of the tasks.  One that is wrong ends the program. */
void feed_answer(struct feed *feed, struct bytes answer);

/* Every task was answered. */
bool feed_is_done(const struct feed *feed);

/* ---- a peer ----------------------------------------------------------------------------- */

struct peer {
	const char *program;  /* of its server; NULL if there is none to install */
	const char *package;  /* Debian's, that has it */
	bool has_port;        /* the server listens on TCP */
	long outstanding_max; /* the most that an expert would have in flight; 0 is no limit */
	const char *why_no_crash;

	/* In a process of their own; neither returns. */
	void (*serve)(struct run *run);
	void (*work)(struct run *run);

	/* A client, by its number from 0 on; it may belong to a thread of its own. */
	void *(*client_new)(struct run *run, int number);
	void (*client_free)(void *client);
	/* Sends and receives until the feed is done. */
	void (*client_run)(void *client, struct feed *feed);

	/* Why these arguments are beyond the peer, or NULL.  May itself be NULL. */
	const char *(*refuses)(const struct peer_args *args);
};

/* Runs the workload; to be returned from main(). */
int peer_main(const struct peer *peer, int argc, char *argv[]);

/* The function of a workload, or NULL if there is none of this name. */
typedef void workload_run(struct run *run);
workload_run *workload_find(const char *name);
