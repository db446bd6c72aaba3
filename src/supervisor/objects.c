/* SPDX-License-Identifier: MIT */
#include "supervisor/objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/nested.h"
#include "supervisor/reply.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"

enum { WHY_MAX = 2048 };

static const char *const kind_names[OBJECT_KINDS] = {
	[OBJECT_QUEUE] = "queue",
	[OBJECT_LOCK] = "lock",
	[OBJECT_RLOCK] = "rlock",
	[OBJECT_SEMAPHORE] = "semaphore",
	[OBJECT_EVENT] = "event",
	[OBJECT_CONDITION] = "condition",
	[OBJECT_BARRIER] = "barrier",
	[OBJECT_PIPE] = "pipe",
	[OBJECT_VALUE] = "value",
};

const char *object_kind_name(enum object_kind kind)
{
	return kind_names[kind];
}

enum object_kind object_kind_from_name(const char *name, size_t len)
{
	int kind = 0;

	while (kind < OBJECT_KINDS &&
		(strlen(kind_names[kind]) != len || memcmp(kind_names[kind], name, len) != 0))
		kind++;
	return (enum object_kind)kind;
}

/* ---- holders ------------------------------------------------------------------------------- */

struct holder *objects_holder(struct session *session)
{
	if (session->holder != NULL)
		return session->holder;
	session->holder = malloc(sizeof(*session->holder));
	if (session->holder != NULL)
		holder_init(session->holder, session);
	return session->holder;
}

void objects_end(struct session *session)
{
	if (session->holder == NULL)
		return;
	holder_end(session->holder);
	free(session->holder);
	session->holder = NULL;
}

void objects_stop(struct session *session)
{
	if (session->holder != NULL)
		holder_cancel_all(session->holder);
}

void objects_release(struct session *session)
{
	if (session->holder != NULL)
		holder_release(session->holder);
}

bool objects_cancel(struct session *session, uint32_t msgid)
{
	return session->holder != NULL && holder_cancel(session->holder, msgid);
}

static void on_wait(const struct holder *holder, bool waits)
{
	struct session *session = holder->owner;
	size_t change = waits ? 1 : SIZE_MAX; /* it wraps to one less */

	session->wait_count += change;
	session->wait_links += change;
	nested_note(session);
	if (!waits)
		session_wake(session);
}

/* ---- failures ------------------------------------------------------------------------------- */

/* "the queue 'jobs' ..." */
static const char *complaint(const struct want *want, enum ruche_code code)
{
	static const char *const busy[WANT_KINDS] = {
		[WANT_ACQUIRE] = "is held by others",
		[WANT_NOTIFY] = "has no memory for one more who waits",
		[WANT_GET] = "is empty",
		[WANT_PUT] = "is full",
		[WANT_JOIN] = "has items that are not finished",
		[WANT_SET] = "is not set",
		[WANT_PASS] = "has not been reached by all",
	};
	static const char *const late[WANT_KINDS] = {
		[WANT_ACQUIRE] = "was held by others all the time",
		[WANT_NOTIFY] =
			"was not notified in the time that was given; its lock is held again",
		[WANT_GET] = "has stayed empty for the time that was given",
		[WANT_PUT] = "has stayed full for the time that was given",
		[WANT_JOIN] = "had items that were not finished all the time",
		[WANT_SET] = "was not set in the time that was given",
		[WANT_PASS] = "was not reached by all in the time that was given, and is broken",
	};

	switch (code) {
	case RUCHE_BUSY:
		return busy[want->kind];
	case RUCHE_TIMEOUT:
		return late[want->is_late ? WANT_NOTIFY : want->kind];
	case RUCHE_CLOSED:
		return want->kind == WANT_GET ? "is ended, and nothing is left in it"
					      : "is ended and takes no more";
	case RUCHE_BROKEN:
		return "is broken: a member has left it or could not wait any longer";
	case RUCHE_REMOVED:
		return "has been removed";
	case RUCHE_CANCELLED:
		return "is not waited for any more";
	case RUCHE_SHUTTING_DOWN:
		return "ends with the daemon";
	case RUCHE_NOT_HELD:
		return "is not held by this connection: acquire it first";
	default:
		return "serves no such request";
	}
}

