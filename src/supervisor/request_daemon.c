/* SPDX-License-Identifier: MIT */
/* request.h, the daemon itself. */
#include "supervisor/reply.h"
#include "supervisor/report.h"
#include "supervisor/request.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"

static bool report(struct session *session, const struct request *request,
	int (*pack)(struct supervisor *sup, msgpack_packer *pk))
{
	msgpack_packer pk;

	if (!request->wants_answer)
		return true;
	pk = reply_begin(session, request->msgid);
	if (pack(session->sup, &pk) == 0)
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
	if (!session_is_master(session))
		return request_fail(session, request, RUCHE_DENIED,
			"only root and the daemon's own user may release a function");
	record = records_find(&session->sup->records, name, len);
	was = record != NULL && record_release(record);
	if (request->wants_answer)
		reply_bool(session, request->msgid, was);
	return true;
}

const struct method daemon_methods[] = {
	{"ruche.ping", on_ping},
	{"ruche.status", on_status},
	{"ruche.workers", on_workers},
	{"ruche.functions", on_functions},
	{"ruche.quarantine", on_quarantine},
	{"ruche.release", on_release},
	{NULL, NULL},
};
