/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "supervisor/request.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/report.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/link.h"
#include "wire/scan.h"

enum { INPUT_MAX = 256 * 1024 }; /* of a command's stdin on its way; four times what it grants */

/* A request or notification, taken apart. */
struct request {
	bool wants_answer;
	uint32_t msgid;
	const char *name;
	size_t name_len;
	const uint8_t *params; /* one array, of `count` elements from `first` */
	size_t params_len;
	const uint8_t *first;
	uint32_t count;
};

static void refuse(struct session *session, const struct request *request, enum ruche_code code,
	const char *message)
{
	struct message_error error = error_make(code, message);

	if (request->wants_answer)
		reply_error(session, request->msgid, &error);
}

/* One packed value among others. */
struct piece {
	const uint8_t *data;
	size_t len;
};

/* Value `index` of those that follow each other from `first`, of which there are more than that. */
static struct piece element(const uint8_t *first, const uint8_t *end, uint32_t index)
{
	struct piece piece = {.data = first};

	for (uint32_t i = 0; i <= index; i++) {
		piece.data += piece.len;
		if (scan_value(piece.data, (size_t)(end - piece.data), &piece.len) < 0)
			piece.len = 0;
	}
	return piece;
}

static struct piece param(const struct request *request, uint32_t index)
{
	return element(request->first, request->params + request->params_len, index);
}

/* ---- calling functions ---------------------------------------------------------------- */

/* "pool/function": the only pool is the default one.  False if it names another. */
static bool strip_pool(const char **name, size_t *len)
{
	static const char pool[] = "default/";
	const char *slash = memchr(*name, '/', *len);

	if (slash == NULL)
		return true;
	if (*len < sizeof(pool) || memcmp(*name, pool, sizeof(pool) - 1) != 0)
		return false;
	*name += sizeof(pool) - 1;
	*len -= sizeof(pool) - 1;
	return true;
}

static bool str_is(struct piece piece, const char *text)
{
	uint32_t len;
	size_t head;

	return scan_str(piece.data, piece.len, &len, &head) == 0 && len == strlen(text) &&
	       memcmp(piece.data + head, text, len) == 0;
}

/* Is a truth set in a map? */
static bool has_true(struct piece map, const char *key)
{
	const uint8_t *end = map.data + map.len, *at;
	uint32_t pairs;
	size_t head;

	if (scan_map(map.data, map.len, &pairs, &head) < 0)
		return false;
	at = map.data + head;
	for (uint32_t i = 0; i < pairs; i++) {
		struct piece name = element(at, end, 0);
		struct piece value = element(at, end, 1);

		if (str_is(name, key))
			return *value.data == 0xc3;
		at = value.data + value.len;
	}
	return false;
}

static bool is_command(const struct call_request *call)
{
	return call->name_len == strlen("ruche.run") &&
	       memcmp(call->name, "ruche.run", call->name_len) == 0;
}

/* [argv, options]: a command that is fed has its worker for itself. */
static bool is_fed(const struct call_request *call)
{
	const uint8_t *params = call->params, *end = params + call->params_len;
	uint32_t count;
	size_t head;

	return scan_array(params, call->params_len, &count, &head) == 0 && count >= 2 &&
	       has_true(element(params + head, end, 1), "stream_input");
}

static bool find_function(
	struct session *session, const struct request *request, struct call_request *call)
{
	char message[400];

	if (strip_pool(&call->name, &call->name_len) &&
		(is_command(call) ||
			functions_has(&session->sup->functions, call->name, call->name_len)))
		return true;
	text_format(message, sizeof(message),
		"there is no function '%.*s'; `ruche functions` lists those there are",
		(int)call->name_len, call->name);
	refuse(session, request, RUCHE_UNKNOWN_FUNCTION, message);
	return false;
}

