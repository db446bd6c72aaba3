/* SPDX-License-Identifier: MIT */
#ifndef WORKER_MEMORY_H
#define WORKER_MEMORY_H

/* How much memory this process has resident, in bytes; 0: not known. */

#include <stdbool.h>
#include <stdint.h>

/* The most it has ever had.  One cheap system call. */
uint64_t memory_peak(void);

/* Now. */
uint64_t memory_resident(void);

/* WORKER_OOM_FD is there. */
void memory_watch_oom(void);

/*
 * How often the kernel has killed for want of memory in this worker's group; 0 where nobody need look, as it kills
 * the worker too.
 */
uint64_t memory_oom_kills(void);

#endif
