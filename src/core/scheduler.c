/* SPDX-License-Identifier: MIT */
#include "core/scheduler.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BURST_MAX = 32,
	MOST_FADES = 64, /* hand-outs until what there was at once counts for little */
};

int scheduler_init(struct scheduler *scheduler, uint32_t slot_max)
{
	struct slot *slots = calloc(slot_max, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	*scheduler = (struct scheduler){
		.slots = slots, .slot_max = slot_max, .home = -1, .ahead = SLOT_AHEAD};
	queue_init(&scheduler->queue);
	queue_init(&scheduler->processes);
	return 0;
}

void scheduler_fini(struct scheduler *scheduler)
{
	free(scheduler->slots);
	*scheduler = (struct scheduler){0};
}

struct slot *scheduler_want_slot(struct scheduler *scheduler, int core)
{
	uint32_t i = 0;

	while (i < scheduler->slot_count && scheduler->slots[i].state != SLOT_ABSENT)
		i++;
	if (i == scheduler->slot_max)
		return NULL;
	if (i == scheduler->slot_count)
		slot_init(&scheduler->slots[scheduler->slot_count++], i, core);
	scheduler->slots[i].core = core;
	scheduler->slots[i].reserve = scheduler->slots[i].process = false;
	scheduler->slots[i].replaces = 0;
	slot_change(&scheduler->slots[i], SLOT_ON_WANT);
	return &scheduler->slots[i];
}

bool scheduler_lends(const struct slot *slot)
{
	return slot->lending && !slot->process;
}

uint32_t scheduler_lending(const struct scheduler *scheduler)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		count += scheduler_lends(&scheduler->slots[i]);
	return count;
}

uint32_t scheduler_running(const struct scheduler *scheduler)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		const struct slot *slot = &scheduler->slots[i];

		count += slot->live > 0 && !slot->lending && !slot->process;
	}
	return count;
}

uint32_t scheduler_awaiting(const struct scheduler *scheduler)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		count += slot_awaits_process(&scheduler->slots[i]);
	return count;
}

struct slot *scheduler_pick_for_process(struct scheduler *scheduler)
{
	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];

		if (slot->state == SLOT_IDLE && !slot->clogged && slot_awaits_process(slot))
			return slot;
	}
	return NULL;
}

void scheduler_set_turns(struct scheduler *scheduler)
{
	uint64_t service = 0, burst;

	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		if (scheduler->slots[i].service > service)
			service = scheduler->slots[i].service;
	burst = service > 0 ? SCHEDULER_TURN / service : 1;
	scheduler->queue.burst = burst < 1 ? 1 : burst > BURST_MAX ? BURST_MAX : (uint32_t)burst;
}

void scheduler_set_home(struct scheduler *scheduler, int core)
{
	scheduler->home = scheduler->queue.count < SCHEDULER_MANY ? -1 : core;
}

static uint32_t between(uint32_t min, size_t count, uint32_t max)
{
	return count < min ? min : count > max ? max : (uint32_t)count;
}

void scheduler_set_ahead(struct scheduler *scheduler)
{
	size_t count = scheduler->queue.count + scheduler_in_flight(scheduler);

	if (count > scheduler->most)
		scheduler->most = count;
	else
		scheduler->most -= (scheduler->most - count + MOST_FADES - 1) / MOST_FADES;
	scheduler->ahead = scheduler->most > SCHEDULER_PLENTY
				   ? SLOT_DEPTH
				   : between(SLOT_AHEAD, scheduler->most / 2, 2 * SLOT_AHEAD);
}

static bool is_home(const struct scheduler *scheduler, const struct slot *slot)
{
	return slot->core == scheduler->home && slot->core >= 0;
}

static bool is_better_idle(
	const struct scheduler *scheduler, const struct slot *slot, const struct slot *other)
{
	if (is_home(scheduler, slot) != is_home(scheduler, other))
		return is_home(scheduler, slot);
	return slot->idle_since > other->idle_since;
}

struct slot *scheduler_find_idle(struct scheduler *scheduler)
{
	struct slot *best = NULL;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];

		if (slot->state != SLOT_IDLE || !slot_can_take(slot, NULL))
			continue;
		if (best == NULL || is_better_idle(scheduler, slot, best))
			best = slot;
	}
	return best != NULL && scheduler_running(scheduler) < scheduler->width ? best : NULL;
}

bool scheduler_has_stalled(const struct scheduler *scheduler)
{
	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		if (scheduler->slots[i].stalled)
			return true;
	return false;
}

