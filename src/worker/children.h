/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CHILDREN_H
#define WORKER_CHILDREN_H

/*
 * What a task has left behind.  The worker is a child subreaper: a process whose parent
 * has died becomes the worker's child, whatever session or group it went to, so killing
 * children until there are none kills all that descends from the worker.
 *
 * Everything here is async-signal-safe, keeps errno, and takes no memory.
 */

#include <stdbool.h>

/* Is there a child, running or dead?  One system call. */
bool children_exist(void);

/*
 * Kills every descendant of the calling process and reaps it; blocks until that is done.
 * Gives up after two seconds: a descendant may be another user's, or stuck in the kernel.
 * 0, or -EBUSY if some are left.
 */
int children_kill(void);

#endif
