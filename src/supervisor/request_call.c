/* SPDX-License-Identifier: MIT */
/* request.h, calls: how they are opened, stopped and fed. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/errors.h"
#include "supervisor/nested.h"
#include "supervisor/reply.h"
#include "supervisor/request.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/link.h"
#include "wire/scan.h"

enum { INPUT_MAX = 256 * 1024 }; /* of a command's stdin on its way; four times what it grants */

static const char run_name[] = "ruche.run", map_name[] = "ruche.map";

static bool is_named(const char *name, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(name, other, len) == 0;
}

/* ---- which pool, which function ------------------------------------------------------- */

/* "pool/function", or the option `pool`, or the default one. */
static bool find_pool(struct supervisor *sup, struct call_request *call)
{
	const struct terms *terms = call->terms;
	const char *slash = memchr(call->name, '/', call->name_len);

	call->pool = sup->pools[0];
	if (slash != NULL) {
		size_t len = (size_t)(slash - call->name);

		call->pool = pool_find(sup, call->name, len);
		if (call->pool == NULL)
			return false;
		call->name += len + 1;
		call->name_len -= len + 1;
	} else if (terms != NULL && terms->pool.text != NULL) {
		call->pool = pool_find(sup, terms->pool.text, terms->pool.len);
	}
	return call->pool != NULL;
}

/* The function that a chunk of a map calls.  False: the worker will say what is wrong. */
static bool find_inner(const struct call_request *call, const char **ret, size_t *ret_len)
{
	struct piece params = {call->params, call->params_len};
	struct piece inner = piece_in_array(params, 0);
	uint32_t len;
	size_t head;

	if (scan_str(inner.data, inner.len, &len, &head) < 0)
		return false;
	*ret = (const char *)inner.data + head;
	*ret_len = len;
	return true;
}

/* A chunk of a map counts as the function that it calls. */
static bool find_record(struct call_request *call)
{
	const struct function *function;
	const char *name = call->name;
	size_t len = call->name_len;

	call->is_command = is_named(name, len, run_name);
	if (call->is_command)
		return true;
	if (is_named(name, len, map_name) && !find_inner(call, &name, &len))
		return true;
	function = functions_find(&call->pool->functions, name, len);
	call->record = function != NULL ? function->record : NULL;
	return function != NULL;
}

static bool fail_unknown(
	struct session *session, const struct request *request, const struct call_request *call)
{
	const char *name = call->name;
	size_t name_len = call->name_len;
	char message[640];

	if (is_named(name, name_len, map_name))
		find_inner(call, &name, &name_len);

	if (call->pool == NULL && call->terms != NULL && call->terms->pool.text != NULL &&
		memchr(call->name, '/', call->name_len) == NULL)
		text_format(message, sizeof(message),
			"there is no pool '%.*s'; `ruche pool` lists those there are",
			(int)call->terms->pool.len, call->terms->pool.text);
	else if (call->pool == NULL)
		text_format(message, sizeof(message),
			"there is no such pool: '%.*s'; `ruche pool` lists those there are",
			(int)call->name_len, call->name);
	else
		text_format(message, sizeof(message),
			"there is no function '%.*s'; `ruche functions` lists those there are",
			(int)name_len, name);
	return request_fail(session, request, RUCHE_UNKNOWN_FUNCTION, message);
}

static bool fail_quarantined(
	struct session *session, const struct request *request, const struct record *record)
{
	char message[640];

	errors_quarantined(record, message, sizeof(message));
	return request_fail(session, request, RUCHE_QUARANTINED, message);
}

/* [argv, options]: a command that is fed has its worker for itself. */
static void look_at_command(struct call_request *call)
{
	const struct piece params = {call->params, call->params_len};
	struct piece options;

	if (!call->is_command)
		return;
	options = piece_in_array(params, 1);
	call->exclusive = piece_is_true(piece_in_map(options, "stream_input"));
	call->logged = call->submitted && piece_is_true(piece_in_map(options, "stream"));
}

/* ---- opening -------------------------------------------------------------------------- */

/*
 * Nothing of a task's waits for room that there may only be when the task has ended; see also call.c.  And a process begins at
 * once or not at all: others may count on it.
 */
static bool may_wait(const struct session *session, const struct call_request *call)
{
	if (call->terms == NULL)
		return true;
	return call->terms->wait && !call->terms->process &&
	       !(session->parent != NULL && call->submitted && call->terms->detach);
}

static bool open_call(
	struct session *session, const struct request *request, const struct call_request *call)
{
	const char *why = NULL;

	switch (call_open(session, call, &why)) {
	case 0:
		return true;
	case -EMSGSIZE:
		return request_fail(session, request, RUCHE_TOO_LARGE,
			"the request is over the limit by the bytes that the daemon adds");
	case -EBUSY:
		if (may_wait(session, call))
			return false;
		return request_fail(session, request, RUCHE_BUSY, why);
	default:
		return request_fail(
			session, request, RUCHE_BUSY, "the daemon has no memory for more calls");
	}
}

