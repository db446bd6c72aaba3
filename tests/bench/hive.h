/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HIVE_H
#define BENCH_HIVE_H

/* A daemon for one measurement, in a folder of its own; it ends with this process. */

#include <ruche/ruche.h>

#include "measure.h"

struct hive {
	pid_t pid;
	char folder[64], socket[96], config[96];
};

/*
 * Starts it with `workers=` of the arguments and limits wide enough for any workload, and waits until it
 * answers.  $RUCHE_DAEMON is the program, $RUCHE_BENCH_PLUGIN is loaded besides the installed plugins.
 */
void hive_start(struct hive *hive, const struct measure_args *args);
void hive_stop(struct hive *hive);

struct ruche *hive_connect(const struct hive *hive);

/* Watches this process, the daemon and its workers. */
void hive_watch(const struct hive *hive, struct measure *measure, const struct measure_args *args);
/* The pid of its first worker. */
pid_t hive_worker(const struct hive *hive);

/* After a call that returned `r`: the reply must be a good one; it is freed. */
void hive_expect(int r, struct ruche_reply **reply);

#endif
