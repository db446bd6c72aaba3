/* SPDX-License-Identifier: MIT */
#include "supervisor/dispatch.h"

#include <sched.h>

#include "supervisor/call.h"
#include "supervisor/errors.h"
#include "supervisor/running.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

static void hand(struct pool *pool, struct slot *slot, struct task *task)
{
	queue_take(task);
	worker_hand(&pool->workers[slot->index], task);
}

/* The oldest that have not started, at most `count`, in their order; the number that came back. */
static uint32_t take_back(struct pool *pool, struct slot *victim, uint32_t count)
{
	struct supervisor *sup = pool->sup;
	uint32_t n = 0, end = count + 1 < victim->count ? count + 1 : victim->count;

	for (uint32_t i = end; i-- > 0 && victim->live > 1;) {
		struct task *task = task_get(&sup->tasks, slot_entry_at(victim, i)->task);

		if (task != NULL && worker_take_back(sup, task))
			n++;
	}
	return n;
}

/* Its function was quarantined while it was somewhere else than in the queue. */
static void refuse_quarantined(struct supervisor *sup, struct task *task)
{
	struct message_error error;
	char message[640];

	errors_quarantined(task->record, message, sizeof(message));
	error = error_make(RUCHE_QUARANTINED, message);
	call_fail(sup, task, &error, false);
}

/* The first that may run, in its turn; NULL: none. */
static struct task *next_task(struct pool *pool, const struct queue *queue)
{
	struct task *task;

	while ((task = queue_first(queue)) != NULL) {
		if (task->record == NULL)
			return task;
		if (task->record->quarantined)
			refuse_quarantined(pool->sup, task);
		else if (record_is_full(task->record))
			running_put_aside(task);
		else
			return task;
	}
	return NULL;
}

/* What has precedence does not wait behind what was handed ahead.  True: it is the next. */
static bool make_way(struct pool *pool, struct slot *slot, struct task *task)
{
	uint32_t place = scheduler_find_place(&pool->sup->tasks, slot, task);

	if (place == 0)
		return false;
	queue_remove(task);
	worker_requeue_from(&pool->workers[slot->index], place);
	queue_return(task);
	return true;
}

/* Of what it has; NULL: that has nothing to do with tasks that are still there. */
static const struct task *last_of(const struct pool *pool, struct slot *slot)
{
	const struct task *last = NULL;

	for (uint32_t i = slot->count; i-- > 0 && last == NULL;)
		last = task_get(&pool->sup->tasks, slot_entry_at(slot, i)->task);
	return last;
}

/*
 * A task that another worker has given back is not to wait behind later ones.  True: those are back as well, and
 * if this worker has begun with one, it gets nothing before that has ended: it may be long, and others
 * like it would go to the other workers meanwhile.
 */
static bool restore_order(struct pool *pool, struct slot *slot, const struct task *task)
{
	const struct task *last;

	if (!slot_has_later(slot, task))
		return false;
	worker_requeue_unstarted(&pool->workers[slot->index]);
	last = last_of(pool, slot);
	slot->last_flow = last != NULL ? last->flow : NULL;
	slot->last_order = last != NULL ? last->order : 0;
	if (slot_has_later(slot, task))
		slot->stalled = true;
	return true;
}

/* There is no room for the first of the queue.  True: room was made, for one that has precedence. */
static bool make_room(struct pool *pool, struct task *first)
{
	struct slot *slot = scheduler_pick_yielding(&pool->scheduler);
	struct task *unserved = queue_find_unserved(&pool->scheduler.queue);

	if (slot == NULL)
		return false;
	return make_way(pool, slot, unserved != NULL ? unserved : first);
}

