/* SPDX-License-Identifier: MIT */
/* call.h, stopping: because somebody asks for it, because time is up, because nobody waits any more. */
#include <signal.h>

#include "supervisor/call.h"
#include "supervisor/objects.h"
#include "supervisor/results.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

/* Most clients stop nothing and feed nothing, and are spared what it costs to keep an index of their calls. */
static void index_all(struct session *session)
{
	struct task *task;

	session->indexed = true;
	for (task = session->tasks.first; task != NULL; task = task->next[TASK_LIST_SESSION])
		if (task->answered_to)
			task_index_add(&session->sup->open, task);
}

struct task *call_find(struct session *session, uint32_t msgid)
{
	struct task_index *open = &session->sup->open;

	if (!session->indexed)
		index_all(session);
	return task_index_find(open, session->ref, msgid);
}

/* It has not started and will not. */
static void drop(struct supervisor *sup, struct task *task, enum task_stop why, int signal)
{
	static const struct {
		enum ruche_code code;
		const char *message;
	} words[] = {
		[TASK_STOP_CANCEL] = {RUCHE_CANCELLED, "cancelled before it was started"},
		[TASK_STOP_TIMEOUT] = {RUCHE_TIMEOUT,
			"its worker had not begun with it when its timeout was over"},
		[TASK_STOP_DEADLINE] = {RUCHE_TIMEOUT, "its deadline came before it was started"},
		[TASK_STOP_EXPIRED] = {RUCHE_TIMEOUT, "it had not started before it expired"},
	};
	struct message_error error = error_make(words[why].code, words[why].message);

	error.signal = signal;
	if (task->attempts > 0 && why != TASK_STOP_TIMEOUT) { /* between two attempts */
		error.message = why == TASK_STOP_CANCEL ? "cancelled between two attempts"
							: "its deadline came between two attempts";
		error.message_len = strlen(error.message);
	}
	call_fail(sup, task, &error, false);
}

/* Its worker may be done with it already: then its result came first.  NULL: it is gone. */
static struct task *catch_up(struct supervisor *sup, struct task *task)
{
	struct ref ref = task->ref;

	results_catch_up(worker_of(sup, task));
	return task_get(&sup->tasks, ref);
}

/*
 * Queued or taken back in time: answered at once.  Running: its worker is asked to stop it.  Other tasks
 * may be answered as well.
 */
enum call_stopped call_stop(
	struct supervisor *sup, struct task *task, enum task_stop why, int signal)
{
	if (task->state == TASK_HANDED && !worker_take_back(sup, task))
		task = catch_up(sup, task);
	if (task == NULL || task->state == TASK_ENDED)
		return CALL_ENDED;
	if (why == TASK_STOP_TIMEOUT && task->state == TASK_DELAYED)
		return CALL_ENDED; /* the run that it was for; another one is due */
	if (task->state != TASK_HANDED) {
		drop(sup, task, why, why == TASK_STOP_CANCEL ? signal : 0);
		return CALL_STOPPED;
	}
	if (task->stop == TASK_STOP_NOT || why == TASK_STOP_CANCEL) {
		task->stop = why;
		task->stop_signal = signal;
		timers_watch(sup, task);
	}
	worker_request_stop(worker_of(sup, task), task);
	return CALL_STOPPING;
}

void call_on_time(struct supervisor *sup, struct task *task, enum plan_event due)
{
	switch (due) {
	case PLAN_START:
		task->state = TASK_QUEUED;
		queue_push(task);
		break;
	case PLAN_EXPIRED:
		if (task->state != TASK_HANDED || worker_take_back(sup, task)) {
			drop(sup, task, TASK_STOP_EXPIRED, 0);
			return;
		}
		break; /* it has started in time */
	case PLAN_DEADLINE:
		call_stop(sup, task, TASK_STOP_DEADLINE, SIGTERM);
		return;
	case PLAN_TIMEOUT:
		call_stop(sup, task, TASK_STOP_TIMEOUT, SIGTERM);
		return;
	case PLAN_NOTHING:
		break;
	}
	if (due == PLAN_EXPIRED)
		task->plan->expires = 0;
	timers_watch(sup, task);
}

bool call_cancel(struct session *session, uint32_t msgid, int signal)
{
	struct task *task = call_find(session, msgid);

	if (task == NULL)
		return wait_cancel(session, msgid) || objects_cancel(session, msgid);
	return call_stop(session->sup, task, TASK_STOP_CANCEL, signal) != CALL_ENDED;
}

/* Does anybody still care for what its connection has left? */
static bool is_orphan(const struct task *task)
{
	if (task->handle != NULL && (task->handle->detached || task->handle->waits != NULL))
		return false;
	return task->answered_to || task->handle != NULL;
}

void call_abandon_all(struct session *session)
{
	struct supervisor *sup = session->sup;
	struct task_list *tasks = &session->tasks;

	while (tasks->first != NULL) {
		struct task *task = tasks->first;
		bool orphan;

		if (task->answered_to && session->indexed)
			task_index_remove(&sup->open, task);
		task_list_remove(tasks, task);
		task->session = REF_NONE;
		orphan = is_orphan(task);
		task->answered_to = false;
		if (orphan)
			call_stop(sup, task, TASK_STOP_CANCEL, SIGTERM);
	}
}
