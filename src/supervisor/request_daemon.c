/* SPDX-License-Identifier: MIT */
/* request.h, the daemon itself. */
#include <errno.h>

#include "supervisor/arena.h"
#include "supervisor/reply.h"
#include "supervisor/report.h"
#include "supervisor/request.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"

static bool report(struct session *session, const struct request *request,
	int (*pack)(const struct session *session, msgpack_packer *pk))
{
	msgpack_packer pk;

	if (!request->wants_answer)
		return true;
	pk = reply_begin(session, request->msgid);
	if (pack(session, &pk) == 0)
		reply_send(session);
	return true;
}

static bool on_ping(struct session *session, const struct request *request)
{
	return report(session, request, report_ping);
}

static bool on_status(struct session *session, const struct request *request)
{
	return report(session, request, report_status);
}

static bool on_workers(struct session *session, const struct request *request)
{
	return report(session, request, report_workers);
}

static bool on_functions(struct session *session, const struct request *request)
{
	return report(session, request, report_functions);
}

static bool on_quarantine(struct session *session, const struct request *request)
{
	return report(session, request, report_quarantine);
}

/* [function] */
static bool on_release(struct session *session, const struct request *request)
{
	struct record *record;
	const char *name;
	size_t len;
	bool was;

	if (!request_get_str(request, 0, &name, &len))
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"ruche.release takes a function's name");
	if (!request_may(session, request, ACCESS_RELEASE, NULL))
		return true;
	record = records_find(&session->sup->records, name, len);
	was = record != NULL && record_release(record);
	if (was)
		notice_send(session->sup, NOTICE_FUNCTION_RELEASED,
			&(struct notice_fields){.record = record, .session = session},
			"%s is released from quarantine", record->name);
	if (request->wants_answer)
		reply_bool(session, request->msgid, was);
	return true;
}

/* []: the first answer, [bytes, bytes of a large lane], comes with the memory's descriptor */
static bool on_arena(struct session *session, const struct request *request)
{
	msgpack_packer pk;
	int r;

	if (!request->wants_answer)
		return true;
	r = arena_open(session);
	if (r == -ENOSPC)
		return request_fail(session, request, RUCHE_UNAVAILABLE,
			"large values travel in messages: [limits] arena, arena_total");
	if (r < 0)
		return request_fail(session, request, RUCHE_BUSY,
			"the daemon has no memory or descriptor for an arena");
	pk = reply_begin(session, request->msgid);
	if (msgpack_pack_array(&pk, 2) == 0 &&
		msgpack_pack_uint64(&pk, session->arena->size) == 0 &&
		msgpack_pack_uint64(&pk, session->arena->large) == 0)
		reply_send(session);
	return true;
}

const struct method daemon_methods[] = {
	{"ruche.ping", on_ping},
	{"ruche.status", on_status},
	{"ruche.workers", on_workers},
	{"ruche.functions", on_functions},
	{"ruche.quarantine", on_quarantine},
	{"ruche.release", on_release},
	{"ruche.arena", on_arena},
	{NULL, NULL},
};
