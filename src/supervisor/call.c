/* SPDX-License-Identifier: MIT */
#include "supervisor/call.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/scan.h"

/* ---- messages ------------------------------------------------------------------------- */

struct message_error error_make(enum ruche_code code, const char *message)
{
	return (struct message_error){.code = code,
		.executed = RUCHE_EXECUTED_NO,
		.exit_status = -1,
		.message = message,
		.message_len = strlen(message)};
}

void reply_error(struct session *session, uint32_t msgid, const struct message_error *error)
{
	struct supervisor *sup = session->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (message_pack_response(&pk, msgid) == 0 && message_pack_error(&pk, error) == 0 &&
		msgpack_pack_nil(&pk) == 0)
		session_send(session, sup->scratch.data, sup->scratch.size);
}

void reply_fault(struct session *session, const struct message_error *error)
{
	struct supervisor *sup = session->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (message_pack_notification(&pk, "ruche.error") == 0 && msgpack_pack_array(&pk, 1) == 0 &&
		message_pack_error(&pk, error) == 0)
		session_send(session, sup->scratch.data, sup->scratch.size);
}

/* ---- opening -------------------------------------------------------------------------- */

/* The request as a worker gets it, its msgid still to be set. */
static int build_frame(
	struct supervisor *sup, struct task *task, const struct call_request *request)
{
	msgpack_packer pk = supervisor_packer(sup);

	if (message_pack_request(&pk, 0, request->name, request->name_len) < 0)
		return -ENOMEM;
	task->len = sup->scratch.size + request->params_len;
	if (task->len > MESSAGE_FRAME_MAX)
		return -EMSGSIZE; /* its msgid takes more bytes than the client's did */
	task->frame = malloc(task->len);
	if (task->frame == NULL)
		return -ENOMEM;
	memcpy(task->frame, sup->scratch.data, sup->scratch.size);
	memcpy(task->frame + sup->scratch.size, request->params, request->params_len);
	task->name_off = (uint16_t)(sup->scratch.size - request->name_len);
	task->name_len = (uint16_t)request->name_len;
	return 0;
}

int call_open(struct session *session, const struct call_request *request)
{
	struct supervisor *sup = session->sup;
	struct task *task;
	int r;

	if (sup->pool.tasks.used >= CALL_TASKS_MAX || sup->task_bytes >= CALL_BYTES_MAX)
		return -EBUSY;
	task = task_new(&sup->pool.tasks);
	if (task == NULL)
		return -ENOMEM;
	r = build_frame(sup, task, request);
	if (r < 0) {
		task_free(&sup->pool.tasks, task);
		return r;
	}
	task->exclusive = request->exclusive;
	task->answered_to = request->wants_answer;
	task->msgid = request->msgid;
	task->session = session->ref;
	if (task->answered_to)
		task_index_add(&sup->pool.open, task);
	task_list_push(&session->tasks, task);
	session->task_bytes += task->len;
	sup->task_bytes += task->len;
	task_list_push(&sup->pool.queue, task);
	sup->counters.accepted++;
	return 0;
}

/* ---- ending --------------------------------------------------------------------------- */

/*
 * The task leaves its session, before its answer is sent: if that cuts the session off, it is not
 * among the calls that are then stopped.  The session that waits for the answer; NULL: none.
 */
static struct session *detach(struct supervisor *sup, struct task *task)
{
	struct session *session = session_get(sup, task->session);

	if (session == NULL)
		return NULL;
	if (task->answered_to)
		task_index_remove(&sup->pool.open, task);
	task->session = REF_NONE;
	task_list_remove(&session->tasks, task);
	session->task_bytes -= task->len;
	session_wake(session);
	return task->answered_to ? session : NULL;
}

static void end(struct supervisor *sup, struct task *task)
{
	sup->task_bytes -= task->len;
	if (task->state == TASK_QUEUED)
		task_list_remove(&sup->pool.queue, task);
	task_free(&sup->pool.tasks, task);
}

void call_answer(struct supervisor *sup, struct task *task, const void *body, size_t len)
{
	struct session *session = detach(sup, task);
	bool succeeded = len > 0 && *(const uint8_t *)body == 0xc0; /* the error is nil */

	*(succeeded ? &sup->counters.done : &sup->counters.failed) += 1;
	if (session != NULL) {
		uint8_t head[MESSAGE_HEAD_MAX];

		session_send(session, head, message_write_head(head, SCAN_RESPONSE, task->msgid));
		session_send(session, body, len);
	}
	end(sup, task);
}

void call_fail(struct supervisor *sup, struct task *task, const struct message_error *error)
{
	struct session *session = detach(sup, task);
	struct counters *counters = &sup->counters;

	*(error->code == RUCHE_CRASHED           ? &counters->crashed
		: error->code == RUCHE_CANCELLED ? &counters->cancelled
						 : &counters->failed) += 1;
	if (session != NULL)
		reply_error(session, task->msgid, error);
	end(sup, task);
}

void call_fail_queued(struct supervisor *sup, const struct message_error *error)
{
	while (sup->pool.queue.first != NULL)
		call_fail(sup, sup->pool.queue.first, error);
}

/* ---- stopping ------------------------------------------------------------------------- */

struct task *call_find(struct session *session, uint32_t msgid)
{
	return task_index_find(&session->sup->pool.open, session->ref, msgid);
}

/* Queued or taken back in time: answered at once.  Running: its worker is asked to stop it. */
static void stop(struct supervisor *sup, struct task *task, int signal)
{
	struct message_error error = error_make(RUCHE_CANCELLED, "cancelled before it was started");

	if (task->state == TASK_HANDED && !worker_take_back(sup, task)) {
		task->stop_signal = signal;
		worker_request_stop(&sup->workers[task->slot], task);
		return;
	}
	error.signal = signal;
	call_fail(sup, task, &error);
}

bool call_cancel(struct session *session, uint32_t msgid, int signal)
{
	struct task *task = call_find(session, msgid);

	if (task == NULL)
		return false;
	stop(session->sup, task, signal);
	return true;
}

void call_abandon_all(struct supervisor *sup, struct task_list *tasks)
{
	while (tasks->first != NULL) {
		struct task *task = tasks->first;

		if (task->answered_to)
			task_index_remove(&sup->pool.open, task);
		task_list_remove(tasks, task);
		task->session = REF_NONE;
		if (task->answered_to)
			stop(sup, task, SIGTERM);
	}
}
