/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- arguments */

struct measure_args measure_args(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s WORKLOAD [KEY=NUMBER]...\n", argv[0]);
		exit(64);
	}
	return (struct measure_args){argv[1], argc - 2, argv + 2};
}

long measure_number(const struct measure_args *args, const char *key, long otherwise)
{
	size_t len = strlen(key);

	for (int i = 0; i < args->argc; i++)
		if (strncmp(args->argv[i], key, len) == 0 && args->argv[i][len] == '=')
			return atol(args->argv[i] + len + 1);
	return otherwise;
}

/* ---- time */

static double seconds_of(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double measure_now(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

static int compare(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

double measure_percentile(double *values, size_t count, double share)
{
	size_t at = (size_t)(share * (double)count);

	qsort(values, count, sizeof(*values), compare);
	return values[at < count ? at : count - 1];
}

/* ---- cost */

static long read_id_of_sys_enter(void)
{
	FILE *file = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "re");
	long id = -1;

	if (file == NULL)
		return -1;
	if (fscanf(file, "%ld", &id) != 1)
		id = -1;
	fclose(file);
	return id;
}

/* A counter of the system calls of one thread; -1: there can be none. */
static int open_counter(pid_t pid)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr)};
	long id = read_id_of_sys_enter();

	if (id < 0)
		return -1;
	attr.config = (uint64_t)id;
	return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void measure_init(struct measure *measure, const struct measure_args *args)
{
	*measure = (struct measure){.counts_calls = measure_number(args, "calls", 0) != 0};
}

void measure_watch(struct measure *measure, enum measure_side side, pid_t pid)
{
	if (measure->count == MEASURE_PROCESSES)
		measure_fail("too many processes to watch", 0);
	measure->processes[measure->count++] =
		(struct measure_process){pid, side, measure->counts_calls ? open_counter(pid) : -1};
}

static int has_name(pid_t pid, const char *name)
{
	char path[64], found[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(found, sizeof(found), file) != NULL)
		found[strcspn(found, "\n")] = '\0';
	fclose(file);
	return strcmp(found, name) == 0;
}

void measure_watch_children(
	struct measure *measure, enum measure_side side, pid_t parent, const char *name)
{
	char path[64];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fscanf(file, "%d", &pid) == 1)
		if (has_name(pid, name))
			measure_watch(measure, side, pid);
	fclose(file);
}

static uint64_t switches_of(pid_t pid)
{
	char path[64], line[256];
	uint64_t sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, "ctxt_switches:");

		if (at != NULL)
			sum += strtoull(at + strlen("ctxt_switches:"), NULL, 10);
	}
	fclose(file);
	return sum;
}

static double cpu_of(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) == 0 ? seconds_of(clock) : 0;
}

static uint64_t calls_of(const struct measure_process *process)
{
	uint64_t count = 0;

	if (process->counter < 0 || read(process->counter, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

/* What it has cost by now is added, or taken away: `sign`. */
static void add_costs(struct measure *measure, int sign)
{
	for (size_t i = 0; i < measure->count; i++) {
		const struct measure_process *process = &measure->processes[i];
		struct measure_cost *cost = &measure->cost[process->side];

		cost->cpu += sign * cpu_of(process->pid);
		cost->switches += (uint64_t)sign * switches_of(process->pid);
		cost->calls += (uint64_t)sign * calls_of(process);
	}
}

void measure_begin(struct measure *measure)
{
	add_costs(measure, -1);
	measure->begin = measure_now();
}

void measure_end(struct measure *measure)
{
	measure->seconds = measure_now() - measure->begin;
	add_costs(measure, 1);
}

/* ---- the line */

static void print_costs(const struct measure *measure)
{
	static const char *const names[MEASURE_SIDES] = {"client", "server", "workers"};
	const struct measure_cost *cost = measure->cost;

	printf("\"cpu\": {");
	for (int i = 0; i < MEASURE_SIDES; i++)
		printf("%s\"%s\": %.9g", i > 0 ? ", " : "", names[i], cost[i].cpu);
	printf("}, \"switches\": {");
	for (int i = 0; i < MEASURE_SIDES; i++)
		printf("%s\"%s\": %llu", i > 0 ? ", " : "", names[i],
			(unsigned long long)cost[i].switches);
	if (measure->counts_calls) {
		printf("}, \"calls\": {");
		for (int i = 0; i < MEASURE_SIDES; i++)
			printf("%s\"%s\": %llu", i > 0 ? ", " : "", names[i],
				(unsigned long long)cost[i].calls);
	}
	printf("}");
}

void measure_print(const struct measure *measure, const struct measure_figure *figures)
{
	printf("{");
	for (; figures->name != NULL; figures++)
		printf("\"%s\": %.9g, ", figures->name, figures->value);
	print_costs(measure);
	printf("}\n");
}

void measure_print_each(const struct measure *measure, long count)
{
	double busy = measure->cost[MEASURE_CLIENT].cpu;

	measure_print(
		measure, (struct measure_figure[]){{"seconds", measure->seconds / (double)count},
				 {"busy", busy / (double)count}, {NULL, 0}});
}

void measure_print_times(const struct measure *measure, double *times, size_t count)
{
	measure_print(
		measure, (struct measure_figure[]){{"p50", measure_percentile(times, count, 0.5)},
				 {"p99", measure_percentile(times, count, 0.99)}, {NULL, 0}});
}

void measure_skip(const char *why)
{
	printf("{\"skip\": \"%s\"}\n", why);
	exit(0);
}

void measure_fail(const char *what, int error)
{
	fprintf(stderr, "%s%s%s\n", what, error < 0 ? ": " : "", error < 0 ? strerror(-error) : "");
	exit(1);
}
