/* SPDX-License-Identifier: MIT */
/* call.h, the beginning of a task. */
#include "supervisor/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/plan.h"
#include "supervisor/nested.h"
#include "supervisor/reply.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/timers.h"
#include "supervisor/wait.h"
#include "wire/message.h"

struct message_error error_make(enum ruche_code code, const char *message)
{
	return (struct message_error){.code = code,
		.executed = RUCHE_EXECUTED_NO,
		.exit_status = -1,
		.message = message,
		.message_len = strlen(message)};
}

/* ---- limits --------------------------------------------------------------------------- */

/*
 * A task that waits for a call of its own ends when that has ended.  If a user's limit stood against the one call
 * that it makes, and all that the user has were such tasks, they would wait for ever.
 */
static bool is_first_of_task(const struct session *session, const struct call_request *request)
{
	return session->parent != NULL && session->tasks.count == 0 && request->wants_answer &&
	       !(request->submitted && request->terms->detach);
}

static bool is_process(const struct call_request *request)
{
	return request->terms != NULL && request->terms->process;
}

/* What stands against one more task; NULL: nothing. */
static const char *find_limit(const struct session *session, const struct call_request *request)
{
	const struct supervisor *sup = session->sup;
	const struct limits *limits = &sup->config.limits;
	const struct user *user = session->client->user;
	bool is_first = is_first_of_task(session, request);

	if (is_process(request) && sup->open_processes >= limits->processes)
		return "too many processes are there: [limits] processes";
	if (session->tasks.count >= limits->connection_tasks)
		return "this connection has too many open calls";
	if (session->task_bytes >= limits->connection_bytes)
		return "this connection has too many bytes in open calls";
	if ((is_first ? 0 : user->tasks) >= rights_user_tasks(session))
		return "this user has too many open tasks";
	if ((is_first ? 0 : user->bytes) >= rights_user_bytes(session))
		return "this user has too many bytes in open tasks";
	if (sup->open_tasks >= limits->tasks)
		return "too many tasks are open";
	if (sup->task_bytes >= limits->bytes)
		return "too many bytes are in open tasks";
	return NULL;
}

/* ---- making one ----------------------------------------------------------------------- */

struct queue *call_queue(struct pool *pool, const struct task *task)
{
	return task->process ? &pool->scheduler.processes : &pool->scheduler.queue;
}

/* The request as a worker gets it, its msgid still to be set. */
static int build_frame(
	const struct supervisor *sup, struct task *task, const struct call_request *request)
{
	size_t head = message_request_size(request->name_len);
	size_t len = head + request->params_len;

	if (len > sup->config.limits.frame)
		return -EMSGSIZE; /* its msgid takes more bytes than the client's did */
	if (task_make_frame(task, len) < 0)
		return -ENOMEM;
	message_write_request(task->frame, 0, request->name, request->name_len);
	memcpy(task->frame + head, request->params, request->params_len);
	task->name_off = (uint16_t)(head - request->name_len);
	task->name_len = (uint16_t)request->name_len;
	return 0;
}

static int make_plan(struct task *task, const struct terms *terms)
{
	if (terms == NULL || !terms_need_plan(terms))
		return 0;
	task->plan = calloc(1, sizeof(*task->plan));
	if (task->plan == NULL)
		return -ENOMEM;
	task->plan->task = task;
	task->plan->alarm.kind = TIMER_PLAN;
	terms_make_plan(terms, task->plan, task->opened_at, clock_real());
	return 0;
}

static uint64_t seconds_or(double seconds, uint64_t otherwise)
{
	return seconds >= 0 ? (uint64_t)(seconds * (double)CLOCK_S) : otherwise;
}

#define KEY_WINDOW_DEFAULT (3600 * CLOCK_S)

/* For how long somebody may ask for its answer. */
static uint64_t keep_time(const struct supervisor *sup, const struct call_request *request)
{
	const struct terms *terms = request->terms;
	uint64_t keep = 0, window;

	if (request->submitted)
		keep = seconds_or(terms->keep, sup->config.limits.keep_time);
	if (terms->key.text == NULL)
		return keep;
	window = seconds_or(terms->key_window, KEY_WINDOW_DEFAULT);
	return window > keep ? window : keep;
}

static int make_handle(
	struct supervisor *sup, struct task *task, const struct call_request *request)
{
	const struct terms *terms = request->terms;
	struct handle *handle;