/* It will be done with what it has sooner than an idle one could be woken. */
static bool has_little(const struct slot *slot)
{
	return slot->service > 0 && slot_backlog(slot) < SCHEDULER_SPILL;
}

bool scheduler_is_near(
	const struct scheduler *scheduler, const struct slot *slot, const struct task *task)
{
	return slot->state == SLOT_BUSY && slot->live < scheduler->ahead && has_little(slot) &&
	       slot_can_take(slot, task);
}

static struct slot *pick_near(struct scheduler *scheduler, const struct task *task)
{
	struct slot *first = NULL;

	if (scheduler_has_stalled(scheduler))
		return NULL;
	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];

		if (!scheduler_is_near(scheduler, slot, task))
			continue;
		if (is_home(scheduler, slot))
			return slot;
		if (first == NULL)
			first = slot;
	}
	return first;
}

/* Ahead of time. */
static bool may_have_more(const struct slot *slot, const struct task *task)
{
	return slot->state == SLOT_BUSY && slot->live < SLOT_AHEAD && slot_can_take(slot, task);
}

struct slot *scheduler_pick_slot(struct scheduler *scheduler, const struct task *task)
{
	struct slot *best = pick_near(scheduler, task);

	if (best == NULL)
		best = scheduler_find_idle(scheduler);
	if (best != NULL)
		return best;
	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];

		if (!may_have_more(slot, task))
			continue;
		if (best == NULL || slot->live < best->live)
			best = slot;
	}
	return best;
}

struct slot *scheduler_pick_victim(struct scheduler *scheduler, uint32_t *ret_count)
{
	struct slot *best = NULL;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];

		if (slot->state != SLOT_BUSY || slot->live < 2 ||
			(slot->service > 0 && slot_backlog(slot) < SCHEDULER_SPILL))
			continue;
		if (best == NULL || slot->live > best->live)
			best = slot;
	}
	if (best != NULL)
		*ret_count = best->live / 2;
	return best;
}

struct slot *scheduler_pick_yielding(struct scheduler *scheduler)
{
	struct slot *best = NULL;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];

		if (slot->state != SLOT_BUSY || slot->live < 2)
			continue;
		if (best == NULL || slot_backlog(slot) < slot_backlog(best))
			best = slot;
	}
	return best;
}

/* `first` has nothing with workers, and the other one's client has more than that. */
static bool precedes(const struct flow *first, const struct flow *other)
{
	return first->level > other->level ||
	       (first->level == other->level && first->in_flight == 0 && other->in_flight > 1);
}

/* It was served after the other one, which is as important: that has its turn before it. */
static bool owes_turn(const struct flow *first, const struct flow *other)
{
	return first->level == other->level && first->served > other->served;
}

uint32_t scheduler_find_place(
	const struct task_table *tasks, struct slot *slot, const struct task *task)
{
	bool has_paid = false;

	if (slot->live < 2 || slot_backlog(slot) < SCHEDULER_PATIENCE)
		return 0;
	if (task->flow->in_flight > 0 && task->flow->level <= slot->lowest)
		return 0; /* as is mostly so */
	for (uint32_t i = 0; i < slot->count; i++) {
		const struct task *other = task_get(tasks, slot_entry_at(slot, i)->task);

		if (other == NULL || !precedes(task->flow, other->flow))
			continue;
		if (!has_paid && owes_turn(task->flow, other->flow))
			has_paid = true;
		else if (i > 0)
			return i;
	}
	return 0;
}

uint32_t scheduler_count(const struct scheduler *scheduler, enum slot_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		count += scheduler->slots[i].state == state;
	return count;
}

uint32_t scheduler_in_flight(const struct scheduler *scheduler)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		count += scheduler->slots[i].live;
	return count;
}

/* Of those that are for processes, or of the others. */
static inline bool are_dead(const struct scheduler *scheduler, bool process)
{
	bool failed = false;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		const struct slot *slot = &scheduler->slots[i];

		if (slot->process != process || slot->state == SLOT_ABSENT)
			continue;
		if (slot->state == SLOT_FAILED)
			failed = true;
		else if (!process || slot_awaits_process(slot))
			return false;
	}
	return failed;
}

bool scheduler_is_dead(const struct scheduler *scheduler)
{
	return are_dead(scheduler, false);
}

bool scheduler_is_dead_for_processes(const struct scheduler *scheduler)
{
	return are_dead(scheduler, true);
}
