/* SPDX-License-Identifier: MIT */
#include "supervisor/dispatch.h"

#include "supervisor/call.h"
#include "supervisor/report.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

static void hand_first(struct supervisor *sup, struct slot *slot)
{
	struct task *task = sup->pool.queue.first;

	task_list_remove(&sup->pool.queue, task);
	worker_hand(&sup->workers[slot->index], task);
}

/* From the oldest that has not started: at most `count`; the number that came back. */
static uint32_t take_back(struct supervisor *sup, struct slot *victim, uint32_t count)
{
	struct task *taken[SLOT_DEPTH];
	uint32_t n = 0;

	for (uint32_t i = 0; i < victim->count && n < count && victim->live > 1; i++) {
		struct task *task = task_get(&sup->pool.tasks, slot_entry_at(victim, i)->task);

		if (task == NULL || !worker_take_back(sup, task))
			continue;
		task_list_remove(&sup->pool.queue, task);
		taken[n++] = task;
	}
	for (uint32_t i = 0; i < n; i++)
		task_list_push(&sup->pool.queue, taken[i]);
	return n;
}

/* While a worker has nothing to do, nobody's task waits behind another. */
static void level_out(struct supervisor *sup)
{
	struct slot *idle, *victim;
	uint32_t count;

	while (sup->pool.queue.first == NULL && (idle = pool_find_idle(&sup->pool)) != NULL &&
		(victim = pool_pick_victim(&sup->pool, &count)) != NULL) {
		if (take_back(sup, victim, count) == 0)
			return; /* the victim was faster */
		while (sup->pool.queue.first != NULL)
			hand_first(sup, idle);
	}
}

void dispatch_run(struct supervisor *sup)
{
	struct slot *slot;

	while ((slot = pool_pick_slot(&sup->pool)) != NULL)
		hand_first(sup, slot);
	level_out(sup);
	if (sup->pool.queue.first != NULL && pool_is_dead(&sup->pool)) {
		struct message_error error = error_make(RUCHE_UNAVAILABLE, report_problem(sup));

		call_fail_queued(sup, &error);
	}
}
