/* SPDX-License-Identifier: MIT */
#include "supervisor/running.h"

#include "supervisor/supervisor.h"

/* One of those that were put aside may be the next. */
static void wake_one(struct record *record)
{
	struct task *task = record->waiting.first;

	if (task == NULL || record_is_full(record))
		return;
	task_list_remove(&record->waiting, task);
	task->state = TASK_QUEUED;
	queue_push_front(task);
}

void running_resume(struct supervisor *sup, struct task *task)
{
	if (task->counts)
		return;
	task->counts = true;
	user_start(task->client->user, sup->config.limits.user_running);
	if (task->record != NULL)
		task->record->running++;
}

void running_suspend(struct supervisor *sup, struct task *task)
{
	if (!task->counts)
		return;
	task->counts = false;
	user_stop(task->client->user, sup->config.limits.user_running);
	if (task->record == NULL)
		return;
	task->record->running--;
	wake_one(task->record);
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

bool running_may_begin(struct supervisor *sup, struct task *task)
{
	(void)sup;
	if (task->record == NULL || !record_is_full(task->record))
		return true;
	queue_remove(task);
	task->state = TASK_PARKED;
	task_list_push(&task->record->waiting, task);
	return false;
}