static void open_call(
	struct session *session, const struct request *request, const struct call_request *call)
{
	switch (call_open(session, call)) {
	case 0:
		break;
	case -EMSGSIZE:
		refuse(session, request, RUCHE_TOO_LARGE,
			"the request is over the limit by the bytes that the daemon adds");
		break;
	case -EBUSY:
		refuse(session, request, RUCHE_BUSY, "too many tasks are waiting");
		break;
	default:
		refuse(session, request, RUCHE_BUSY, "the daemon has no memory for more calls");
	}
}

static void call_function(
	struct session *session, const struct request *request, struct call_request *call)
{
	struct supervisor *sup = session->sup;

	call->wants_answer = request->wants_answer;
	call->msgid = request->msgid;
	if (sup->state != SUPERVISOR_RUNNING)
		refuse(session, request, RUCHE_SHUTTING_DOWN, "the daemon is ending");
	else if (pool_is_dead(&sup->pool))
		refuse(session, request, RUCHE_UNAVAILABLE, report_problem(sup));
	else if (find_function(session, request, call)) {
		call->exclusive = is_command(call) && is_fed(call);
		open_call(session, request, call);
	}
}

static void on_function(struct session *session, const struct request *request)
{
	struct call_request call = {.name = request->name,
		.name_len = request->name_len,
		.params = request->params,
		.params_len = request->params_len};

	call_function(session, request, &call);
}

