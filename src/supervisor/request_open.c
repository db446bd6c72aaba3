/* SPDX-License-Identifier: MIT */
/* request.h, objects: how they are opened, and what comes with a descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "core/handle.h"
#include "supervisor/call.h"
#include "supervisor/reply.h"
#include "supervisor/request_object.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/writer.h"
#include "wire/scan.h"
#include "wire/value.h"

enum { WHY_MAX = 600, TERMS_MAX = 80 };

/* ---- options ---------------------------------------------------------------------------------- */

struct open_options {
	bool create, exclusive, persistent;
	int64_t maxsize, value, parties, count, end; /* negative: not given */
	int duplex;                                  /* likewise */
	struct option_text type, data;
};

static bool get_count(const msgpack_object *value, void *to)
{
	return option_get_int(value, 0, INT64_MAX, to);
}

static bool get_units(const msgpack_object *value, void *to)
{
	return option_get_int(value, 1, UINT32_MAX, to);
}

static bool get_some(const msgpack_object *value, void *to)
{
	return option_get_int(value, 1, INT64_MAX, to);
}

static bool get_end(const msgpack_object *value, void *to)
{
	return option_get_int(value, 0, 1, to);
}

static bool get_duplex(const msgpack_object *value, void *to)
{
	bool duplex;

	if (!option_get_truth(value, &duplex))
		return false;
	*(int *)to = duplex;
	return true;
}

static bool get_data(const msgpack_object *value, void *to)
{
	if (value->type != MSGPACK_OBJECT_BIN)
		return false;
	*(struct option_text *)to = (struct option_text){value->via.bin.ptr, value->via.bin.size};
	return true;
}

#define KEY(name) #name, offsetof(struct open_options, name)

static const struct option_key keys[] = {
	{KEY(create), option_get_truth, "true or false"},
	{KEY(exclusive), option_get_truth, "true or false"},
	{KEY(persistent), option_get_truth, "true or false"},
	{KEY(maxsize), get_count, "a number of items, 0 for no bound"},
	{KEY(value), get_units, "a number of units, 1 to 4294967295"},
	{KEY(parties), get_some, "a number, at least 1"},
	{KEY(count), get_some, "a number of elements, at least 1"},
	{KEY(end), get_end, "0 or 1"},
	{KEY(duplex), get_duplex, "true or false"},
	{KEY(type), option_get_text, "the name of a type"},
	{KEY(data), get_data, "bytes"},
	{NULL, 0, NULL, NULL},
};

/* An option that was given and is for one other kind alone; NULL: none. */
static const char *find_foreign(const struct open_options *o, enum object_kind kind)
{
	const struct {
		const char *name;
		enum object_kind kind;
		bool given;
	} own[] = {
		{"maxsize", OBJECT_QUEUE, o->maxsize >= 0},
		{"value", OBJECT_SEMAPHORE, o->value >= 0},
		{"parties", OBJECT_BARRIER, o->parties >= 0},
		{"count", OBJECT_VALUE, o->count >= 0},
		{"type", OBJECT_VALUE, o->type.text != NULL},
		{"data", OBJECT_VALUE, o->data.text != NULL},
		{"end", OBJECT_PIPE, o->end >= 0},
		{"duplex", OBJECT_PIPE, o->duplex >= 0},
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].given && own[i].kind != kind)
			return own[i].name;
	return NULL;
}

static uint64_t size_of(const struct open_options *o, enum object_kind kind)
{
	int64_t size = kind == OBJECT_QUEUE       ? o->maxsize
		       : kind == OBJECT_SEMAPHORE ? o->value
		       : kind == OBJECT_BARRIER   ? o->parties
						  : o->count;

	return size < 0 ? UINT64_MAX : (uint64_t)size;
}

static void set_terms(struct object_terms *terms, const struct open_options *o)
{
	terms->create = o->create;
	terms->exclusive = o->exclusive;
	terms->persistent = o->persistent;
	terms->duplex = o->duplex;
	terms->size = size_of(o, terms->kind);
	if (o->type.text != NULL)
		terms->type = value_type_from_name(o->type.text, o->type.len);
}