static void fail(
	struct session *session, const struct want *want, const struct object_answer *answer)
{
	const struct object *object = want->use->object;
	struct message_error error;
	char why[WHY_MAX];

	if (answer->code == RUCHE_DEADLOCK)
		object_describe_circle(answer->seen, why, sizeof(why));
	else
		text_format(why, sizeof(why), "the %s '%s' %s", object_kind_name(object->kind),
			object->name, complaint(want, answer->code));
	error = error_make(answer->code, why);
	reply_error(session, want->msgid, &error);
}

/* ---- answers -------------------------------------------------------------------------------- */

static int pack_item(struct supervisor *sup, msgpack_packer *pk, const struct item *item, bool ack)
{
	int r = 0;

	if (ack) {
		r = msgpack_pack_array(pk, 2);
		if (r == 0)
			r = msgpack_pack_uint64(pk, item->token);
	}
	if (r == 0)
		r = msgpack_sbuffer_write(&sup->scratch, (const char *)item->data, item->len);
	return r;
}

static void tell_items(
	struct session *session, const struct want *want, const struct object_answer *answer)
{
	msgpack_packer pk = reply_begin(session, want->msgid);
	const struct item *item = answer->first;
	int r = want->single ? 0 : msgpack_pack_array(&pk, answer->count);

	for (uint64_t i = 0; r == 0 && i < answer->count; i++, item = TAILQ_NEXT(item, link))
		r = pack_item(session->sup, &pk, item, want->ack);
	if (r == 0)
		reply_send(session);
	supervisor_note_size(session->sup, session->sup->scratch.size);
}

static void tell_acquired(
	struct session *session, const struct want *want, const struct object_answer *answer)
{
	reply_str(session, want->msgid,
		answer->abandoned    ? "abandoned"
		: want->was_notified ? "notified"
				     : "acquired");
}

static void tell_number(
	struct session *session, const struct want *want, const struct object_answer *answer)
{
	if (want->kind == WANT_PUT && want->single)
		reply_nil(session, want->msgid);
	else
		reply_uint(session, want->msgid, answer->number);
}

static void tell_nil(
	struct session *session, const struct want *want, const struct object_answer *answer)
{
	(void)answer;
	reply_nil(session, want->msgid);
}

static void on_answer(const struct want *want, const struct object_answer *answer)
{
	static void (*const tell[WANT_KINDS])(struct session * session, const struct want *want,
		const struct object_answer *answer) = {
		[WANT_ACQUIRE] = tell_acquired,
		[WANT_NOTIFY] = tell_acquired,
		[WANT_GET] = tell_items,
		[WANT_PUT] = tell_number,
		[WANT_JOIN] = tell_nil,
		[WANT_SET] = tell_nil,
		[WANT_PASS] = tell_number,
	};
	struct session *session = want->use->holder->owner;

	if (!want->wants_answer)
		return;
	(answer->code == RUCHE_OK ? tell[want->kind] : fail)(session, want, answer);
}

/* ---- the daemon's own ------------------------------------------------------------------------ */

void objects_set_limits(struct supervisor *sup)
{
	sup->objects.user_objects = sup->config.limits.user_objects;
	sup->objects.user_bytes = sup->config.limits.user_object_bytes;
}

void objects_shut_down(struct supervisor *sup)
{
	objects_fail_all(&sup->objects, RUCHE_SHUTTING_DOWN);
}

void objects_set_up(struct supervisor *sup)
{
	objects_init(&sup->objects, &sup->users, &sup->alarms);
	sup->objects.alarm_kind = TIMER_WANT;
	sup->objects.answer = on_answer;
	sup->objects.on_wait = on_wait;
	sup->objects.on_free = object_close_fds;
}
