/* SPDX-License-Identifier: MIT */
#include "core/object.h"

#include <stdlib.h>

/* ---- which kinds serve which wants ------------------------------------------------------- */

#define KIND(kind) (1U << OBJECT_##kind)

static const struct lane {
	unsigned int kinds; /* of objects that have it */
	bool (*try)(struct want *want, struct object_answer *answer);
} lanes[WANT_KINDS] = {
	[WANT_ACQUIRE] = {KIND(LOCK) | KIND(RLOCK) | KIND(SEMAPHORE) | KIND(CONDITION),
		object_try_acquire},
	[WANT_NOTIFY] = {KIND(CONDITION), NULL},
	[WANT_GET] = {KIND(QUEUE), object_try_get},
	[WANT_PUT] = {KIND(QUEUE), object_try_put},
	[WANT_JOIN] = {KIND(QUEUE), object_try_join},
	[WANT_SET] = {KIND(EVENT), object_try_set},
	[WANT_PASS] = {KIND(BARRIER), object_try_pass},
};

bool object_serves(const struct object *object, enum want_kind kind)
{
	return (lanes[kind].kinds & 1U << object->kind) != 0;
}

/* ---- lists ------------------------------------------------------------------------------- */

static void enter(struct want *want)
{
	struct object *object = want->use->object;

	TAILQ_INSERT_TAIL(&object->lanes[want->kind], want, in_lane);
	object->waiting[want->kind]++;
}

static void leave(struct want *want)
{
	struct object *object = want->use->object;

	TAILQ_REMOVE(&object->lanes[want->kind], want, in_lane);
	object->waiting[want->kind]--;
}

void want_move(struct want *want, enum want_kind kind)
{
	leave(want);
	alarms_clear(want->use->object->all->alarms, &want->alarm);
	want->kind = kind;
	enter(want);
}

struct want *want_new(const struct want *like, uint64_t until)
{
	struct holder *holder = like->use->holder;
	struct objects *objects = like->use->object->all;
	struct want *want = malloc(sizeof(*want));

	if (want == NULL)
		return NULL;
	*want = *like;
	want->alarm = (struct alarm){.kind = objects->alarm_kind};
	if (until != UINT64_MAX && alarms_set(objects->alarms, &want->alarm, until) < 0) {
		free(want);
		return NULL;
	}
	TAILQ_INIT(&want->items);
	enter(want);
	TAILQ_INSERT_TAIL(&holder->wants, want, of_holder);
	TAILQ_INSERT_TAIL(&want->use->wants, want, of_use);
	objects->on_wait(holder, true);
	return want;
}

static void unlink_want(struct want *want)
{
	struct holder *holder = want->use->holder;
	struct objects *objects = want->use->object->all;

	leave(want);
	alarms_clear(objects->alarms, &want->alarm);
	TAILQ_REMOVE(&holder->wants, want, of_holder);
	TAILQ_REMOVE(&want->use->wants, want, of_use);
	objects->on_wait(holder, false);
}

void want_drop(struct want *want)
{
	unlink_want(want);
	items_free(want->use->object, &want->items);
	free(want);
}

/* ---- answers ------------------------------------------------------------------------------ */

/* Of what was got, what is not to be acknowledged is nobody's any more. */
static void tell(struct want *want, const struct object_answer *answer)
{
	want->use->object->all->answer(want, answer);
	if (want->ack)
		object_keep_items(want);
	items_free(want->use->object, &want->items);
}

void want_finish(struct want *want, const struct object_answer *answer)
{
	tell(want, answer);
	unlink_want(want);
	free(want);
}

/* What was put in part has been put. */
static struct object_answer failure(const struct want *want, enum ruche_code code)
{
	if (want->kind == WANT_PUT && want->done > 0)
		return (struct object_answer){.code = RUCHE_OK, .number = want->done};
	return (struct object_answer){.code = code};
}

void want_fail(struct want *want, enum ruche_code code)
{
	const struct object_answer answer = failure(want, code);

	want_finish(want, &answer);
}

void want_fail_all(struct object *object, enum want_kind lane, enum ruche_code code)
{
	while (!TAILQ_EMPTY(&object->lanes[lane]))
		want_fail(TAILQ_FIRST(&object->lanes[lane]), code);
}

/* Who waits for very much, and all who get something at once, are not to make all others wait: one that takes more is not found. */
enum { LOOKS_MAX = 4096 };

static void look_for_circle(struct holder *holder, uint32_t *looks)
{
	struct want *want = TAILQ_FIRST(&holder->wants);
	struct object_answer answer = {.code = RUCHE_DEADLOCK};

	if (want == NULL)
		return;
	answer.seen = object_circle(want->use->object->all, holder, looks);
	if (answer.seen != NULL)
		want_finish(TAILQ_LAST(&holder->wants, want_list), &answer);
}

