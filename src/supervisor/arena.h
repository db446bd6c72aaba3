/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_ARENA_H
#define SUPERVISOR_ARENA_H

/*
 * The arenas of the clients, wire/arena.h: one for a session that asks for it.  The supervisor makes
 * them, gives them to the client and to each worker that gets a task of that client, and tells
 * those when the client has gone; what is in them it never looks at.
 */

#include <stdint.h>

#include "wire/arena.h"

struct session;
struct supervisor;
struct task;
struct worker;

struct session_arena {
	uint32_t id; /* never 0 */
	int fd;
	struct arena_head *head; /* the first page alone is mapped */
	uint64_t size, large;
	/* The workers that have it, by their births. */
	uint32_t *births;
	uint32_t count, cap;
};

/*
 * One for this session, which it has then, or has had already.  0, or a negative errno: -ENOSPC, the config allows
 * none, or no more; -EMFILE and its kin.
 */
int arena_open(struct session *session);
/* One of an earlier daemon, with what it has in numbers, its memory and these workers.  0 or a negative errno. */
int arena_restore(struct session_arena *arena, const uint32_t *births, uint32_t count);
/* The session's own, if it has one: its workers are told. */
void arena_close(struct session *session);

/* The arena that a task is to use with this worker, which is given it; 0: none. */
uint32_t arena_offer(struct worker *worker, const struct task *task);

/* The worker has died with this task, which it had begun. */
void arena_reclaim_of(struct worker *worker, const struct task *task);

#endif
