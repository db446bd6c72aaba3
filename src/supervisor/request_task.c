/* SPDX-License-Identifier: MIT */
/* request.h, tasks that have an id. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/reply.h"
#include "supervisor/report.h"
#include "supervisor/request.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/wait.h"
#include "wire/scan.h"

enum { WAIT_IDS_MAX = 65536 };

/* ---- finding it ------------------------------------------------------------------------ */

static bool may_see(const struct session *session, const struct handle *handle)
{
	return session->uid == handle->user->uid || session_is_master(session);
}

/* NULL, and it was answered: there is none, or it is somebody else's. */
static struct handle *find(struct session *session, const struct request *request, uint64_t id)
{
	struct handle *handle = handles_find(&session->sup->handles, id);
	char message[160];

	if (handle == NULL) {
		text_format(message, sizeof(message),
			"there is no task %" PRIu64 ", or its result is kept no longer", id);
		request_fail(session, request, RUCHE_UNKNOWN_TASK, message);
		return NULL;
	}
	if (may_see(session, handle))
		return handle;
	text_format(message, sizeof(message), "task %" PRIu64 " is another user's", id);
	request_fail(session, request, RUCHE_DENIED, message);
	return NULL;
}

/* The first parameter. */
static struct handle *find_first(struct session *session, const struct request *request)
{
	uint64_t id;

	if (!request_get_uint(request, 0, UINT64_MAX, &id)) {
		request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes a task's id, as ruche.submit gave it");
		return NULL;
	}
	return find(session, request, id);
}

/* ---- options: a map at place 1 ------------------------------------------------------------ */

static bool get_flag(const struct request *request, const char *key)
{
	return piece_is_true(piece_in_map(piece_in_array(request->params, 1), key));
}

/* Seconds as ns; UINT64_MAX if there is none.  False: it makes no sense. */
static bool get_timeout(const struct request *request, uint64_t *ret)
{
	struct piece value = piece_in_map(piece_in_array(request->params, 1), "timeout");
	double seconds;

	*ret = UINT64_MAX;
	if (value.len == 0 || *value.data == 0xc0)
		return true;
	if (scan_number(value.data, value.len, &seconds) < 0 || !(seconds >= 0) || seconds > 1e9)
		return false;
	*ret = (uint64_t)(seconds * (double)CLOCK_S);
	return true;
}

static bool fail_timeout(struct session *session, const struct request *request)
{
	return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
		"the option 'timeout' takes seconds, from 0 to 1000000000");
}

/* ---- methods ------------------------------------------------------------------------------ */

/* [id, {timeout, forget}] */
static bool on_result(struct session *session, const struct request *request)
{
	struct handle *handle = find_first(session, request);
	uint64_t timeout;

	if (handle == NULL || !request->wants_answer)
		return true;
	if (!get_timeout(request, &timeout))
		return fail_timeout(session, request);
	wait_for_result(session, request->msgid, handle, timeout, get_flag(request, "forget"));
	return true;
}

/* All of them, or NULL and it was answered. */
static struct handle **find_all(
	struct session *session, const struct request *request, struct piece ids, uint32_t count)
{
	struct handle **handles = calloc(count + 1U, sizeof(struct handle *));
	struct piece piece = {ids.data, 0};
	size_t head, len;
	uint32_t n;

	if (handles == NULL) {
		request_fail(session, request, RUCHE_BUSY, "the daemon has no memory to wait");
		return NULL;
	}
	scan_array(ids.data, ids.len, &n, &head);
	piece.data += head;
	for (uint32_t i = 0; i < count; i++, piece.data += piece.len) {
		uint64_t id = 0;

		piece = piece_at(piece.data, ids.data + ids.len, 0);
		if (scan_uint(piece.data, piece.len, &id, &len) < 0)
			request_fail(session, request, RUCHE_BAD_ARGUMENTS,
				"ruche.wait takes an array of ids, which are integers");
		else
			handles[i] = find(session, request, id);
		if (handles[i] == NULL) {
			free(handles);
			return NULL;
		}
	}
	return handles;
}

/* [ids, {timeout, any}] */
static bool on_wait(struct session *session, const struct request *request)
{
	struct piece ids = piece_in_array(request->params, 0);
	struct handle **handles;
	uint64_t timeout;
	uint32_t count;
	size_t head;

	if (scan_array(ids.data, ids.len, &count, &head) < 0 || count > WAIT_IDS_MAX)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.wait takes an array of at most 65536 ids");
	if (!get_timeout(request, &timeout))
		return fail_timeout(session, request);
	if (!request->wants_answer)
		return true;
	handles = find_all(session, request, ids, count);
	if (handles != NULL)
		wait_for_tasks(
			session, request->msgid, handles, count, get_flag(request, "any"), timeout);
	free(handles);
	return true;
}

/* [id] */
static bool on_task(struct session *session, const struct request *request)
{
	struct handle *handle = find_first(session, request);
	msgpack_packer pk;

	if (handle == NULL || !request->wants_answer)
		return true;
	pk = reply_begin(session, request->msgid);
	if (report_task(session->sup, handle, &pk) == 0)
		reply_send(session);
	return true;
}

/* [] */
static bool on_tasks(struct session *session, const struct request *request)
{
	msgpack_packer pk;

	if (!request->wants_answer)
		return true;
	pk = reply_begin(session, request->msgid);
	if (report_tasks(session->sup, session_is_master(session) ? NULL : session->client->user,
		    &pk) == 0)
		reply_send(session);
	return true;
}

/* [id, signal] */
static bool on_cancel_task(struct session *session, const struct request *request)
{
	struct handle *handle = find_first(session, request);
	const char *word = "finished";
	uint64_t signal = 0;

	if (handle == NULL)
		return true;
	if (request->count > 1 && !request_get_uint(request, 1, (uint64_t)SIGRTMAX, &signal))
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.cancel_task takes [id, signal number]");
	if (handle->task->state != TASK_ENDED)
		word = call_stop(session->sup, handle->task, TASK_STOP_CANCEL,
			       signal == 0 ? SIGTERM : (int)signal) == CALL_STOPPED
			       ? "cancelled"
			       : "stopping";
	if (request->wants_answer)
		reply_str(session, request->msgid, word);
	return true;
}

/* [id, {follow}] */
static bool on_log(struct session *session, const struct request *request)
{
	struct handle *handle = find_first(session, request);

	if (handle == NULL || !request->wants_answer)
		return true;
	if (handle->log == NULL)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"no output is kept of this task: only of a command that was submitted "
			"with its option `stream`");
	tasklog_tell(session, request->msgid, handle);
	if (handle->task->state == TASK_ENDED || !get_flag(request, "follow"))
		tasklog_answer(session, request->msgid, handle, 0);
	else
		wait_for_log(session, request->msgid, handle);
	return true;
}

const struct method task_methods[] = {
	{"ruche.result", on_result},
	{"ruche.wait", on_wait},
	{"ruche.task", on_task},
	{"ruche.tasks", on_tasks},
	{"ruche.cancel_task", on_cancel_task},
	{"ruche.log", on_log},
	{NULL, NULL},
};
