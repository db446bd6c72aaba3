/* SPDX-License-Identifier: MIT */
/* request.h, tasks that have an id. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/option_map.h"
#include "supervisor/reply.h"
#include "supervisor/report.h"
#include "supervisor/request.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/wait.h"
#include "wire/scan.h"

/* ---- finding it ------------------------------------------------------------------------ */

/* NULL, and it was answered: there is none.  Somebody else's is none, in the same words. */
static struct handle *find(struct session *session, const struct request *request, uint64_t id)
{
	struct handle *handle = handles_find(&session->sup->handles, id);
	char message[160];

	if (handle != NULL && rights_may_see(session, handle->user))
		return handle;
	text_format(message, sizeof(message),
		"there is no task %" PRIu64 ", or its result is kept no longer", id);
	request_fail(session, request, RUCHE_UNKNOWN_TASK, message);
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

struct ask {
	double timeout; /* s; < 0: as long as it takes */
	bool any, follow, forget;
};

static const char a_limit[] = "seconds, at least 0", a_truth[] = "true or false";

static const struct option_key result_keys[] = {
	{"timeout", offsetof(struct ask, timeout), option_get_limit, a_limit},
	{"forget", offsetof(struct ask, forget), option_get_truth, a_truth},
	{NULL, 0, NULL, NULL},
};
static const struct option_key wait_keys[] = {
	{"timeout", offsetof(struct ask, timeout), option_get_limit, a_limit},
	{"any", offsetof(struct ask, any), option_get_truth, a_truth},
	{NULL, 0, NULL, NULL},
};
static const struct option_key log_keys[] = {
	{"follow", offsetof(struct ask, follow), option_get_truth, a_truth},
	{NULL, 0, NULL, NULL},
};

/* False, and it was answered: they make no sense. */
static bool read_options(struct session *session, const struct request *request,
	const struct option_key *keys, struct ask *ret)
{
	struct piece options = piece_in_array(request->params, 1);
	char message[OPTION_ERROR_MAX];

	*ret = (struct ask){.timeout = -1};
	if (request->count <= 2 &&
		option_map_read(keys, ret, options.data, options.len, message) == 0)
		return true;
	request_fail(session, request, RUCHE_BAD_ARGUMENTS,
		request->count > 2 ? "takes one more parameter at the most: options" : message);
	return false;
}

/* In ns. */
static uint64_t timeout_of(const struct ask *ask)
{
	return ask->timeout < 0 ? UINT64_MAX : (uint64_t)(ask->timeout * (double)CLOCK_S);
}

/* ---- methods ------------------------------------------------------------------------------ */

/* [id, {timeout, forget}] */
static bool on_result(struct session *session, const struct request *request)
{
	struct handle *handle = find_first(session, request);
	struct ask ask;

	if (handle != NULL && read_options(session, request, result_keys, &ask) &&
		request->wants_answer)
		wait_for_result(session, request->msgid, handle, timeout_of(&ask), ask.forget);
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
	struct ask ask;
	uint32_t count;
	size_t head;

	if (scan_array(ids.data, ids.len, &count, &head) < 0 || count > WAIT_LINKS_MAX)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.wait takes an array of at most 65536 ids");
	if (!read_options(session, request, wait_keys, &ask) || !request->wants_answer)
		return true;
	handles = find_all(session, request, ids, count);
	if (handles != NULL)
		wait_for_tasks(session, request->msgid, handles, count, ask.any, timeout_of(&ask));
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
	if (report_tasks(session, &pk) == 0)
		reply_send(session);
	return true;
}

/* [id, signal] */
static bool on_cancel_task(struct session *session, const struct request *request)
{
	static const char *const words[] = {[CALL_STOPPED] = "cancelled",
		[CALL_STOPPING] = "stopping",
		[CALL_ENDED] = "finished"};
	struct handle *handle = find_first(session, request);
	const char *word = words[CALL_ENDED];
	uint64_t signal = 0;

	if (handle == NULL)
		return true;
	if (request->count > 1 && !request_get_uint(request, 1, (uint64_t)SIGRTMAX, &signal))
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.cancel_task takes [id, signal number]");
	if (handle->task->state != TASK_ENDED)
		word = words[call_stop(session->sup, handle->task, TASK_STOP_CANCEL,
			signal == 0 ? SIGTERM : (int)signal)];
	if (request->wants_answer)
		reply_str(session, request->msgid, word);
	return true;
}

/* [id, {follow}] */
static bool on_log(struct session *session, const struct request *request)
{
	struct handle *handle = find_first(session, request);
	struct ask ask;

	if (handle == NULL || !read_options(session, request, log_keys, &ask) ||
		!request->wants_answer)
		return true;
	if (handle->log == NULL)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"no output is kept of this task: only of a command that was submitted "
			"with its option `stream`");
	tasklog_tell(session, request->msgid, handle);
	if (handle->task->state == TASK_ENDED || !ask.follow)
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