static bool is_too_deep(const struct session *session, const struct call_request *call)
{
	return session->parent != NULL && !(call->submitted && call->terms->detach) &&
	       nested_is_too_deep(session);
}

static bool call_function(
	struct session *session, const struct request *request, struct call_request *call)
{
	struct supervisor *sup = session->sup;

	call->wants_answer = request->wants_answer;
	call->msgid = request->msgid;
	if (sup->state != SUPERVISOR_RUNNING)
		return request_fail(session, request, RUCHE_SHUTTING_DOWN, "the daemon is ending");
	if (!find_pool(sup, call))
		return fail_unknown(session, request, call);
	if (call->pool->drained && session->parent == NULL)
		return request_fail(session, request, RUCHE_UNAVAILABLE,
			"the pool takes nothing new until `ruche resume`");
	if (is_too_deep(session, call))
		return request_fail(session, request, RUCHE_BUSY,
			"too many workers wait for calls of their own: [limits] nested");
	if (scheduler_is_dead(&call->pool->scheduler))
		return request_fail(session, request, RUCHE_UNAVAILABLE, pool_problem(call->pool));
	if (!find_record(call))
		return fail_unknown(session, request, call);
	if (!request_may_open(session, request, call))
		return true;
	if (call->record != NULL && call->record->quarantined)
		return fail_quarantined(session, request, call->record);
	look_at_command(call);
	return open_call(session, request, call);
}

bool request_call_function(struct session *session, const struct request *request)
{
	struct call_request call = {.name = request->name,
		.name_len = request->name_len,
		.params = request->params.data,
		.params_len = request->params.len};

	return call_function(session, request, &call);
}

/* [function, args, options] */
static bool call_with_options(
	struct session *session, const struct request *request, bool submitted)
{
	struct piece args = piece_in_array(request->params, 1);
	struct piece options = piece_in_array(request->params, 2);
	struct call_request call = {
		.params = args.data, .params_len = args.len, .submitted = submitted};
	char message[OPTION_ERROR_MAX];
	struct terms terms;
	uint32_t count;
	size_t head;

	terms_init(&terms);
	call.terms = &terms;
	if (request->count < 2 || request->count > 3 ||
		!request_get_str(request, 0, &call.name, &call.name_len) ||
		call.name_len > SCAN_METHOD_MAX ||
		scan_array(args.data, args.len, &count, &head) < 0)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [function, array of arguments, options]");
	if (options.len > 0 && terms_read(&terms, options.data, options.len, message) < 0)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS, message);
	return call_function(session, request, &call);
}

static bool on_call(struct session *session, const struct request *request)
{
	return call_with_options(session, request, false);
}

static bool on_submit(struct session *session, const struct request *request)
{
	return call_with_options(session, request, true);
}

/* ---- calls under way ------------------------------------------------------------------ */

/* [msgid, signal] */
static bool on_cancel(struct session *session, const struct request *request)
{
	uint64_t msgid, signal = 0;
	bool found;

	if (!request_get_uint(request, 0, UINT32_MAX, &msgid) || request->count > 2 ||
		(request->count == 2 && !request_get_uint(request, 1, (uint64_t)SIGRTMAX, &signal)))
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.cancel takes [msgid, signal number]");
	found = call_cancel(session, (uint32_t)msgid, signal == 0 ? SIGTERM : (int)signal);
	if (request->wants_answer)
		reply_bool(session, request->msgid, found);
	return true;
}

static bool fail_input(struct session *session)
{
	struct message_error error = error_make(RUCHE_PROTOCOL,
		"ruche.input takes [msgid, bytes or nil], and no more bytes than were granted");

	reply_fault(session, &error);
	session_finish(session);
	return true;
}

/* [msgid, bytes or nil]: for the stdin of a running command */
static bool on_input(struct session *session, const struct request *request)
{
	struct piece value = piece_in_array(request->params, 1);
	const struct task *task;
	uint64_t msgid;

	if (request->wants_answer || request->count != 2 ||
		!request_get_uint(request, 0, UINT32_MAX, &msgid))
		return fail_input(session);
	task = call_find(session, (uint32_t)msgid);
	if (task == NULL)
		return true; /* it ended in the meantime */
	if (task->state != TASK_HANDED || !task->exclusive ||
		!worker_feed(worker_of(session->sup, task), task, value.data, value.len, INPUT_MAX))
		return fail_input(session);
	return true;
}

/* [{"task": token}] */
static bool on_hello(struct session *session, const struct request *request)
{
	struct piece token = piece_in_map(piece_in_array(request->params, 0), "task");
	uint32_t len;
	size_t head;

	if (scan_str(token.data, token.len, &len, &head) == 0)
		nested_join(session, (const char *)token.data + head, len);
	if (request->wants_answer)
		reply_bool(session, request->msgid, session->parent != NULL);
	return true;
}

const struct method call_methods[] = {
	{"ruche.call", on_call},
	{"ruche.submit", on_submit},
	{run_name, request_call_function},
	{map_name, request_call_function},
	{"ruche.cancel", on_cancel},
	{RUCHE_INPUT, on_input},
	{"ruche.hello", on_hello},
	{NULL, NULL},
};
