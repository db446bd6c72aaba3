/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_RUNNING_H
#define SUPERVISOR_RUNNING_H

/*
 * Who counts as running: tasks with workers, of each user and each function, for the limits
 * on how many may be at a time.  A task that waits for its own calls does not count.
 */

struct supervisor;
struct task;

/* The task goes to a worker, or is with one no longer. */
void running_begin(struct supervisor *sup, struct task *task);
void running_end(struct supervisor *sup, struct task *task);

/* It waits for its own calls, or no longer. */
void running_suspend(struct supervisor *sup, struct task *task);
void running_resume(struct supervisor *sup, struct task *task);

/* Its function runs as often as it may: the queued task waits until one of them ends. */
void running_put_aside(struct task *task);

/* The task leaves the queue without having begun: what was put aside may take its turn. */
void running_drop(struct supervisor *sup, struct task *task);

/*
 * Limits, or who is held, have changed: what was put aside for others that cannot begin now is
 * queued in their stead.
 */
void running_wake(struct supervisor *sup);

#endif
