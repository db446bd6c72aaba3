/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STOP_H
#define WORKER_STOP_H

/*
 * The worker's two signals.
 *
 * SIGTERM: the supervisor wants the task named in the claim page to stop.  If it is the one
 * that runs, it is marked and the command it may have started gets the signal that the
 * page names.  As a function may look at its mark just before it blocks, SIGTERM then comes again
 * every few milliseconds until the task ends, so that every blocking call is interrupted.
 *
 * SIGHUP: the parent has died.  If that was the supervisor, the worker kills its
 * descendants and itself at once.
 *
 * One set of variables in each process, as a signal has no other place to look.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/claim.h"

/*
 * Installs both handlers.  `page` is borrowed until stop_fini(); `supervisor` is the parent
 * that the worker lives for.  0 or a negative errno.
 */
int stop_init(struct claim_page *page, pid_t supervisor);
void stop_fini(void); /* ignores both signals from here on */

/* Task `seq` runs from here, until stop_end(). */
void stop_begin(uint32_t seq);
void stop_end(void);

/* Is the running task to be stopped? */
bool stop_is_asked(void);

/* The process group that a stop signal goes to; 0: none.  It must be one that still exists. */
void stop_set_group(pid_t group);

#endif
