/* SPDX-License-Identifier: MIT */
/* request.h, objects: closed, removed, told of, and asked for what may have to be waited for. */
#include "supervisor/request_object.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/nested.h"
#include "supervisor/reply.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/wait.h"

enum { WHY_MAX = 600 };

static bool fail_with(struct session *session, const struct request *request, enum ruche_code code,
	const char *before, const struct option_text *name, const char *after)
{
	char why[WHY_MAX];

	text_format(why, sizeof(why), "%s'%.*s'%s", before, (int)name->len, name->text, after);
	return request_fail(session, request, code, why);
}

/* ---- names --------------------------------------------------------------------------------- */

bool request_get_name(
	struct session *session, const struct request *request, struct option_text *ret)
{
	if (request_get_str(request, 0, &ret->text, &ret->len) && ret->len > 0 &&
		ret->len <= OBJECT_NAME_MAX && memchr(ret->text, '\0', ret->len) == NULL)
		return true;
	request_fail(session, request, RUCHE_BAD_ARGUMENTS,
		"the first argument is an object's name: 1 to 255 bytes, and no NUL");
	return false;
}

bool request_is_too_late(struct session *session, const struct request *request)
{
	return session->sup->state == SUPERVISOR_ENDING &&
	       request_fail(session, request, RUCHE_SHUTTING_DOWN, "the daemon is ending");
}

/* `whoever`: also what a task of another user has left open there.  NULL, and it was answered. */
static struct use *find_use(struct session *session, const struct request *request, bool whoever)
{
	struct option_text name;
	struct use *use = NULL;

	if (request_is_too_late(session, request) || !request_get_name(session, request, &name))
		return NULL;
	if (session->holder != NULL)
		use = object_find_use(&session->sup->objects, session->holder, name.text, name.len);
	if (use != NULL && (whoever || use->object->user->uid == session->speaks_for->uid))
		return use;
	fail_with(session, request, RUCHE_UNKNOWN_OBJECT, "", &name,
		" is not open on this connection: ruche.open comes first");
	return NULL;
}

struct use *request_find_use(
	struct session *session, const struct request *request, enum want_kind serves)
{
	struct use *use = find_use(session, request, false);
	struct option_text name;

	if (use == NULL)
		return NULL;
	name = (struct option_text){use->object->name, use->object->name_len};
	if (use->object->removed)
		fail_with(session, request, RUCHE_REMOVED, "", &name, " has been removed");
	else if (serves != WANT_KINDS && !object_serves(use->object, serves))
		fail_with(session, request, RUCHE_BAD_ARGUMENTS, "that cannot be done with ", &name,
			", which is of another kind");
	else
		return use;
	return NULL;
}

/* ---- waiting ------------------------------------------------------------------------------- */

struct wait_options {
	double timeout; /* s; negative: none */
	bool ack;
};

#define TIMEOUT_KEY                                                                                \
	{                                                                                          \
		"timeout", offsetof(struct wait_options, timeout), option_get_limit,               \
			"seconds, at least 0, or nil"                                              \
	}

static const struct option_key get_keys[] = {
	TIMEOUT_KEY,
	{"ack", offsetof(struct wait_options, ack), option_get_truth, "true or false"},
	{NULL, 0, NULL, NULL},
};
static const struct option_key wait_keys[] = {
	TIMEOUT_KEY,
	{NULL, 0, NULL, NULL},
};

/* What is wrong, or NULL. */
static const char *read_options(const struct request *request, uint32_t at,
	const struct option_key *keys, struct wait_options *ret, char why[OPTION_ERROR_MAX])
{
	struct piece options = piece_in_array(request->params, at);

	*ret = (struct wait_options){.timeout = -1};
	if (request->count > at + 1)
		return "there are too many arguments";
	return option_map_read(keys, ret, options.data, options.len, why) < 0 ? why : NULL;
}

static bool refuse(struct session *session, const struct request *request, struct want *want,
	enum ruche_code code, const char *why)
{
	items_free(want->use->object, &want->items);
	return request_fail(session, request, code, why);
}

bool request_ask(struct session *session, const struct request *request, uint32_t options_at,
	struct want *want)
{
	const struct option_key *keys = want->kind == WANT_GET ? get_keys : wait_keys;
	char why[OPTION_ERROR_MAX];
	struct wait_options options;
	const char *wrong = read_options(request, options_at, keys, &options, why);

	if (wrong != NULL)
		return refuse(session, request, want, RUCHE_BAD_ARGUMENTS, wrong);
	if (session->wait_links >= WAIT_LINKS_MAX)
		return refuse(session, request, want, RUCHE_BUSY,
			"too many requests of this connection wait already");
	want->wants_answer = request->wants_answer;
	want->msgid = request->msgid;
	want->since = clock_now();
	want->at_once = options.timeout == 0 || nested_is_too_deep(session);
	want->ack = options.ack;
	object_ask(want, options.timeout >= 0
				 ? want->since + (uint64_t)(options.timeout * (double)CLOCK_S)
				 : UINT64_MAX);
	return true;
}

static bool ask(struct session *session, const struct request *request, enum want_kind kind)
{
	struct want want = {.use = request_find_use(session, request, kind), .kind = kind};

	TAILQ_INIT(&want.items);
	return want.use == NULL || request_ask(session, request, 1, &want);
}

static bool on_acquire(struct session *session, const struct request *request)
{
	return ask(session, request, WANT_ACQUIRE);
}

static bool on_event_wait(struct session *session, const struct request *request)
{
	return ask(session, request, WANT_SET);
}

static bool on_condition_wait(struct session *session, const struct request *request)
{
	return ask(session, request, WANT_NOTIFY);
}

static bool on_barrier_wait(struct session *session, const struct request *request)
{
	return ask(session, request, WANT_PASS);
}

