/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

/*
 * What every program of the benchmark has: arguments, clocks, what processes cost, and the line that
 * it prints.
 *
 *	PROGRAM WORKLOAD [KEY=NUMBER]...
 *
 * measures one workload once and prints one object of JSON: its figures, seconds or a second; and for
 * each side (client, server, workers) CPU seconds, context switches and, with calls=1, system calls.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- arguments */

struct measure_args {
	const char *workload;
	int argc;
	char **argv;
};

/* Ends the program if there is no workload. */
struct measure_args measure_args(int argc, char **argv);
long measure_number(const struct measure_args *args, const char *key, long otherwise);

/* ---- time */

double measure_now(void); /* s */
/* Of `count` values, which are sorted: the one that `share` (0 to 1) of them are not above. */
double measure_percentile(double *values, size_t count, double share);

/* ---- cost */

enum measure_side { MEASURE_CLIENT, MEASURE_SERVER, MEASURE_WORKERS, MEASURE_SIDES };
enum { MEASURE_PROCESSES = 160 };

struct measure_cost {
	double cpu;
	uint64_t switches, calls;
};

struct measure_process {
	pid_t pid;
	enum measure_side side;
	int counter; /* of system calls; -1: none */
};

struct measure {
	struct measure_process processes[MEASURE_PROCESSES];
	size_t count;
	int counts_calls;
	double begin, seconds;
	struct measure_cost cost[MEASURE_SIDES];
};

/* System calls are counted if args say calls=1, which slows them down. */
void measure_init(struct measure *measure, const struct measure_args *args);
void measure_watch(struct measure *measure, enum measure_side side, pid_t pid);
/* Every child of this one whose name is `name`. */
void measure_watch_children(
	struct measure *measure, enum measure_side side, pid_t parent, const char *name);
void measure_begin(struct measure *measure);
void measure_end(struct measure *measure);

/* ---- the line */

struct measure_figure {
	const char *name; /* NULL: the last one */
	double value;
};

void measure_print(const struct measure *measure, const struct measure_figure *figures);

/* What each of `count` took: `seconds`, and `busy`, those that the clients spent on a processor. */
void measure_print_each(const struct measure *measure, long count);
/* The median of `count` times, and the one that only 1 % are above: `p50`, `p99`.  They are sorted. */
void measure_print_times(const struct measure *measure, double *times, size_t count);

/* Prints why there is no figure, and ends the program well. */
void measure_skip(const char *why) __attribute__((noreturn));
/* Says what went wrong, with the negative errno if it is one, and ends the program badly. */
void measure_fail(const char *what, int error) __attribute__((noreturn));

#endif