/* And what comes after it, as long as that would go to the same slot; which is mostly so, and needs no look at the others. */
static void hand_run(struct pool *pool, struct slot *slot, struct task *task)
{
	bool may_go_on = !scheduler_has_stalled(&pool->scheduler);

	do
		hand(pool, slot, task);
	while (may_go_on && (task = next_task(pool, &pool->scheduler.queue)) != NULL &&
		scheduler_is_near(&pool->scheduler, slot, task) && !slot_has_later(slot, task));
}

/* Way is made once: what comes back is then handed out in turns as well. */
static void hand_out(struct pool *pool)
{
	struct task *task;
	bool made_way = false;

	while ((task = next_task(pool, &pool->scheduler.queue)) != NULL) {
		struct slot *slot = scheduler_pick_slot(&pool->scheduler, task);

		if (slot != NULL && !made_way)
			made_way = make_way(pool, slot, task);
		if (slot != NULL && restore_order(pool, slot, task))
			continue;
		if (slot != NULL) {
			hand_run(pool, slot, task);
			continue;
		}
		if (made_way || !make_room(pool, task))
			break;
		made_way = true;
	}
}

/* While a worker has nothing to do, no task waits behind more work than it takes to wake that. */
static void level_out(struct pool *pool)
{
	struct scheduler *scheduler = &pool->scheduler;
	struct slot *idle, *victim;
	struct task *task;
	uint32_t count;

	while (scheduler->queue.levels == 0 && (idle = scheduler_find_idle(scheduler)) != NULL &&
		(victim = scheduler_pick_victim(scheduler, &count)) != NULL) {
		if (take_back(pool, victim, count) == 0)
			return; /* the victim was faster */
		while ((task = next_task(pool, &scheduler->queue)) != NULL &&
			slot_can_take(idle, task))
			hand(pool, idle, task);
	}
}

static void start_processes(struct pool *pool)
{
	struct scheduler *scheduler = &pool->scheduler;
	struct slot *slot;
	struct task *task;

	while ((task = next_task(pool, &scheduler->processes)) != NULL &&
		(slot = scheduler_pick_for_process(scheduler)) != NULL)
		hand(pool, slot, task);
}

static void fail_all(struct pool *pool, struct queue *queue)
{
	struct message_error error = error_make(RUCHE_UNAVAILABLE, pool_problem(pool));

	call_fail_queued(pool->sup, queue, &error);
}

/* What waits for workers that there will never be. */
static void fail_hopeless(struct pool *pool)
{
	struct scheduler *scheduler = &pool->scheduler;

	if (scheduler->queue.levels != 0 && scheduler_is_dead(scheduler))
		fail_all(pool, &scheduler->queue);
	if (scheduler->processes.levels != 0 && scheduler_is_dead_for_processes(scheduler))
		fail_all(pool, &scheduler->processes);
}

static bool wants_workers(const struct pool *pool)
{
	const struct scheduler *scheduler = &pool->scheduler;

	if (scheduler->processes.levels != 0)
		return true;
	return scheduler->queue.levels != 0 &&
	       (pool->min < pool->max || scheduler_lending(scheduler) > 0);
}

static void run(struct pool *pool)
{
	if (pool->paused)
		return;
	supervisor_look_at_clock(pool->sup);
	scheduler_set_turns(&pool->scheduler);
	scheduler_set_home(&pool->scheduler, sched_getcpu());
	scheduler_set_ahead(&pool->scheduler);
	start_processes(pool);
	hand_out(pool);
	level_out(pool);
	fail_hopeless(pool);
	if (wants_workers(pool))
		staff_balance(pool);
}

void dispatch_run(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		run(sup->pools[i]);
}

static bool has_work(struct scheduler *scheduler)
{
	return (scheduler->queue.levels != 0 && scheduler_find_idle(scheduler) != NULL) ||
	       (scheduler->processes.levels != 0 && scheduler_pick_for_process(scheduler) != NULL);
}

bool dispatch_has_work(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++) {
		struct pool *pool = sup->pools[i];

		if (!pool->paused && has_work(&pool->scheduler))
			return true;
	}
	return false;
}