/* Whoever gets something may be one that others wait for, while it waits itself for something else. */
bool object_serve(struct object *object, enum want_kind lane)
{
	uint32_t looks = LOOKS_MAX;
	struct want *want;
	bool any = false;

	while ((want = TAILQ_FIRST(&object->lanes[lane])) != NULL) {
		struct object_answer answer = {.code = RUCHE_OK};
		struct holder *holder = want->use->holder;

		if (!lanes[lane].try(want, &answer))
			break;
		want_finish(want, &answer);
		if (lane == WANT_ACQUIRE)
			look_for_circle(holder, &looks);
		any = true;
	}
	return any;
}

/* ---- asking ------------------------------------------------------------------------------- */

/* Nobody is overtaken, but for what the holder has already. */
static bool try_now(struct want *want, struct object_answer *answer)
{
	const struct use *use = want->use;
	const struct object *object = use->object;
	bool again =
		want->kind == WANT_ACQUIRE && use->held > 0 && object->kind != OBJECT_SEMAPHORE;

	if (lanes[want->kind].try == NULL)
		return false;
	if (!again && want->kind != WANT_PASS && object->waiting[want->kind] > 0)
		return false;
	return lanes[want->kind].try(want, answer);
}

static void wait_for_it(struct want *like, uint64_t until)
{
	struct want *want = want_new(like, until);
	uint32_t looks = LOOKS_MAX;

	if (want == NULL) {
		const struct object_answer answer = failure(like, RUCHE_BUSY);

		tell(like, &answer);
		return;
	}
	TAILQ_CONCAT(&want->items, &like->items, link);
	if (want->kind == WANT_NOTIFY)
		object_give_back_lock(want->use, false);
	if (want->kind == WANT_ACQUIRE && until == UINT64_MAX)
		look_for_circle(want->use->holder, &looks);
}

/* What a want comes to without being tried; RUCHE_OK: nothing yet. */
static enum ruche_code refusal(const struct want *want)
{
	const struct object *object = want->use->object;

	if (object->removed)
		return RUCHE_REMOVED;
	if (!object_serves(object, want->kind))
		return RUCHE_BAD_ARGUMENTS;
	if (want->kind == WANT_PASS && object->broken)
		return RUCHE_BROKEN;
	if (want->kind == WANT_NOTIFY && want->use->held == 0)
		return RUCHE_NOT_HELD;
	return RUCHE_OK;
}

void object_ask(const struct want *like, uint64_t until)
{
	struct want want = *like;
	struct object_answer answer = {.code = refusal(&want)};
	bool ended = answer.code != RUCHE_OK;

	TAILQ_INIT(&want.items);
	TAILQ_CONCAT(&want.items, &((struct want *)like)->items, link);
	want.depth = want.kind == WANT_NOTIFY ? want.use->held : 1;
	if (!ended)
		ended = try_now(&want, &answer);
	if (!ended && want.at_once) {
		answer = failure(&want, want.kind == WANT_NOTIFY ? RUCHE_TIMEOUT : RUCHE_BUSY);
		ended = true;
	}
	if (ended)
		tell(&want, &answer);
	else
		wait_for_it(&want, until);
	if (want.use->object->kind == OBJECT_QUEUE)
		object_settle_queue(want.use->object);
}

void want_on_time(struct want *want)
{
	struct object *object = want->use->object;
	uint32_t looks = LOOKS_MAX;

	switch (want->kind) {
	case WANT_NOTIFY:
		want->is_late = true;
		want_move(want, WANT_ACQUIRE);
		if (!object_serve(object, WANT_ACQUIRE))
			look_for_circle(want->use->holder, &looks);
		break;
	case WANT_PASS:
		want_fail(want, RUCHE_TIMEOUT);
		object_break(object);
		break;
	default:
		want_fail(want, RUCHE_TIMEOUT);
	}
}

void want_cancel(struct want *want)
{
	struct object *object = want->use->object;
	bool breaks = want->kind == WANT_PASS;

	want_fail(want, RUCHE_CANCELLED);
	if (breaks)
		object_break(object);
}

bool holder_cancel(struct holder *holder, uint32_t msgid)
{
	struct want *want;

	TAILQ_FOREACH (want, &holder->wants, of_holder)
		if (want->msgid == msgid) {
			want_cancel(want);
			return true;
		}
	return false;
}

void holder_cancel_all(struct holder *holder)
{
	while (!TAILQ_EMPTY(&holder->wants))
		want_cancel(TAILQ_FIRST(&holder->wants));
}
