/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OBJECTS_H
#define BENCH_OBJECTS_H

/* The workloads of shared values, locks, queues and pipes: ruche's, and two of the floor. */

#include "measure.h"

/* `processes=` that increment one value `count=` times each: under its lock, or with atomic=1 without. */
void objects_lock(const struct measure_args *args);
/* A lock of the daemon, acquired and released `count=` times. */
void objects_acquire(const struct measure_args *args);
/*
 * `count=` items of `bytes=` from one process to another: put and got `batch=` at a time, or, with batch=1, one at a time
 * with `ahead=` requests under way at both ends.
 */
void objects_queue(const struct measure_args *args);
/* A message of 8 bytes to another process and back, `count=` times. */
void objects_pipe(const struct measure_args *args);

#endif
