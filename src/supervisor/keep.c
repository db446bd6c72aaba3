/* SPDX-License-Identifier: MIT */
#include "supervisor/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "supervisor/errors.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"

/* What one costs: its answer, its output, itself. */
static size_t cost(const struct handle *handle)
{
	return sizeof(struct task) + sizeof(*handle) + handle->answer_len + handle->kept_log;
}

static void free_handle(struct supervisor *sup, struct handle *handle)
{
	tasklog_free(handle);
	alarms_clear(&sup->alarms, &handle->alarm);
	handle_free(&sup->handles, handle);
}

void keep_drop(struct supervisor *sup, struct handle *handle)
{
	struct task *task = handle->task;
	size_t bytes = cost(handle);

	task_list_remove(&sup->kept, task);
	sup->kept_bytes -= bytes;
	user_forget(handle->user, task, bytes);
	free_handle(sup, handle);
	task_free(&sup->tasks, task);
}

static void make_room(struct supervisor *sup, struct user *user, const struct task *newest)
{
	uint64_t limit = sup->config.limits.keep_bytes;

	while (user->kept_bytes > limit / 4 && user->kept.first != newest)
		keep_drop(sup, user->kept.first->handle);
	while (sup->kept_bytes > limit)
		keep_drop(sup, sup->kept.first->handle);
}

static void drop_request(struct task *task)
{
	task_drop_request(task);
	free(task->plan);
	task->plan = NULL;
}

static bool is_wanted(struct supervisor *sup, struct handle *handle, const struct errors_gist *gist)
{
	if (handle->key != NULL && gist->code != RUCHE_OK && gist->executed == RUCHE_EXECUTED_NO)
		handle_drop_key(&sup->handles, handle); /* it may be tried again */
	return handle->keep > 0 && (handle->submitted || handle->key != NULL);
}

static void enter_lists(struct supervisor *sup, struct handle *handle)
{
	task_list_push(&sup->kept, handle->task);
	sup->kept_bytes += cost(handle);
	user_keep(handle->user, handle->task, cost(handle));
}

int keep_restore(struct supervisor *sup, struct handle *handle, uint64_t alarm)
{
	enter_lists(sup, handle);
	return alarms_set(&sup->alarms, &handle->alarm, alarm);
}

bool keep_answer(struct supervisor *sup, struct handle *handle, const struct errors_gist *gist,
	const void *body, size_t len)
{
	struct task *task = handle->task;
	struct user *user = handle->user;

	if (is_wanted(sup, handle, gist))
		handle->answer = malloc(len);
	if (handle->answer == NULL ||
		alarms_set(&sup->alarms, &handle->alarm, clock_now() + handle->keep) < 0) {
		free_handle(sup, handle);
		return false;
	}
	memcpy(handle->answer, body, len);
	handle->answer_len = len;
	handle->ended_at = clock_real();
	handle->kept_log = tasklog_size(handle);
	drop_request(task);
	task->state = TASK_ENDED;
	enter_lists(sup, handle);
	make_room(sup, user, task);
	return true;
}
