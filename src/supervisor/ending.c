/* SPDX-License-Identifier: MIT */
/* call.h, the end of a task: its one answer, or another attempt. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/plan.h"
#include "supervisor/call.h"
#include "supervisor/errors.h"
#include "supervisor/keep.h"
#include "supervisor/nested.h"
#include "supervisor/objects.h"
#include "supervisor/reply.h"
#include "supervisor/running.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

/* ---- out of wherever it is ------------------------------------------------------------- */

/* A run has ended. */
static void end_run(const struct supervisor *sup, struct task *task)
{
	task->attempts++;
	task->ran += sup->now - task->started_at;
	queue_note_run(task->flow);
}

static void leave_place(struct supervisor *sup, struct task *task)
{
	switch (task->state) {
	case TASK_QUEUED:
		running_drop(sup, task);
		break;
	case TASK_PARKED:
		task_list_remove(&task->record->waiting, task);
		break;
	case TASK_HANDED:
		running_end(sup, task);
		break;
	default:
		break;
	}
}

/*
 * The task leaves its session, before its answer is sent: if that cuts the session off, it is not
 * among the calls that are then stopped.  The session that waits for the answer; NULL: none.
 */
static struct session *leave_session(struct supervisor *sup, struct task *task)
{
	struct session *session = session_find(sup, task->session);

	if (session == NULL)
		return NULL;
	if (task->answered_to && session->indexed)
		task_index_remove(&sup->open, task);
	task->session = REF_NONE;
	task_list_remove(&session->tasks, task);
	session->task_bytes -= task->len;
	nested_note(session);
	session_wake(session);
	return task->answered_to ? session : NULL;
}

static void count_out(struct supervisor *sup, struct task *task)
{
	struct client *client = task->client;
	struct pool *pool = sup->pools[task->pool];

	sup->open_tasks--;
	sup->open_processes -= task->process;
	if (--pool->open_tasks == 0)
		pool_check_drained(pool);
	sup->task_bytes -= task->len;
	sup->sessions.has_room = true;
	task->client = NULL;
	task->flow = NULL;
	identity_unref(&sup->identities, task->identity);
	task->identity = NULL;
	client_remove(&sup->users, client, task);
}

/* ---- the end --------------------------------------------------------------------------- */

static void count_outcome(struct counters *counters, enum ruche_code code)
{
	switch (code) {
	case RUCHE_OK:
		counters->done++;
		break;
	case RUCHE_CRASHED:
		counters->crashed++;
		break;
	case RUCHE_CANCELLED:
		counters->cancelled++;
		break;
	case RUCHE_TIMEOUT:
		counters->timed_out++;
		break;
	default:
		counters->failed++;
	}
}

static uint64_t queued_time(const struct supervisor *sup, const struct task *task)
{
	uint64_t open = sup->now - task->opened_at;

	return open > task->ran ? open - task->ran : 0;
}

/* Its one answer, to everybody who waits for it. */
static void finish(struct supervisor *sup, struct task *task, const struct errors_gist *gist,
	const void *body, size_t len)
{
	struct session *session;

	leave_place(sup, task);
	if (task->plan != NULL)
		alarms_clear(&sup->alarms, &task->plan->alarm);
	objects_on_task_end(&sup->objects, task);
	session = leave_session(sup, task);
	count_outcome(&sup->counters, gist->code);
	if (session != NULL)
		reply_body(session, task->msgid, body, len);
	if (task->handle != NULL) {
		task->handle->queued = queued_time(sup, task);
		task->handle->ran = task->ran;
		if (task->process && task->state == TASK_HANDED)
			task->handle->pid = worker_task_pid(worker_of(sup, task), task);
		waits_on_end(sup, task->handle, body, len);
	}
	count_out(sup, task);
	if (task->handle == NULL || !keep_answer(sup, task->handle, gist, body, len))
		task_free(&sup->tasks, task);
}

/* ---- another attempt -------------------------------------------------------------------- */

/* After a run that ended so.  True: it is not over yet. */
static bool try_again(struct supervisor *sup, struct task *task, enum ruche_code code,
	enum ruche_executed executed)
{
	uint64_t delay;

	if (task->plan == NULL || task->stop == TASK_STOP_CANCEL ||
		task->stop == TASK_STOP_DEADLINE || sup->state != SUPERVISOR_RUNNING ||
		(task->record != NULL && task->record->quarantined) ||
		!plan_retries(task->plan, code, (uint32_t)random(), &delay))
		return false;
	running_end(sup, task);
	task->begun |= executed != RUCHE_EXECUTED_NO;
	task->stop = TASK_STOP_NOT;
	task->stop_signal = 0;
	task->plan->not_before = sup->now + delay;
	task->state = TASK_DELAYED;
	return timers_watch(sup, task) == 0;
}

/* ---- from outcome to answer -------------------------------------------------------------- */

static void tell_story(
	const struct supervisor *sup, const struct task *task, struct message_error *error)
{
	error->has_times = true;
	error->attempts = task->attempts;
	error->queued = (double)queued_time(sup, task) / (double)CLOCK_S;
	error->ran = (double)task->ran / (double)CLOCK_S;
}