struct opening {
	struct open_options options;
	struct object_terms terms;
};

/* These say what is wrong, or NULL. */

static const char *check(const struct opening *o, char why[WHY_MAX])
{
	const char *foreign = find_foreign(&o->options, o->terms.kind);

	if (foreign != NULL) {
		text_format(why, WHY_MAX, "the option '%s' is not for a %s", foreign,
			object_kind_name(o->terms.kind));
		return why;
	}
	if (o->options.type.text != NULL && o->terms.type == 0)
		return "there is no such type; there are int8, uint8 ... int64, uint64, float and "
		       "double";
	if (o->terms.kind == OBJECT_PIPE && o->terms.persistent)
		return "a pipe cannot be persistent";
	return NULL;
}

static const char *read_options(struct opening *o, struct piece options, char why[WHY_MAX])
{
	o->options = (struct open_options){.create = true,
		.maxsize = -1,
		.value = -1,
		.parties = -1,
		.count = -1,
		.end = -1,
		.duplex = -1};
	if (option_map_read(keys, &o->options, options.data, options.len, why) < 0)
		return why;
	set_terms(&o->terms, &o->options);
	return check(o, why);
}

/* [kind, name, options] */
static const char *read_opening(const struct request *request, struct opening *o, char why[WHY_MAX])
{
	const char *kind;
	size_t kind_len;

	if (request->count < 2 || request->count > 3 ||
		!request_get_str(request, 0, &kind, &kind_len) ||
		!request_get_str(request, 1, &o->terms.name, &o->terms.name_len) ||
		o->terms.name_len == 0 || o->terms.name_len > OBJECT_NAME_MAX ||
		memchr(o->terms.name, '\0', o->terms.name_len) != NULL)
		return "takes [kind, name of 1 to 255 bytes, options]";
	o->terms.kind = object_kind_from_name(kind, kind_len);
	if (o->terms.kind == OBJECT_KINDS)
		return "there is no such kind; there are queue, lock, rlock, semaphore, event, "
		       "condition, barrier, pipe and value";
	return read_options(o, piece_in_array(request->params, 2), why);
}

/* ---- the answer ---------------------------------------------------------------------------------- */

static bool has_fd(const struct object *object, const struct open_options *options)
{
	return object->kind == OBJECT_VALUE || (object->kind == OBJECT_PIPE && options->end >= 0);
}

/* A descriptor for the client beside what the daemon keeps, or the end of a pipe itself; negative: there is none. */
static int take_fd(struct object *object, const struct open_options *options)
{
	if (object->kind == OBJECT_PIPE)
		return object_take_end(object, (int)options->end);
	return fcntl(object->fds[0], F_DUPFD_CLOEXEC, 0);
}

static void put_end(struct writer *w, const struct object *pipe, const struct open_options *options)
{
	put_int(w, "end", options->end);
	put_bool(w, "duplex", pipe->duplex);
	put_bool(w, "fd", true);
}

static void put_memory(struct writer *w, const struct object *value)
{
	put_str(w, "type", value_type_name(value->type));
	put_uint(w, "count", value->size);
	put_uint(w, "size", value_memory_size(value->type, value->size));
	put_bool(w, "fd", true);
}

static bool tell_opened(struct session *session, const struct request *request,
	const struct object *object, const struct open_options *options, bool created)
{
	bool with_fd = has_fd(object, options), is_pipe = object->kind == OBJECT_PIPE;
	msgpack_packer pk = reply_begin(session, request->msgid);
	struct writer w = {.pk = &pk};

	w.bad |= msgpack_pack_map(&pk, 2 + (with_fd ? is_pipe ? 3 : 4 : 0));
	put_str(&w, "kind", object_kind_name(object->kind));
	put_bool(&w, "created", created);
	if (with_fd && is_pipe)
		put_end(&w, object, options);
	else if (with_fd)
		put_memory(&w, object);
	if (w.bad == 0)
		reply_send(session);
	return true;
}