/* [function, args, options] */
static void on_call(struct session *session, const struct request *request)
{
	struct call_request call = {0};
	struct piece name, args, options = {0};
	uint32_t name_len, count;
	size_t head, args_head;

	if (request->count < 2 || request->count > 3) {
		refuse(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.call takes [function, arguments, options]");
		return;
	}
	name = param(request, 0);
	args = param(request, 1);
	if (scan_str(name.data, name.len, &name_len, &head) < 0 || name_len > SCAN_METHOD_MAX ||
		scan_array(args.data, args.len, &count, &args_head) < 0) {
		refuse(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.call takes a function's name and an array of arguments");
		return;
	}
	if (request->count == 3)
		options = param(request, 2);
	if (options.len > 0 && *options.data != 0x80 && *options.data != 0xc0) {
		refuse(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.call knows no options in this version: an empty map, or none");
		return;
	}
	call.name = (const char *)name.data + head;
	call.name_len = name_len;
	call.params = args.data;
	call.params_len = args.len;
	call_function(session, request, &call);
}

/* ---- calls under way ------------------------------------------------------------------ */

/* A non-negative parameter, at most `max`. */
static bool get_uint(const struct request *request, uint32_t index, uint64_t max, uint64_t *ret)
{
	struct piece piece;
	uint64_t value;
	size_t len;

	if (request->count <= index)
		return false;
	piece = param(request, index);
	if (scan_uint(piece.data, piece.len, &value, &len) < 0 || value > max)
		return false;
	*ret = value;
	return true;
}

static void answer_bool(struct session *session, uint32_t msgid, bool value)
{
	struct supervisor *sup = session->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (message_pack_response(&pk, msgid) == 0 && msgpack_pack_nil(&pk) == 0 &&
		(value ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk)) == 0)
		session_send(session, sup->scratch.data, sup->scratch.size);
}

/* [msgid, signal] */
static void on_cancel(struct session *session, const struct request *request)
{
	uint64_t msgid, signal = 0;
	bool found;

	if (!get_uint(request, 0, UINT32_MAX, &msgid) || request->count > 2 ||
		(request->count == 2 && !get_uint(request, 1, (uint64_t)SIGRTMAX, &signal))) {
		refuse(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.cancel takes [msgid, signal number]");
		return;
	}
	found = call_cancel(session, (uint32_t)msgid, signal == 0 ? SIGTERM : (int)signal);
	if (request->wants_answer)
		answer_bool(session, request->msgid, found);
}

/* [msgid, bytes or nil]: for the stdin of a running command */
static void on_input(struct session *session, const struct request *request)
{
	struct message_error error = error_make(RUCHE_PROTOCOL,
		"ruche.input takes [msgid, bytes or nil], and no more bytes than were granted");
	const struct task *task;
	struct piece value;
	uint64_t msgid;

	if (request->wants_answer || request->count != 2 ||
		!get_uint(request, 0, UINT32_MAX, &msgid)) {
		reply_fault(session, &error);
		session_finish(session);
		return;
	}
	task = call_find(session, (uint32_t)msgid);
	if (task == NULL)
		return; /* it ended in the meantime */
	value = param(request, 1);
	if (task->state != TASK_HANDED || !task->exclusive ||
		!worker_feed(&session->sup->workers[task->slot], task, value.data, value.len,
			INPUT_MAX)) {
		reply_fault(session, &error);
		session_finish(session);
	}
}

/* ---- the daemon's own methods --------------------------------------------------------- */

static void report(struct session *session, const struct request *request,
	int (*pack)(struct supervisor *sup, msgpack_packer *pk))
{
	struct supervisor *sup = session->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (request->wants_answer && message_pack_response(&pk, request->msgid) == 0 &&
		msgpack_pack_nil(&pk) == 0 && pack(sup, &pk) == 0)
		session_send(session, sup->scratch.data, sup->scratch.size);
}

static void on_ping(struct session *session, const struct request *request)
{
	report(session, request, report_ping);
}

static void on_status(struct session *session, const struct request *request)
{
	report(session, request, report_status);
}

static void on_workers(struct session *session, const struct request *request)
{
	report(session, request, report_workers);
}

static void on_functions(struct session *session, const struct request *request)
{
	report(session, request, report_functions);
}

static const struct method {
	const char *name;
	void (*handle)(struct session *session, const struct request *request);
} methods[] = {
	{"ruche.call", on_call},
	{"ruche.run", on_function},
	{"ruche.cancel", on_cancel},
	{RUCHE_INPUT, on_input},
	{"ruche.ping", on_ping},
	{"ruche.status", on_status},
	{"ruche.workers", on_workers},
	{"ruche.functions", on_functions},
};

static void on_method(struct session *session, const struct request *request)
{
	char message[400];

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct method *method = &methods[i];

		if (strlen(method->name) == request->name_len &&
			memcmp(method->name, request->name, request->name_len) == 0) {
			method->handle(session, request);
			return;
		}
	}
	text_format(message, sizeof(message), "the daemon has no method '%.*s'",
		(int)request->name_len, request->name);
	refuse(session, request, RUCHE_UNKNOWN_FUNCTION, message);
}

void request_handle(struct session *session, const struct scan *scan, const uint8_t *frame)
{
	struct request request = {.wants_answer = scan->type == SCAN_REQUEST,
		.msgid = scan->msgid,
		.name = (const char *)frame + scan->method.off,
		.name_len = scan->method.len,
		.params = frame + scan->params.off,
		.params_len = scan->params.len};
	size_t head = 0;

	if (scan->type == SCAN_RESPONSE) {
		struct message_error error = error_make(
			RUCHE_PROTOCOL, "the daemon asked nothing: a response is out of place");

		reply_fault(session, &error);
		session_finish(session);
		return;
	}
	scan_array(request.params, request.params_len, &request.count, &head);
	request.first = request.params + head;
	if (request.name_len > 6 && memcmp(request.name, "ruche.", 6) == 0)
		on_method(session, &request);
	else
		on_function(session, &request);
}

void request_refuse(struct session *session, const struct scan *scan, int error)
{
	bool is_size = error == -EMSGSIZE;
	struct message_error said =
		error_make(is_size ? RUCHE_TOO_LARGE : RUCHE_PROTOCOL, scan->why);

	if (scan->has_msgid && scan->type == SCAN_REQUEST)
		reply_error(session, scan->msgid, &said);
	else
		reply_fault(session, &said);
	session_finish(session);
}