/* ---- what is done at once --------------------------------------------------------------------- */

bool request_done(struct session *session, const struct request *request)
{
	if (request->wants_answer)
		reply_nil(session, request->msgid);
	return true;
}

bool request_tell(struct session *session, const struct request *request, uint64_t number)
{
	if (request->wants_answer)
		reply_uint(session, request->msgid, number);
	return true;
}

static bool on_release(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_ACQUIRE);

	if (use == NULL)
		return true;
	if (object_release(use) != RUCHE_OK)
		return request_fail(session, request, RUCHE_NOT_HELD,
			"this connection does not hold it: nothing was released");
	return request_done(session, request);
}

static bool set(struct session *session, const struct request *request, bool to)
{
	struct use *use = request_find_use(session, request, WANT_SET);

	if (use == NULL)
		return true;
	object_set(use->object, to);
	return request_done(session, request);
}

static bool on_set(struct session *session, const struct request *request)
{
	return set(session, request, true);
}

static bool on_clear(struct session *session, const struct request *request)
{
	return set(session, request, false);
}

/* Parameter 1: a number, 1 if there is none, or nil for all.  False: it is none of these. */
static bool get_notified(const struct request *request, uint64_t *ret)
{
	struct piece count = piece_in_array(request->params, 1);

	*ret = count.len == 0 ? 1 : UINT64_MAX;
	return count.len == 0 || count.data[0] == 0xc0 ||
	       request_get_uint(request, 1, UINT64_MAX, ret);
}

static bool on_notify(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_NOTIFY);
	uint64_t most, told;

	if (use == NULL)
		return true;
	if (!get_notified(request, &most))
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"how many to notify is a number, or nil for all");
	if (object_notify(use, most, &told) != RUCHE_OK)
		return request_fail(session, request, RUCHE_NOT_HELD,
			"the condition's lock is not held by this connection: acquire it first");
	return request_tell(session, request, told);
}

static bool on_abort(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_PASS);

	if (use == NULL)
		return true;
	object_break(use->object);
	return request_done(session, request);
}

static bool on_reset(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_PASS);

	if (use == NULL)
		return true;
	object_mend(use->object);
	return request_done(session, request);
}

/* A function's last act may be read when its task has ended, and the connection speaks for nobody or for somebody else. */
static bool on_close(struct session *session, const struct request *request)
{
	struct use *use = find_use(session, request, true);

	if (use == NULL)
		return true;
	object_close(use);
	return request_done(session, request);
}

/* ---- any, by its name --------------------------------------------------------------------------- */

static bool is_to_be_seen(const struct session *session, const struct object *object)
{
	return !object->removed && rights_may_see(session, object->user);
}

static bool is_named(const struct object *object, uid_t uid, const struct option_text *name)
{
	return object->user->uid == uid && object->name_len == name->len &&
	       memcmp(object->name, name->text, name->len) == 0;
}

/* [name, uid]: its user, if that is somebody else.  NULL, and it was answered: there is none, or that is no user. */
static struct object *find(struct session *session, const struct request *request)
{
	uint64_t uid = session->speaks_for->uid;
	struct option_text name;
	struct object *object;

	if (!request_get_name(session, request, &name))
		return NULL;
	if (request->count > 1 && !request_get_uint(request, 1, UINT32_MAX, &uid)) {
		request_fail(session, request, RUCHE_BAD_ARGUMENTS, "takes [name, uid]");
		return NULL;
	}
	TAILQ_FOREACH (object, &session->sup->objects.list, link)
		if (is_to_be_seen(session, object) && is_named(object, (uid_t)uid, &name))
			return object;
	fail_with(session, request, RUCHE_UNKNOWN_OBJECT, "there is no object ", &name, "");
	return NULL;
}

static bool on_remove(struct session *session, const struct request *request)
{
	struct object *object = find(session, request);

	if (object == NULL)
		return true;
	object_remove(object);
	return request_done(session, request);
}

static bool on_object(struct session *session, const struct request *request)
{
	struct object *object = find(session, request);
	msgpack_packer pk;

	if (object == NULL || !request->wants_answer)
		return true;
	pk = reply_begin(session, request->msgid);
	if (object_report(&pk, object) == 0)
		reply_send(session);
	return true;
}

static size_t count_seen(const struct session *session)
{
	const struct object *object;
	size_t count = 0;

	TAILQ_FOREACH (object, &session->sup->objects.list, link)
		count += is_to_be_seen(session, object);
	return count;
}

static bool on_objects(struct session *session, const struct request *request)
{
	struct object *object;
	msgpack_packer pk;
	int r;

	if (!request->wants_answer)
		return true;
	pk = reply_begin(session, request->msgid);
	r = msgpack_pack_array(&pk, count_seen(session));
	TAILQ_FOREACH (object, &session->sup->objects.list, link)
		if (is_to_be_seen(session, object))
			r |= object_report(&pk, object);
	if (r == 0)
		reply_send(session);
	return true;
}

const struct method object_methods[] = {
	{"ruche.open", request_open},
	{"ruche.close", on_close},
	{"ruche.remove", on_remove},
	{"ruche.object", on_object},
	{"ruche.objects", on_objects},
	{"ruche.lock.acquire", on_acquire},
	{"ruche.lock.release", on_release},
	{"ruche.event.set", on_set},
	{"ruche.event.clear", on_clear},
	{"ruche.event.wait", on_event_wait},
	{"ruche.condition.wait", on_condition_wait},
	{"ruche.condition.notify", on_notify},
	{"ruche.barrier.wait", on_barrier_wait},
	{"ruche.barrier.abort", on_abort},
	{"ruche.barrier.reset", on_reset},
	{"ruche.pipe.hand", request_hand_end},
	{NULL, NULL},
};
