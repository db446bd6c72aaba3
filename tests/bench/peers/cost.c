/* SPDX-License-Identifier: MIT */

/* Clocks, and what processes use. */

#include "peer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		peer_die("cannot read a clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double cost_clock(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

/* One thread's two lines, voluntary_ctxt_switches and nonvoluntary_ctxt_switches. */
static long switches_of_thread(pid_t pid, const char *thread)
{
	char path[300], line[200];
	long total = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, thread);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (strstr(line, "_ctxt_switches:") != NULL)
			total += strtol(strchr(line, ':') + 1, NULL, 10);
	fclose(file);
	return total;
}

static long switches_of(pid_t pid)
{
	char path[64];
	long total = 0;
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (threads == NULL)
		peer_die("a process of the peer has gone");
	for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
		if (entry->d_name[0] != '.')
			total += switches_of_thread(pid, entry->d_name);
	closedir(threads);
	return total;
}

/* The CPU clock of a process counts nanoseconds, where /proc/PID/stat has ticks of 10 ms. */
void cost_add_process(struct cost *cost, enum cost_group group, pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0)
		peer_die("a process of the peer has gone");
	cost->cpu[group] += seconds_of(clock);
	cost->switches[group] += switches_of(pid);
}

/* Not as above: threads that have ended are to be counted as well. */
void cost_add_self(struct cost *cost, enum cost_group group)
{
	struct rusage used;

	if (getrusage(RUSAGE_SELF, &used) < 0)
		peer_die("getrusage");
	cost->cpu[group] += seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	cost->switches[group] += used.ru_nvcsw + used.ru_nivcsw;
}

void cost_subtract(struct cost *cost, const struct cost *before)
{
	for (int i = 0; i < COST_GROUPS; i++) {
		cost->cpu[i] -= before->cpu[i];
		cost->switches[i] -= before->switches[i];
	}
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double cost_percentile(double *values, long count, double share)
{
	qsort(values, (size_t)count, sizeof *values, compare);
	return values[(long)(share * (double)(count - 1))];
}
