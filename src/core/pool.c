/* SPDX-License-Identifier: MIT */
#include "core/pool.h"

#include <errno.h>
#include <stdlib.h>

int pool_init(struct pool *pool, uint32_t slot_count, const int *cores)
{
	struct slot *slots = calloc(slot_count, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < slot_count; i++)
		slot_init(&slots[i], i, cores[i]);
	*pool = (struct pool){.slots = slots, .slot_count = slot_count};
	task_table_init(&pool->tasks);
	task_list_init(&pool->queue, TASK_LIST_QUEUE);
	return task_index_init(&pool->open);
}

void pool_fini(struct pool *pool)
{
	task_table_fini(&pool->tasks);
	task_index_fini(&pool->open);
	free(pool->slots);
	*pool = (struct pool){0};
}

struct slot *pool_find_idle(struct pool *pool)
{
	struct slot *best = NULL;

	for (uint32_t i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->state != SLOT_IDLE || slot->clogged)
			continue;
		if (best == NULL || slot->idle_since > best->idle_since)
			best = slot;
	}
	return best;
}

struct slot *pool_pick_slot(struct pool *pool)
{
	const struct task *task = pool->queue.first;
	struct slot *best;

	if (task == NULL)
		return NULL;
	best = pool_find_idle(pool);
	if (best != NULL)
		return best;
	for (uint32_t i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[i];

		if (!slot_can_take(slot, task))
			continue;
		if (best == NULL || slot->live < best->live)
			best = slot;
	}
	return best;
}

struct slot *pool_pick_victim(struct pool *pool, uint32_t *ret_count)
{
	struct slot *best = NULL;

	for (uint32_t i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->state != SLOT_BUSY || slot->live < 2)
			continue;
		if (best == NULL || slot->live > best->live)
			best = slot;
	}
	if (best != NULL)
		*ret_count = best->live / 2;
	return best;
}

uint32_t pool_count(const struct pool *pool, enum slot_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pool->slot_count; i++)
		count += pool->slots[i].state == state;
	return count;
}

uint32_t pool_in_flight(const struct pool *pool)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pool->slot_count; i++)
		count += pool->slots[i].live;
	return count;
}

bool pool_is_dead(const struct pool *pool)
{
	return pool_count(pool, SLOT_FAILED) == pool->slot_count;
}
