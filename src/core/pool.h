/* SPDX-License-Identifier: MIT */
#ifndef CORE_POOL_H
#define CORE_POOL_H

/*
 * The pool's policy: which task goes to which slot.  A queue in order of arrival and a
 * set of slots; no I/O.  Tasks go to idle slots first, the most recently idle one first; when
 * none is idle, ahead of time to the busy slot with the fewest.  A slot that falls idle while
 * nothing is queued gets what was handed ahead to another: so no task waits behind a
 * running one while a worker has nothing to do.
 */

#include "core/index.h"
#include "core/slot.h"
#include "core/task.h"

struct pool {
	struct task_table tasks;
	struct task_list queue;
	struct task_index open; /* tasks that somebody waits for */
	struct slot *slots;
	uint32_t slot_count;
};

/* `cores` has one entry a slot, -1 for none.  0 or -ENOMEM. */
int pool_init(struct pool *pool, uint32_t slot_count, const int *cores);
void pool_fini(struct pool *pool);

/* The next thing to do: hand pool->queue.first to this slot.  NULL: nothing can be handed now. */
struct slot *pool_pick_slot(struct pool *pool);

/*
 * For an idle slot while nothing is queued: the slot to take tasks back from, NULL for none, and
 * how many at the most.
 */
struct slot *pool_pick_victim(struct pool *pool, uint32_t *ret_count);

uint32_t pool_count(const struct pool *pool, enum slot_state state);
struct slot *pool_find_idle(struct pool *pool);

/* Tasks handed to workers and not answered, the running ones included. */
uint32_t pool_in_flight(const struct pool *pool);

/* No slot has a worker or will ever get one. */
bool pool_is_dead(const struct pool *pool);

#endif
