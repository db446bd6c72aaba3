/* SPDX-License-Identifier: MIT */
/* objects.h: what there is to tell of an object. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/handle.h"
#include "supervisor/objects.h"
#include "supervisor/session.h"
#include "supervisor/worker.h"
#include "supervisor/writer.h"
#include "wire/value.h"

enum { LISTED_MAX = 64, CIRCLE_MAX = 8, HELD_MAX = 8 };

/* ---- who ------------------------------------------------------------------------------------- */

/* The task whose connection it is; NULL: it is none's. */
static const struct task *task_of(const struct holder *holder)
{
	const struct session *session = holder->owner;

	return session->parent != NULL ? worker_head(session->parent) : NULL;
}

static void put_who(struct writer *w, const struct holder *holder)
{
	const struct session *session = holder->owner;
	const struct task *task = task_of(holder);
	const struct handle *handle = task != NULL ? task->handle : NULL;

	put_int(w, "pid", session->pid);
	put_uint_if(w, "task", handle != NULL ? handle->id : 0, handle != NULL);
	if (task != NULL)
		put_text(w, "function", task->frame + task->name_off, task->name_len);
	else
		put_nil(w, "function");
}

static uint64_t held(const struct use *use)
{
	return use->object->kind == OBJECT_QUEUE ? use->unacked_count : use->held;
}

static size_t count_holders(const struct object *object)
{
	const struct use *use;
	size_t count = 0;

	TAILQ_FOREACH (use, &object->uses, of_object)
		count += held(use) > 0;
	return count < LISTED_MAX ? count : LISTED_MAX;
}

static void put_holders(struct writer *w, const struct object *object)
{
	size_t left = count_holders(object);
	const struct use *use = NULL;

	put_key(w, "holders");
	w->bad |= msgpack_pack_array(w->pk, left);
	TAILQ_FOREACH (use, &object->uses, of_object) {
		if (held(use) == 0 || left == 0)
			continue;
		left--;
		w->bad |= msgpack_pack_map(w->pk, 4);
		put_who(w, use->holder);
		put_uint(w, "count", held(use));
	}
}

static void put_waiter(struct writer *w, const struct want *want, uint64_t now)
{
	static const char *const names[WANT_KINDS] = {
		[WANT_ACQUIRE] = "acquire",
		[WANT_NOTIFY] = "notify",
		[WANT_GET] = "get",
		[WANT_PUT] = "put",
		[WANT_JOIN] = "join",
		[WANT_SET] = "set",
		[WANT_PASS] = "pass",
	};

	w->bad |= msgpack_pack_map(w->pk, 5);
	put_who(w, want->use->holder);
	put_str(w, "for", names[want->kind]);
	put_seconds(w, "seconds", now > want->since ? now - want->since : 0);
}

static uint32_t count_waiting(const struct object *object)
{
	uint32_t count = 0;

	for (int lane = 0; lane < WANT_KINDS; lane++)
		count += object->waiting[lane];
	return count;
}

static void put_waiters(struct writer *w, const struct object *object)
{
	uint32_t count = count_waiting(object), left = count < LISTED_MAX ? count : LISTED_MAX;
	uint64_t now = clock_now();

	put_key(w, "waiters");
	w->bad |= msgpack_pack_array(w->pk, left);
	for (int lane = 0; lane < WANT_KINDS; lane++) {
		const struct want *want = TAILQ_FIRST(&object->lanes[lane]);

		for (; want != NULL && left > 0; left--, want = TAILQ_NEXT(want, in_lane))
			put_waiter(w, want, now);
	}
}

/* ---- what its kind has ------------------------------------------------------------------------- */

static void put_queue(struct writer *w, const struct object *object)
{
	put_uint(w, "size", object->queue.count);
	put_uint(w, "maxsize", object->size);
	put_uint(w, "unfinished", object->queue.unfinished);
	put_bool(w, "ended", object->queue.ended);
}

static void put_lock(struct writer *w, const struct object *object)
{
	put_bool(w, "abandoned", object->lock.abandoned);
}

