/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CALL_H
#define WORKER_CALL_H

/* How a function is found and called, be it for a task of its own or for one item of a chunk. */

#include "worker/task.h"

/* Once in each worker.  0 or a negative errno. */
int call_init(void);

/*
 * A function by the name that a call has; NULL with the answer set: there is none.  A call may name the
 * pool as well, which is ours or it would not be here.
 */
const struct function *call_find(struct ruche_task *task, const char *method, size_t len);

/* Is this a child that a task has forked, and no worker? */
bool call_is_copy(void);

/* Ends this process if it is such a child. */
void call_end_copy(void);

/*
 * Runs task->function with the arguments that the task has, if it takes so many.  What it
 * returned, or -1 with the answer set.  A child of the function that comes back from it ends here.
 */
int call_run(struct ruche_task *task);

#endif
