/* SPDX-License-Identifier: MIT */
#ifndef WORKER_RETURNS_H
#define WORKER_RETURNS_H

/*
 * The response of a task while it is built, in task->answer: the frame's head, an error or
 * nil, and the result.  For task.c and chunk.c.
 *
 * That of an item lies as deep in its frame as it ever will in the answer to a chunk, where
 * the supervisor may put it into an error: [1, seq, nil, [[[error or nil, result]]]].
 */

#include "wire/message.h"
#include "worker/task.h"

enum { RETURNS_PAIR_AT = MESSAGE_HEAD_MAX + 3 }; /* where an item's pair begins */

void returns_init(struct ruche_task *task);

/* Drops what was packed. */
void returns_clear(struct ruche_task *task);

/*
 * What is wrong with the frame, a constant sentence, or NULL.  A task without a result gets
 * nil.  Looks at it with the eyes of the supervisor.
 */
const char *returns_fault(struct ruche_task *task);

/* A result that is long goes to the client's arena, if there is room, and a reference takes its place.  0 or -ENOMEM. */
int returns_move(struct ruche_task *task);

/* Pairs of items that are complete: packed one behind the other, and one that may lie elsewhere. */
struct returns_pairs {
	uint32_t count;
	const void *data, *last;
	size_t len, last_len;
};

/* The result of a chunk: an array of them. */
void returns_pairs(struct ruche_task *task, const struct returns_pairs *pairs);

/* A new frame up to its error. */
msgpack_packer *returns_begin_error(struct ruche_task *task);

#endif