static void finish_with_error(
	struct supervisor *sup, struct task *task, struct message_error *error)
{
	struct errors_gist gist = {error->code, error->executed};
	struct errors_body body;

	tell_story(sup, task, error);
	body = errors_pack(sup, error);
	finish(sup, task, &gist, body.data, body.len);
}

/* It was asked to stop for want of time, and did, one way or another. */
static void fail_late(struct supervisor *sup, struct task *task, const struct message_error *from)
{
	struct message_error error = {.code = RUCHE_TIMEOUT,
		.executed = RUCHE_EXECUTED_MAYBE,
		.signal = from->signal,
		.exit_status = from->exit_status,
		.peak_memory = from->peak_memory,
		.output = from->output,
		.output_len = from->output_len};
	char message[128];

	if (task->stop == TASK_STOP_DEADLINE)
		text_format(message, sizeof(message), "stopped at its deadline");
	else
		text_format(message, sizeof(message), "stopped after %g s, its timeout",
			(double)task->plan->timeout / (double)CLOCK_S);
	error.message = message;
	error.message_len = strlen(message);
	if (!try_again(sup, task, RUCHE_TIMEOUT, RUCHE_EXECUTED_MAYBE))
		finish_with_error(sup, task, &error);
}

static bool is_late(const struct task *task)
{
	return task->stop == TASK_STOP_TIMEOUT || task->stop == TASK_STOP_DEADLINE;
}

/* What its last run says is not all there was to it. */
static enum ruche_executed least_executed(const struct task *task)
{
	return task->begun ? RUCHE_EXECUTED_MAYBE : RUCHE_EXECUTED_NO;
}

void call_answer(struct supervisor *sup, struct task *task, const void *data, size_t len)
{
	struct errors_gist gist = errors_read(data, len);
	struct errors_body body = {data, len};

	end_run(sup, task);
	if (task->record != NULL)
		record_on_end(task->record);
	if (gist.code != RUCHE_OK && is_late(task)) {
		struct message_error nothing = {.exit_status = -1};

		fail_late(sup, task, &nothing);
		return;
	}
	if (gist.code != RUCHE_OK && try_again(sup, task, gist.code, gist.executed))
		return;
	if (gist.code != RUCHE_OK) {
		struct message_error story = {.executed = least_executed(task)};

		tell_story(sup, task, &story);
		body = errors_extend(sup, data, len, &story);
		gist = errors_read(body.data, body.len);
	}
	finish(sup, task, &gist, body.data, body.len);
}

/* ---- quarantine ---------------------------------------------------------------------------- */

static void note_crash(struct supervisor *sup, struct task *task, const struct message_error *error)
{
	struct record *record = task->record;
	char message[640];
	struct message_error why;

	if (record == NULL || !record_on_crash(record, error->message,
				      sup->config.limits.quarantine_after, clock_real()))
		return;
	errors_quarantined(record, message, sizeof(message));
	notice_send(sup, NOTICE_FUNCTION_QUARANTINED,
		&(struct notice_fields){.record = record, .count = record->crashes}, "%s", message);
	why = error_make(RUCHE_QUARANTINED, message);
	call_fail_function(sup, record, &why);
}

void call_fail(
	struct supervisor *sup, struct task *task, const struct message_error *error, bool started)
{
	struct message_error mine = *error;

	if (started)
		end_run(sup, task);
	else if (mine.executed < least_executed(task))
		mine.executed = least_executed(task);
	if (started && mine.code == RUCHE_CRASHED)
		note_crash(sup, task, &mine);
	if (started && is_late(task) && mine.code != RUCHE_SHUTTING_DOWN)
		fail_late(sup, task, &mine);
	else if (!started || !try_again(sup, task, mine.code, mine.executed))
		finish_with_error(sup, task, &mine);
}

/* ---- many at once -------------------------------------------------------------------------- */

void call_fail_queued(
	struct supervisor *sup, struct queue *queue, const struct message_error *error)
{
	struct task *task;

	while ((task = queue_first(queue)) != NULL)
		call_fail(sup, task, error, false);
}

static bool waits(const struct task *task)
{
	return task->state == TASK_QUEUED || task->state == TASK_DELAYED ||
	       task->state == TASK_PARKED;
}

void call_fail_waiting(struct supervisor *sup, const struct message_error *error)
{
	struct task *task = NULL;

	while ((task = task_next(&sup->tasks, task)) != NULL)
		if (waits(task))
			call_fail(sup, task, error, false);
}

void call_fail_function(
	struct supervisor *sup, const struct record *record, const struct message_error *error)
{
	struct task *task = NULL;

	while ((task = task_next(&sup->tasks, task)) != NULL) {
		if (task->record != record)
			continue;
		if (task->state == TASK_HANDED)
			worker_take_back(sup, task); /* if its worker has not begun with it */
		if (waits(task))
			call_fail(sup, task, error, false);
	}
}