/* It is as it was before; what was to be persistent is not there either. */
static void undo(struct use *use, bool created)
{
	if (created)
		object_remove(use->object);
	object_close(use);
}

static bool answer(struct session *session, const struct request *request, struct use *use,
	const struct open_options *options, bool created)
{
	struct object *object = use->object;
	bool with_fd = has_fd(object, options), is_pipe = object->kind == OBJECT_PIPE;
	int fd = with_fd && request->wants_answer ? take_fd(object, options) : -1;

	if (with_fd && fd < 0) {
		undo(use, created);
		return request_fail(session, request, RUCHE_BUSY,
			is_pipe ? "somebody has taken this end of the pipe already"
				: "the daemon has no descriptor left for it");
	}
	if (fd >= 0 && session_send_fd(session, fd) < 0) {
		undo(use, created);
		return request_fail(
			session, request, RUCHE_BUSY, "the daemon has no memory for it");
	}
	return !request->wants_answer || tell_opened(session, request, object, options, created);
}

/* ---- opening -------------------------------------------------------------------------------------- */

static bool fail_open(struct session *session, const struct request *request,
	const struct object_terms *terms, enum ruche_code code)
{
	int len = (int)terms->name_len;
	char why[WHY_MAX];

	if (code == RUCHE_UNKNOWN_OBJECT)
		text_format(why, sizeof(why), "there is no object '%.*s'", len, terms->name);
	else if (code == RUCHE_EXISTS)
		text_format(
			why, sizeof(why), "there is an object '%.*s' already", len, terms->name);
	else
		text_format(why, sizeof(why),
			"the user has as many objects as they may: [limits] user_objects; or the "
			"daemon has no memory");
	return request_fail(session, request, code, why);
}

/* What was settled when it was made, in the words of the options. */
static void describe_terms(const struct object *object, char ret[TERMS_MAX])
{
	unsigned long long size = object->size;

	if (object->kind == OBJECT_QUEUE)
		text_format(ret, TERMS_MAX, "maxsize %llu", size);
	else if (object->kind == OBJECT_SEMAPHORE)
		text_format(ret, TERMS_MAX, "value %llu", size);
	else if (object->kind == OBJECT_BARRIER)
		text_format(ret, TERMS_MAX, "parties %llu", size);
	else if (object->kind == OBJECT_VALUE)
		text_format(
			ret, TERMS_MAX, "type %s, count %llu", value_type_name(object->type), size);
	else
		text_format(ret, TERMS_MAX, "duplex %s", object->duplex ? "true" : "false");
}

static bool fail_other(struct session *session, const struct request *request,
	const struct object_terms *terms, const struct object *there)
{
	char why[WHY_MAX], as_it_is[TERMS_MAX];
	int len = (int)terms->name_len;

	describe_terms(there, as_it_is);
	if (there->kind != terms->kind)
		text_format(why, sizeof(why),
			"there is an object '%.*s' already, of the kind %s and not %s", len,
			terms->name, object_kind_name(there->kind), object_kind_name(terms->kind));
	else
		text_format(why, sizeof(why),
			"there is a %s '%.*s' already, with other options: %s",
			object_kind_name(there->kind), len, terms->name, as_it_is);
	return request_fail(session, request, RUCHE_BAD_ARGUMENTS, why);
}

static bool fail_make(
	struct session *session, const struct request *request, struct use *use, int error)
{
	char why[WHY_MAX], text[128];

	undo(use, true);
	if (error == -EINVAL)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"it would be larger than any memory, or is shorter than its data");
	if (error == -EDQUOT)
		return request_fail(session, request, RUCHE_BUSY,
			"the user's objects would take more memory than they may: [limits] "
			"user_object_bytes");
	text_format(
		why, sizeof(why), "it cannot be made: %s", strerror_r(-error, text, sizeof(text)));
	return request_fail(session, request, RUCHE_BUSY, why);
}

