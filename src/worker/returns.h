/* SPDX-License-Identifier: MIT */
#ifndef WORKER_RETURNS_H
#define WORKER_RETURNS_H

/*
 * The response of a task while it is built, in task->answer: the frame's head, an error or
 * nil, and the result.  For task.c.
 */

#include "worker/task.h"

void returns_init(struct ruche_task *task);

/* Drops what was packed. */
void returns_clear(struct ruche_task *task);

/*
 * What is wrong with the frame, a constant sentence, or NULL.  A task without a result gets
 * nil.  Looks at it with the eyes of the supervisor.
 */
const char *returns_fault(struct ruche_task *task);

/* A new frame up to its error. */
msgpack_packer *returns_begin_error(struct ruche_task *task);

#endif