static void put_semaphore(struct writer *w, const struct object *object)
{
	put_uint(w, "value", object->size - object->lock.held);
	put_uint(w, "units", object->size);
	put_bool(w, "abandoned", object->lock.abandoned);
}

static void put_event(struct writer *w, const struct object *object)
{
	put_bool(w, "set", object->set);
}

static void put_barrier(struct writer *w, const struct object *object)
{
	put_uint(w, "parties", object->size);
	put_uint(w, "arrived", object->waiting[WANT_PASS]);
	put_bool(w, "broken", object->broken);
}

static void put_pipe(struct writer *w, const struct object *object)
{
	put_bool(w, "duplex", object->duplex);
	put_key(w, "taken");
	w->bad |= msgpack_pack_array(w->pk, 2);
	for (int i = 0; i < 2; i++)
		w->bad |= object->fds[i] < 0 ? msgpack_pack_true(w->pk) : msgpack_pack_false(w->pk);
}

static void put_value(struct writer *w, const struct object *object)
{
	put_str(w, "type", value_type_name(object->type));
	put_uint(w, "count", object->size);
}

static const struct {
	size_t pairs;
	void (*put)(struct writer *w, const struct object *object);
} details[OBJECT_KINDS] = {
	[OBJECT_QUEUE] = {4, put_queue},
	[OBJECT_LOCK] = {1, put_lock},
	[OBJECT_RLOCK] = {1, put_lock},
	[OBJECT_SEMAPHORE] = {3, put_semaphore},
	[OBJECT_EVENT] = {1, put_event},
	[OBJECT_CONDITION] = {1, put_lock},
	[OBJECT_BARRIER] = {3, put_barrier},
	[OBJECT_PIPE] = {2, put_pipe},
	[OBJECT_VALUE] = {2, put_value},
};

int object_report(msgpack_packer *pk, const struct object *object)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_map(pk, 9 + details[object->kind].pairs);
	put_text(&w, "name", object->name, object->name_len);
	put_str(&w, "kind", object_kind_name(object->kind));
	put_uint(&w, "uid", object->user->uid);
	put_bool(&w, "persistent", object->persistent);
	put_uint(&w, "users", object->use_count);
	put_uint(&w, "waiting", count_waiting(object));
	put_uint(&w, "bytes", object->bytes);
	put_holders(&w, object);
	put_waiters(&w, object);
	details[object->kind].put(&w, object);
	return w.bad;
}

/* ---- circles -------------------------------------------------------------------------------------- */

struct words {
	char *text;
	size_t size, len;
};

static void add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *format, ...)
{
	size_t left = words->size - words->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words->text + words->len, left, format, args);
	va_end(args);
	if (n > 0)
		words->len += (size_t)n < left ? (size_t)n : left - 1;
}

static void add_who(struct words *words, const struct holder *holder)
{
	const struct session *session = holder->owner;
	const struct task *task = task_of(holder);

	add(words, "pid %d", (int)session->pid);
	if (task != NULL)
		add(words, " (at %.*s)", (int)task->name_len,
			(const char *)task->frame + task->name_off);
}

static void add_held(struct words *words, const struct holder *holder)
{
	const char *before = " holds ";
	const struct use *use = NULL;
	int left = HELD_MAX;

	TAILQ_FOREACH (use, &holder->uses, of_holder) {
		if (!object_serves(use->object, WANT_ACQUIRE) || use->held == 0 || left-- <= 0)
			continue;
		add(words, "%s'%s'", before, use->object->name);
		before = ", ";
	}
}

void object_describe_circle(const struct holder *first, char *ret, size_t size)
{
	struct words words = {.text = ret, .size = size};
	int left = CIRCLE_MAX;

	add(&words, "all would wait for each other for ever: ");
	for (const struct holder *at = first; at != NULL && left-- > 0; at = at->next_seen) {
		const struct want *want = TAILQ_LAST(&at->wants, want_list);

		add_who(&words, at);
		add_held(&words, at);
		add(&words, " and waits for '%s'", want->use->object->name);
		if (at->next_seen != NULL)
			add(&words, left > 0 ? "; " : "; and others");
	}
}