/* What a new object of this kind has to be told, and was not; or NULL. */
static const char *find_missing(const struct object_terms *terms)
{
	if (terms->kind == OBJECT_BARRIER && terms->size == UINT64_MAX)
		return "a new barrier needs the option 'parties'";
	if (terms->kind == OBJECT_VALUE && terms->type == 0)
		return "a new value needs the option 'type'";
	return NULL;
}

static int make(struct object *object, const struct open_options *options)
{
	if (object->kind == OBJECT_VALUE)
		return object_make_memory(object, options->data.text, options->data.len);
	return object->kind == OBJECT_PIPE ? object_make_pipe(object) : 0;
}

static bool open_for(struct session *session, const struct request *request,
	const struct opening *o, struct user *user)
{
	struct objects *objects = &session->sup->objects;
	struct holder *holder = objects_holder(session);
	const struct object_terms *terms = &o->terms;
	enum ruche_code code = RUCHE_BUSY;
	struct use *use;
	bool created;
	int r;

	if (terms->create && find_missing(terms) != NULL &&
		object_find(objects, user, terms->name, terms->name_len) == NULL)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS, find_missing(terms));
	if (holder != NULL)
		code = object_open(objects, holder, user, terms, &use, &created);
	if (code == RUCHE_BAD_ARGUMENTS)
		return fail_other(session, request, terms,
			object_find(objects, user, terms->name, terms->name_len));
	if (code != RUCHE_OK)
		return fail_open(session, request, terms, code);
	r = created ? make(use->object, &o->options) : 0;
	if (r < 0)
		return fail_make(session, request, use, r);
	return answer(session, request, use, &o->options, created);
}

bool request_open(struct session *session, const struct request *request)
{
	struct users *users = &session->sup->users;
	struct opening opening = {0};
	char why[WHY_MAX];
	const char *wrong = read_opening(request, &opening, why);
	struct user *user;
	bool done;

	if (request_is_too_late(session, request))
		return true;
	if (wrong != NULL)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS, wrong);
	user = users_get(users, session->speaks_for->uid);
	if (user == NULL)
		return request_fail(
			session, request, RUCHE_BUSY, "the daemon has no memory for it");
	user_ref(user);
	done = open_for(session, request, &opening, user);
	user_unref(users, user);
	return done;
}

/* ---- ends of pipes for tasks ------------------------------------------------------------------------ */

/* {"call": msgid} or {"task": id}; NULL: there is none, or it has ended. */
static const struct task *find_task(struct session *session, struct piece options)
{
	struct piece call = piece_in_map(options, "call"), id = piece_in_map(options, "task");
	const struct handle *handle = NULL;
	uint64_t number;
	size_t len;

	if (call.len > 0 && scan_uint(call.data, call.len, &number, &len) == 0 &&
		number <= UINT32_MAX)
		return call_find(session, (uint32_t)number);
	if (id.len > 0 && scan_uint(id.data, id.len, &number, &len) == 0)
		handle = handles_find(&session->sup->handles, number);
	if (handle == NULL || !rights_may_see(session, handle->user))
		return NULL;
	return handle->task->state != TASK_ENDED ? handle->task : NULL;
}

/* [name, end, whose] */
bool request_hand_end(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_KINDS);
	const struct task *task;
	uint64_t end;

	if (use == NULL)
		return true;
	if (use->object->kind != OBJECT_PIPE || !request_get_uint(request, 1, 1, &end) ||
		request->count != 3)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [name of a pipe, end, {\"call\": msgid} or {\"task\": id}]");
	if (use->object->fds[end] < 0)
		return request_fail(session, request, RUCHE_BUSY,
			"somebody has taken this end of the pipe already");
	task = find_task(session, piece_in_array(request->params, 2));
	if (task == NULL)
		return request_fail(session, request, RUCHE_UNKNOWN_TASK,
			"there is no such call or task, or it has ended");
	object_hand_end(use->object, (int)end, task);
	return request_done(session, request);
}