	if (!request->submitted && (terms == NULL || terms->key.text == NULL))
		return 0;
	handle = handle_new(
		&sup->handles, task, task->client->user, terms->key.text, terms->key.len);
	if (handle == NULL)
		return -ENOMEM;
	handle->alarm.kind = TIMER_HANDLE;
	handle->submitted = request->submitted;
	handle->detached = terms->detach;
	handle->submitted_at = clock_real();
	handle->keep = keep_time(sup, request);
	if (terms->tag.text != NULL)
		handle->tag = strndup(terms->tag.text, terms->tag.len);
	return request->logged ? tasklog_attach(handle) : 0;
}

/* Everything that may fail, before anything is counted. */
static int build(struct supervisor *sup, struct task *task, const struct call_request *request)
{
	const struct terms *terms = request->terms;
	int r = build_frame(sup, task, request);

	if (r < 0)
		return r;
	task->flow =
		queue_flow(call_queue(request->pool, task), &task->client->turns, task->priority);
	if (task->flow == NULL)
		return -ENOMEM;
	r = make_plan(task, terms);
	return r < 0 ? r : make_handle(sup, task, request);
}

static void drop_unbuilt(struct supervisor *sup, struct task *task)
{
	if (task->handle != NULL) {
		tasklog_free(task->handle);
		handle_free(&sup->handles, task->handle);
	}
	task_free(&sup->tasks, task);
}

/* ---- opening -------------------------------------------------------------------------- */

/* Now, or at its time. */
static int enter_queue(struct supervisor *sup, struct task *task)
{
	uint64_t not_before = task->plan != NULL ? task->plan->not_before : 0;

	if (not_before > task->opened_at)
		task->state = TASK_DELAYED;
	else
		queue_push(task);
	return timers_watch(sup, task);
}

static void join_session(struct session *session, struct task *task)
{
	struct supervisor *sup = session->sup;

	task->session = session->ref;
	if (task->answered_to && session->indexed)
		task_index_add(&sup->open, task);
	task_list_push(&session->tasks, task);
	session->task_bytes += task->len;
	nested_note(session);
}

static void count_in(struct session *session, struct task *task)
{
	struct supervisor *sup = session->sup;

	client_add(task->client, task);
	task->identity = identity_ref(session->speaks_for);
	sup->open_tasks++;
	sup->pools[task->pool]->open_tasks++;
	sup->open_processes += task->process;
	sup->task_bytes += task->len;
	sup->counters.accepted++;
}

/* Whose turns it takes: what outlives its connection belongs to its user. */
static struct client *pick_client(struct session *session, const struct call_request *request)
{
	if (!request->submitted || !request->terms->detach)
		return session->client;
	return user_detached(&session->sup->users, session->client->user);
}

static struct task *make_task(
	struct session *session, const struct call_request *request, int *ret_error)
{
	struct supervisor *sup = session->sup;
	struct task *task = task_new(&sup->tasks);

	*ret_error = -ENOMEM;
	if (task == NULL)
		return NULL;
	task->pool = request->pool->index;
	task->record = request->record;
	task->priority = request->terms != NULL ? (int8_t)request->terms->priority : 0;
	task->process = is_process(request);
	task->exclusive = request->exclusive || task->process;
	task->answered_to = request->wants_answer && !request->submitted;
	task->msgid = request->msgid;
	task->opened_at = sup->now;
	task->client = pick_client(session, request);
	*ret_error = task->client == NULL ? -ENOMEM : build(sup, task, request);
	if (*ret_error == 0)
		return task;
	drop_unbuilt(sup, task);
	return NULL;
}

/* Another task has this key: its answer is ours. */
static bool join_first(struct session *session, const struct call_request *request)
{
	const struct terms *terms = request->terms;
	struct handle *first;

	if (terms == NULL || terms->key.text == NULL)
		return false;
	first = handles_find_key(
		&session->sup->handles, session->client->user, terms->key.text, terms->key.len);
	if (first == NULL)
		return false;
	if (!request->wants_answer)
		return true;
	if (request->submitted)
		reply_uint(session, request->msgid, first->id);
	else
		wait_for_result(session, request->msgid, first, UINT64_MAX, false);
	return true;
}

int call_open(struct session *session, const struct call_request *request, const char **ret_why)
{
	struct supervisor *sup = session->sup;
	struct task *task;
	int r;

	if (join_first(session, request))
		return 0;
	*ret_why = find_limit(session, request);
	if (*ret_why != NULL)
		return -EBUSY;
	task = make_task(session, request, &r);
	if (task == NULL)
		return r;
	count_in(session, task);
	if (!request->submitted || !request->terms->detach)
		join_session(session, task);
	r = enter_queue(sup, task);
	if (request->submitted && request->wants_answer)
		reply_uint(session, request->msgid, task->handle->id);
	if (r < 0) {
		struct message_error error = error_make(RUCHE_BUSY, "no memory for its timers");

		call_fail(sup, task, &error, false);
	}
	return 0;
}
