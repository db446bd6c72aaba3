/* SPDX-License-Identifier: MIT */
#include "supervisor/request.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/reply.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "wire/scan.h"

bool request_fail(struct session *session, const struct request *request, enum ruche_code code,
	const char *message)
{
	struct message_error error = error_make(code, message);

	if (request->wants_answer)
		reply_error(session, request->msgid, &error);
	return true;
}

/* ---- parameters ----------------------------------------------------------------------- */

bool request_get_uint(const struct request *request, uint32_t index, uint64_t max, uint64_t *ret)
{
	struct piece piece = piece_in_array(request->params, index);
	uint64_t value;
	size_t len;

	if (scan_uint(piece.data, piece.len, &value, &len) < 0 || value > max)
		return false;
	*ret = value;
	return true;
}

bool request_get_str(
	const struct request *request, uint32_t index, const char **ret, size_t *ret_len)
{
	struct piece piece = piece_in_array(request->params, index);
	uint32_t len;
	size_t head;

	if (scan_str(piece.data, piece.len, &len, &head) < 0)
		return false;
	*ret = (const char *)piece.data + head;
	*ret_len = len;
	return true;
}

/* ---- methods -------------------------------------------------------------------------- */

static const struct method *find(const struct method *table, const struct request *request)
{
	for (; table->name != NULL; table++)
		if (strlen(table->name) == request->name_len &&
			memcmp(table->name, request->name, request->name_len) == 0)
			return table;
	return NULL;
}

static bool handle_method(struct session *session, struct request *request)
{
	static const struct method *const tables[] = {queue_methods, object_methods, call_methods,
		task_methods, daemon_methods, pool_methods};
	char message[400];
	size_t head;

	scan_array(request->params.data, request->params.len, &request->count, &head);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct method *method = find(tables[i], request);

		if (method != NULL)
			return method->handle(session, request);
	}
	text_format(message, sizeof(message), "the daemon has no method '%.*s'",
		(int)request->name_len, request->name);
	return request_fail(session, request, RUCHE_UNKNOWN_FUNCTION, message);
}

bool request_handle(struct session *session, const struct scan *scan, const uint8_t *frame)
{
	struct request request = {.wants_answer = scan->type == SCAN_REQUEST,
		.msgid = scan->msgid,
		.name = (const char *)frame + scan->method.off,
		.name_len = scan->method.len,
		.params = {frame + scan->params.off, scan->params.len}};

	if (scan->type == SCAN_RESPONSE) {
		struct message_error error = error_make(
			RUCHE_PROTOCOL, "the daemon asked nothing: a response is out of place");

		reply_fault(session, &error);
		session_finish(session);
		return true;
	}
	if (!rights_has_any(session) && !request_is_free(session, &request))
		return true;
	if (request.name_len > 6 && memcmp(request.name, "ruche.", 6) == 0)
		return handle_method(session, &request);
	return request_call_function(session, &request);
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
