/* SPDX-License-Identifier: MIT */
#include "core/slot.h"

#include <assert.h>

#include "core/queue.h"

static const char *const state_names[SLOT_STATES] = {
	[SLOT_ABSENT] = "absent",
	[SLOT_EMPTY] = "starting",
	[SLOT_STARTING] = "starting",
	[SLOT_IDLE] = "idle",
	[SLOT_BUSY] = "busy",
	[SLOT_STOPPING] = "stopping",
	[SLOT_WAITING] = "waiting",
	[SLOT_FAILED] = "failed",
};

/* The next state plus one; 0: the event cannot happen in this state. */
#define TO(state) ((state) + 1)

static const uint8_t transitions[SLOT_STATES][SLOT_EVENTS] = {
	[SLOT_ABSENT] = {[SLOT_ON_WANT] = TO(SLOT_EMPTY)},
	[SLOT_EMPTY] = {[SLOT_ON_FORK] = TO(SLOT_STARTING),
		[SLOT_ON_DISMISS] = TO(SLOT_ABSENT),
		[SLOT_ON_BACK_OFF] = TO(SLOT_WAITING),
		[SLOT_ON_GIVE_UP] = TO(SLOT_FAILED)},
	[SLOT_STARTING] = {[SLOT_ON_READY] = TO(SLOT_IDLE),
		[SLOT_ON_STOP] = TO(SLOT_STOPPING),
		[SLOT_ON_DEATH] = TO(SLOT_EMPTY)},
	[SLOT_IDLE] = {[SLOT_ON_HANDED] = TO(SLOT_BUSY),
		[SLOT_ON_STOP] = TO(SLOT_STOPPING),
		[SLOT_ON_DEATH] = TO(SLOT_EMPTY)},
	[SLOT_BUSY] = {[SLOT_ON_HANDED] = TO(SLOT_BUSY),
		[SLOT_ON_DRAINED] = TO(SLOT_IDLE),
		[SLOT_ON_STOP] = TO(SLOT_STOPPING),
		[SLOT_ON_DEATH] = TO(SLOT_EMPTY)},
	/* A last answer may still be read from a worker that is being killed. */
	[SLOT_STOPPING] = {[SLOT_ON_READY] = TO(SLOT_STOPPING),
		[SLOT_ON_DRAINED] = TO(SLOT_STOPPING),
		[SLOT_ON_STOP] = TO(SLOT_STOPPING),
		[SLOT_ON_DEATH] = TO(SLOT_EMPTY)},
	[SLOT_WAITING] = {[SLOT_ON_RETRY] = TO(SLOT_EMPTY), [SLOT_ON_DISMISS] = TO(SLOT_ABSENT)},
	[SLOT_FAILED] = {[SLOT_ON_RETRY] = TO(SLOT_EMPTY), [SLOT_ON_DISMISS] = TO(SLOT_ABSENT)},
};

const char *slot_state_name(enum slot_state state)
{
	return state_names[state];
}

void slot_init(struct slot *slot, uint32_t index, int core)
{
	*slot = (struct slot){.index = index, .core = core, .state = SLOT_ABSENT};
}

void slot_change(struct slot *slot, enum slot_event event)
{
	uint8_t next = transitions[slot->state][event];

	assert(next != 0);
	slot->state = (enum slot_state)(next - 1);
}

bool slot_is_alive(const struct slot *slot)
{
	return slot->state == SLOT_STARTING || slot->state == SLOT_IDLE ||
	       slot->state == SLOT_BUSY || slot->state == SLOT_STOPPING;
}

bool slot_can_take(const struct slot *slot, const struct task *task)
{
	if (slot->clogged || slot->leaving || slot->reserve || slot->process ||
		(slot->handed_max > 0 && slot->handed >= slot->handed_max))
		return false;
	if (slot->state == SLOT_IDLE)
		return true;
	if (slot->live >= 2 && slot_backlog(slot) >= SLOT_BACKLOG_MAX)
		return false;
	return slot->state == SLOT_BUSY && slot->count < SLOT_DEPTH && !slot->exclusive &&
	       !task->exclusive && !slot->lending && !slot->stalled;
}

bool slot_awaits_process(const struct slot *slot)
{
	return slot->process && !slot->leaving && slot->live == 0 && slot->state != SLOT_ABSENT &&
	       slot->state != SLOT_STOPPING;
}

void slot_push(struct slot *slot, uint32_t seq, struct task *task, uint64_t now)
{
	uint8_t level = (uint8_t)(task->priority - QUEUE_PRIORITY_MIN);

	assert(slot->count < SLOT_DEPTH);
	if (slot->live == 0)
		slot->measured_at = now;
	if (slot->live == 0 || level < slot->lowest)
		slot->lowest = level;
	slot->last_flow = task->flow;
	slot->last_order = task->order;
	slot->handed++;
	*slot_entry_at(slot, slot->count) = (struct slot_entry){.seq = seq, .task = task->ref};
	slot->count++;
	slot->live++;
	slot->exclusive = task->exclusive;
	task->state = TASK_HANDED;
	task->slot = slot->index;
	task->seq = seq;
	task->started_at = now;
	slot_change(slot, SLOT_ON_HANDED);
}

static void one_less(struct slot *slot, uint64_t now)
{
	if (--slot->live > 0)
		return;
	slot->count = 0; /* what is left was taken back */
	slot->exclusive = slot->lending = false;
	slot->idle_since = now;
	slot_change(slot, SLOT_ON_DRAINED);
}

void slot_pop(struct slot *slot, uint64_t now)
{
	const struct slot_entry *head = slot_head(slot);

	assert(head != NULL);
	slot->first = (slot->first + 1) % SLOT_DEPTH;
	slot->count--;
	slot->stalled = slot->lending = false;
	one_less(slot, now);
}

void slot_take_back(struct slot *slot, struct slot_entry *entry)
{
	assert(entry->task.generation != 0);
	entry->task = REF_NONE;
	one_less(slot, slot->idle_since);
}

/* An eighth of what is new: a batch counts as one, or its first task would count for all its time. */
void slot_measure(struct slot *slot, uint32_t count, uint64_t done, uint64_t busy, uint64_t now)
{
	uint64_t each = (now - slot->measured_at) / count;

	if (done > slot->said_done && busy >= slot->said_busy &&
		(busy - slot->said_busy) / (done - slot->said_done) < each)
		each = (busy - slot->said_busy) / (done - slot->said_done);
	slot->service = slot->service - slot->service / 8 + each / 8;
	slot->measured_at = now;
	slot->said_done = done;
	slot->said_busy = busy;
}

void slot_clear(struct slot *slot)
{
	slot->first = slot->count = slot->live = 0;
	slot->exclusive = slot->clogged = slot->lending = slot->leaving = slot->stalled =
		slot->is_replaced = slot->stays = false;
	slot->last_flow = NULL;
	slot->service = slot->handed = slot->said_done = slot->said_busy = 0;
}
