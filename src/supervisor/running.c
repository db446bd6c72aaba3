/* SPDX-License-Identifier: MIT */
#include "supervisor/running.h"

#include "supervisor/rights.h"
#include "supervisor/supervisor.h"

/* ---- what was put aside ------------------------------------------------------------------ */

/* It would only stand in the way of others. */
static bool is_held(const struct supervisor *sup, const struct task *task)
{
	return task->flow->client->hold != 0 || sup->pools[task->pool]->paused;
}

/* At most `count` of those that were put aside are next, in their order. */
static void wake(const struct supervisor *sup, struct record *record, uint64_t count)
{
	struct task *last = NULL, *task, *prev;

	for (task = record->waiting.first; task != NULL && count > 0;
		task = task->next[TASK_LIST_QUEUE])
		if (!is_held(sup, task)) {
			last = task;
			count--;
		}
	for (task = last; task != NULL; task = prev) {
		prev = task->prev[TASK_LIST_QUEUE];
		if (is_held(sup, task))
			continue;
		task_list_remove(&record->waiting, task);
		task->state = TASK_QUEUED;
		queue_return(task);
	}
}

/* One more of them may begin, if there is room. */
static void wake_next(const struct supervisor *sup, struct record *record)
{
	if (record != NULL && record->waiting.first != NULL && !record_is_full(record))
		wake(sup, record, 1);
}

static uint64_t count_room(const struct record *record)
{
	if (record->max_running == 0)
		return UINT64_MAX;
	return record_is_full(record) ? 0 : record->max_running - record->running;
}

void running_wake(struct supervisor *sup)
{
	struct record *record = NULL;

	while ((record = records_next(&sup->records, record)) != NULL)
		if (record->waiting.first != NULL)
			wake(sup, record, count_room(record));
}

void running_drop(struct supervisor *sup, struct task *task)
{
	queue_remove(task);
	wake_next(sup, task->record);
}

/* ---- who counts ---------------------------------------------------------------------------- */

void running_resume(struct supervisor *sup, struct task *task)
{
	if (task->counts)
		return;
	task->counts = true;
	if (task->record != NULL)
		task->record->running++;
	if (user_start(task->client->user, rights_user_running(sup, task->identity)))
		running_wake(sup);
}

void running_suspend(struct supervisor *sup, struct task *task)
{
	bool is_below;

	if (!task->counts)
		return;
	task->counts = false;
	if (task->record != NULL)
		task->record->running--;
	is_below = user_stop(task->client->user, rights_user_running(sup, task->identity));
	wake_next(sup, task->record);
	if (is_below)
		running_wake(sup);
}

void running_begin(struct supervisor *sup, struct task *task)
{
	task->flow->in_flight++;
	running_resume(sup, task);
}

void running_end(struct supervisor *sup, struct task *task)
{
	task->flow->in_flight--;
	running_suspend(sup, task);
}

void running_put_aside(struct task *task)
{
	queue_remove(task);
	task->state = TASK_PARKED;
	task_list_push(&task->record->waiting, task);
}
