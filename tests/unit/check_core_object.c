/* SPDX-License-Identifier: MIT */
/* What connections share: who gets what and when, and what becomes of it when one of them goes. */
#include <stdlib.h>
#include <string.h>

#include "check_core.h"

#include "core/object.h"

enum { HOLDERS = 4, ANSWERS = 64 };

/* What was answered, in its order; the msgid says to whom. */
static struct told {
	uint32_t msgid;
	struct object_answer answer;
	char text[64]; /* items, behind each other */
} told[ANSWERS];
static int answers, waiting, freed;

static struct users users;
static struct alarms alarms;
static struct objects objects;
static struct holder holders[HOLDERS];
static struct user *user;

static void on_answer(const struct want *want, const struct object_answer *answer)
{
	struct told *to = &told[answers++];
	const struct item *item = answer->first;

	*to = (struct told){want->msgid, *answer, ""};
	for (uint64_t i = 0; i < answer->count; i++, item = TAILQ_NEXT(item, link))
		strncat(to->text, (const char *)item->data, item->len);
}

static void on_wait(const struct holder *holder, bool waits)
{
	(void)holder;
	waiting += waits ? 1 : -1;
}

static void on_free(struct object *object)
{
	(void)object;
	freed++;
}

static void set_up(void)
{
	answers = waiting = freed = 0;
	users = (struct users){0};
	alarms = (struct alarms){0};
	objects_init(&objects, &users, &alarms);
	objects.answer = on_answer;
	objects.on_wait = on_wait;
	objects.on_free = on_free;
	objects.user_objects = 8;
	objects.user_bytes = 4096;
	user = users_get(&users, 7);
	user_ref(user);
	for (int i = 0; i < HOLDERS; i++)
		holder_init(&holders[i], NULL);
}

static void tear_down(void)
{
	for (int i = 0; i < HOLDERS; i++)
		holder_end(&holders[i]);
	objects_fini(&objects);
	ck_assert_int_eq(waiting, 0);
	ck_assert_uint_eq(user->objects, 0);
	ck_assert_uint_eq(user->object_bytes, 0);
	ck_assert_ptr_null(objects.by_name);
	ck_assert_ptr_null(objects.by_use);
	user_unref(&users, user);
	users_fini(&users);
	alarms_fini(&alarms);
}

static struct object_terms terms_of(enum object_kind kind, const char *name, uint64_t size)
{
	return (struct object_terms){.kind = kind,
		.name = name,
		.name_len = strlen(name),
		.create = true,
		.size = size,
		.duplex = -1};
}

static struct use *use_sized(int holder, enum object_kind kind, const char *name, uint64_t size)
{
	const struct object_terms terms = terms_of(kind, name, size);
	struct use *use;
	bool created;

	ck_assert_int_eq(
		object_open(&objects, &holders[holder], user, &terms, &use, &created), RUCHE_OK);
	return use;
}

static struct use *use_of(int holder, enum object_kind kind, const char *name)
{
	return use_sized(holder, kind, name, UINT64_MAX);
}

static void init_want(struct want *want, struct use *use, enum want_kind kind, uint32_t msgid)
{
	*want = (struct want){.use = use,
		.kind = kind,
		.msgid = msgid,
		.wants_answer = true,
		.max = 1,
		.max_len = 4096};
	TAILQ_INIT(&want->items);
}

static void ask(struct use *use, enum want_kind kind, uint32_t msgid)
{
	struct want want;

	init_want(&want, use, kind, msgid);
	object_ask(&want, UINT64_MAX);
}

static void ask_until(struct use *use, enum want_kind kind, uint32_t msgid, uint64_t until)
{
	struct want want;

	init_want(&want, use, kind, msgid);
	object_ask(&want, until);
}

static void ask_at_once(struct use *use, enum want_kind kind, uint32_t msgid)
{
	struct want want;

	init_want(&want, use, kind, msgid);
	want.at_once = true;
	object_ask(&want, 0);
}

static void put(struct use *use, const char *items, uint32_t msgid)
{
	struct want want;

	init_want(&want, use, WANT_PUT, msgid);
	for (; *items != '\0'; items++) {
		struct item *item = item_new(use->object, items, 1);

		TAILQ_INSERT_TAIL(&want.items, item, link);
	}
	object_ask(&want, UINT64_MAX);
}

static void get(struct use *use, uint64_t max, bool ack, uint32_t msgid)
{
	struct want want;

	init_want(&want, use, WANT_GET, msgid);
	want.max = max;
	want.ack = ack;
	object_ask(&want, UINT64_MAX);
}

static void end(int holder)
{
	holder_end(&holders[holder]);
}

/* The last answer was this one, and there were `count` in all. */
static void assert_told(int count, uint32_t msgid, enum ruche_code code)
{
	ck_assert_int_eq(answers, count);
	ck_assert_uint_eq(told[count - 1].msgid, msgid);
	ck_assert_int_eq(told[count - 1].answer.code, code);
}

static void pass_time(void)
{
	struct alarm *first = alarms_first(&alarms);

	alarms_clear(&alarms, first);
	want_on_time((struct want *)((char *)first - offsetof(struct want, alarm)));
}

/* ---- names and lives ---------------------------------------------------------------------- */

START_TEST(object_lives_as_long_as_somebody_uses_it)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x");

	ck_assert_ptr_eq(a->object, b->object);
	object_close(a);
	ck_assert_ptr_nonnull(object_find(&objects, user, "x", 1));
	end(1);
	ck_assert_ptr_null(object_find(&objects, user, "x", 1));
	ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(each_open_needs_its_close)
{
	struct use *use = use_of(0, OBJECT_LOCK, "x");

	ck_assert_ptr_eq(use_of(0, OBJECT_LOCK, "x"), use);
	object_close(use);
	ck_assert_int_eq(freed, 0);
	object_close(use);
	ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(persistent_object_stays_until_it_is_removed)
{
	struct object_terms terms = terms_of(OBJECT_QUEUE, "x", 0);
	struct use *use;
	bool created;

	terms.persistent = true;
	object_open(&objects, &holders[0], user, &terms, &use, &created);
	ck_assert(created);
	put(use, "a", 1);
	end(0);
	use = use_of(1, OBJECT_QUEUE, "x");
	ck_assert_uint_eq(use->object->queue.count, 1);
	object_close(use);
	object_remove(object_find(&objects, user, "x", 1));
	ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(removed_object_has_no_descriptors_any_more_though_somebody_uses_it)
{
	struct use *use = use_of(0, OBJECT_PIPE, "x");

	object_remove(use->object);
	ck_assert_int_eq(freed, 1);
	ck_assert_uint_eq(user->objects, 1);
	object_close(use);
	ck_assert_int_eq(freed, 1);
	ck_assert_uint_eq(user->objects, 0);
}
END_TEST

START_TEST(what_contradicts_an_object_is_refused)
{
	struct object_terms terms = terms_of(OBJECT_QUEUE, "x", 3);
	struct use *use;
	bool created;

	use_sized(0, OBJECT_QUEUE, "x", 2);
	ck_assert_int_eq(object_open(&objects, &holders[1], user, &terms, &use, &created),
		RUCHE_BAD_ARGUMENTS);
	terms = terms_of(OBJECT_LOCK, "x", UINT64_MAX);
	ck_assert_int_eq(object_open(&objects, &holders[1], user, &terms, &use, &created),
		RUCHE_BAD_ARGUMENTS);
	terms = terms_of(OBJECT_QUEUE, "x", UINT64_MAX);
	terms.exclusive = true;
	ck_assert_int_eq(
		object_open(&objects, &holders[1], user, &terms, &use, &created), RUCHE_EXISTS);
	terms = terms_of(OBJECT_QUEUE, "y", UINT64_MAX);
	terms.create = false;
	ck_assert_int_eq(object_open(&objects, &holders[1], user, &terms, &use, &created),
		RUCHE_UNKNOWN_OBJECT);
}
END_TEST

START_TEST(user_has_no_more_objects_than_allowed)
{
	struct object_terms terms = terms_of(OBJECT_LOCK, "more", UINT64_MAX);
	char name[2] = "a";
	struct use *use;
	bool created;

	for (; name[0] < 'a' + 8; name[0]++)
		use_of(0, OBJECT_LOCK, name);
	ck_assert_int_eq(
		object_open(&objects, &holders[0], user, &terms, &use, &created), RUCHE_BUSY);
	object_close(object_find_use(&objects, &holders[0], "a", 1));
	use_of(0, OBJECT_LOCK, "more");
}
END_TEST

START_TEST(names_of_other_users_are_others)
{
	struct user *other = users_get(&users, 8);
	struct object_terms terms = terms_of(OBJECT_LOCK, "x", UINT64_MAX);
	struct use *mine = use_of(0, OBJECT_LOCK, "x"), *theirs;
	bool created;

	object_open(&objects, &holders[1], other, &terms, &theirs, &created);
	ck_assert(created);
	ck_assert_ptr_ne(mine->object, theirs->object);
}
END_TEST

START_TEST(removal_is_told_to_all_who_wait_and_frees_the_name)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x"), *c;

	ask(a, WANT_ACQUIRE, 1);
	ask(b, WANT_ACQUIRE, 2);
	object_remove(a->object);
	assert_told(2, 2, RUCHE_REMOVED);
	c = use_of(2, OBJECT_LOCK, "x");
	ck_assert_ptr_ne(c->object, a->object);
	ask(b, WANT_ACQUIRE, 3);
	assert_told(3, 3, RUCHE_REMOVED);
	b = use_of(1, OBJECT_LOCK, "x");
	ck_assert_ptr_eq(b->object, c->object);
}
END_TEST

/* ---- locks ---------------------------------------------------------------------------------- */

START_TEST(lock_goes_from_one_to_the_next_in_their_order)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x"),
		   *c = use_of(2, OBJECT_LOCK, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask(b, WANT_ACQUIRE, 2);
	ask(c, WANT_ACQUIRE, 3);
	assert_told(1, 1, RUCHE_OK);
	ck_assert_int_eq(object_release(b), RUCHE_NOT_HELD);
	ck_assert_int_eq(object_release(a), RUCHE_OK);
	assert_told(2, 2, RUCHE_OK);
	object_release(b);
	assert_told(3, 3, RUCHE_OK);
	ck_assert(!told[2].answer.abandoned);
}
END_TEST

START_TEST(next_owner_is_told_that_the_last_one_died)
{
	struct use *b = use_of(1, OBJECT_LOCK, "x");

	ask(use_of(0, OBJECT_LOCK, "x"), WANT_ACQUIRE, 1);
	ask(b, WANT_ACQUIRE, 2);
	end(0);
	assert_told(2, 2, RUCHE_OK);
	ck_assert(told[1].answer.abandoned);
	object_release(b);
	ask(b, WANT_ACQUIRE, 3);
	ck_assert(!told[2].answer.abandoned);
}
END_TEST

START_TEST(lock_whose_user_closes_it_is_released_and_not_abandoned)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask(b, WANT_ACQUIRE, 2);
	object_close(a);
	assert_told(2, 2, RUCHE_OK);
	ck_assert(!told[1].answer.abandoned);
}
END_TEST

START_TEST(who_waits_and_dies_is_passed_over)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *c = use_of(2, OBJECT_LOCK, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask(use_of(1, OBJECT_LOCK, "x"), WANT_ACQUIRE, 2);
	ask(c, WANT_ACQUIRE, 3);
	end(1);
	object_release(a);
	assert_told(2, 3, RUCHE_OK);
}
END_TEST

START_TEST(what_a_task_has_left_held_is_released_and_stays_open)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x"),
		   *queue = use_of(0, OBJECT_QUEUE, "q");

	put(queue, "a", 1);
	get(queue, 1, true, 2);
	get(queue, 1, true, 3);
	ask(a, WANT_ACQUIRE, 4);
	ask(b, WANT_ACQUIRE, 5);
	holder_release(&holders[0]);
	ck_assert_uint_eq(told[3].msgid, 5);
	ck_assert(told[3].answer.abandoned);
	assert_told(5, 3, RUCHE_CANCELLED);
	ck_assert_uint_eq(queue->object->queue.count, 1);
	ck_assert_ptr_eq(object_find_use(&objects, &holders[0], "x", 1), a);
}
END_TEST

START_TEST(all_that_a_task_waits_for_is_cancelled_when_it_is_to_stop_and_it_holds_what_it_held)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *event = use_of(0, OBJECT_EVENT, "e"),
		   *barrier = use_sized(0, OBJECT_BARRIER, "b", 3),
		   *other = use_sized(1, OBJECT_BARRIER, "b", 3);

	ask(a, WANT_ACQUIRE, 1);
	ask(other, WANT_PASS, 2);
	ask(event, WANT_SET, 3);
	ask(barrier, WANT_PASS, 4);
	holder_cancel_all(&holders[0]);
	ck_assert_uint_eq(told[1].msgid, 3);
	ck_assert_int_eq(told[1].answer.code, RUCHE_CANCELLED);
	ck_assert_uint_eq(told[2].msgid, 4);
	ck_assert_int_eq(told[2].answer.code, RUCHE_CANCELLED);
	assert_told(4, 2, RUCHE_BROKEN);
	ck_assert_uint_eq(a->held, 1);
}
END_TEST

START_TEST(all_who_wait_anywhere_can_be_told_and_nobody_gets_anything_by_it)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x"),
		   *queue = use_sized(1, OBJECT_QUEUE, "q", 1),
		   *barrier = use_sized(1, OBJECT_BARRIER, "b", 2);

	ask(a, WANT_ACQUIRE, 1);
	ask(b, WANT_ACQUIRE, 2);
	put(queue, "ab", 3);
	ask(barrier, WANT_PASS, 4);
	objects_fail_all(&objects, RUCHE_SHUTTING_DOWN);
	ck_assert_int_eq(answers, 4);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(
			told[i].answer.code, told[i].msgid == 3 ? RUCHE_OK : RUCHE_SHUTTING_DOWN);
	ck_assert(!barrier->object->broken);
	end(0);
	ck_assert_int_eq(answers, 4);
}
END_TEST

START_TEST(waiting_ends_when_time_is_up_or_when_it_is_cancelled)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x"), *b = use_of(1, OBJECT_LOCK, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask_until(b, WANT_ACQUIRE, 2, 1000);
	pass_time();
	assert_told(2, 2, RUCHE_TIMEOUT);
	ask(b, WANT_ACQUIRE, 3);
	ck_assert(!holder_cancel(&holders[0], 3));
	ck_assert(holder_cancel(&holders[1], 3));
	assert_told(3, 3, RUCHE_CANCELLED);
	ask_at_once(b, WANT_ACQUIRE, 4);
	assert_told(4, 4, RUCHE_BUSY);
}
END_TEST

START_TEST(rlock_is_released_as_often_as_it_was_acquired)
{
	struct use *a = use_of(0, OBJECT_RLOCK, "x"), *b = use_of(1, OBJECT_RLOCK, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask(b, WANT_ACQUIRE, 2);
	ask(a, WANT_ACQUIRE, 3); /* past the one who waits */
	assert_told(2, 3, RUCHE_OK);
	object_release(a);
	ck_assert_int_eq(answers, 2);
	object_release(a);
	assert_told(3, 2, RUCHE_OK);
	ck_assert_int_eq(object_release(a), RUCHE_NOT_HELD);
}
END_TEST

START_TEST(semaphore_has_its_units_and_a_dead_holder_gives_back_all_of_them)
{
	struct use *a = use_sized(0, OBJECT_SEMAPHORE, "x", 2),
		   *b = use_of(1, OBJECT_SEMAPHORE, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask(a, WANT_ACQUIRE, 2);
	ask(b, WANT_ACQUIRE, 3);
	ask(b, WANT_ACQUIRE, 4);
	assert_told(2, 2, RUCHE_OK);
	end(0);
	assert_told(4, 4, RUCHE_OK);
	ck_assert_uint_eq(b->held, 2);
	ck_assert_uint_eq(b->object->lock.held, 2);
}
END_TEST

/* ---- circles ---------------------------------------------------------------------------------- */

START_TEST(last_of_those_who_would_wait_for_each_other_is_told_of_all)
{
	struct use *ax = use_of(0, OBJECT_LOCK, "x"), *ay = use_of(0, OBJECT_LOCK, "y"),
		   *bx = use_of(1, OBJECT_LOCK, "x"), *by = use_of(1, OBJECT_LOCK, "y");

	ask(ax, WANT_ACQUIRE, 1);
	ask(by, WANT_ACQUIRE, 2);
	ask(ay, WANT_ACQUIRE, 3);
	ck_assert_int_eq(answers, 2);
	ask(bx, WANT_ACQUIRE, 4);
	assert_told(3, 4, RUCHE_DEADLOCK);
	ck_assert_ptr_eq(told[2].answer.seen, &holders[1]);
	ck_assert_ptr_eq(told[2].answer.seen->next_seen, &holders[0]);
	object_release(by);
	assert_told(4, 3, RUCHE_OK);
}
END_TEST

START_TEST(lock_that_its_holder_waits_for_is_a_circle)
{
	struct use *a = use_of(0, OBJECT_LOCK, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask(a, WANT_ACQUIRE, 2);
	assert_told(2, 2, RUCHE_DEADLOCK);
}
END_TEST

START_TEST(who_waits_for_a_limited_time_makes_no_circle)
{
	struct use *ax = use_of(0, OBJECT_LOCK, "x"), *ay = use_of(0, OBJECT_LOCK, "y"),
		   *bx = use_of(1, OBJECT_LOCK, "x"), *by = use_of(1, OBJECT_LOCK, "y");

	ask(ax, WANT_ACQUIRE, 1);
	ask(by, WANT_ACQUIRE, 2);
	ask_until(ay, WANT_ACQUIRE, 3, 1000);
	ask(bx, WANT_ACQUIRE, 4);
	ck_assert_int_eq(answers, 2);
	pass_time();
	assert_told(3, 3, RUCHE_TIMEOUT);
}
END_TEST

START_TEST(semaphore_with_one_owner_that_goes_on_makes_no_circle)
{
	struct use *as = use_sized(0, OBJECT_SEMAPHORE, "s", 2),
		   *bs = use_of(1, OBJECT_SEMAPHORE, "s"), *cs = use_of(2, OBJECT_SEMAPHORE, "s"),
		   *cx = use_of(2, OBJECT_LOCK, "x"), *ax = use_of(0, OBJECT_LOCK, "x"),
		   *bx = use_of(1, OBJECT_LOCK, "x");

	ask(as, WANT_ACQUIRE, 1);
	ask(bs, WANT_ACQUIRE, 2);
	ask(cx, WANT_ACQUIRE, 3);
	ask(ax, WANT_ACQUIRE, 4); /* waits for c, */
	ask(cs, WANT_ACQUIRE, 5); /* which waits for a or b, */
	ck_assert_int_eq(answers, 3);
	ask(bx, WANT_ACQUIRE, 6); /* and now nobody goes on */
	assert_told(4, 6, RUCHE_DEADLOCK);
	object_release(bs);
	assert_told(5, 5, RUCHE_OK);
}
END_TEST

START_TEST(condition_that_runs_out_of_time_into_a_circle_is_told_so)
{
	struct use *al = use_of(0, OBJECT_LOCK, "l"), *ac = use_of(0, OBJECT_CONDITION, "c"),
		   *bl = use_of(1, OBJECT_LOCK, "l"), *bc = use_of(1, OBJECT_CONDITION, "c");

	ask(al, WANT_ACQUIRE, 1);
	ask(ac, WANT_ACQUIRE, 2);
	ask_until(ac, WANT_NOTIFY, 3, 1000);
	ask(bc, WANT_ACQUIRE, 4);
	ask(bl, WANT_ACQUIRE, 5);
	ck_assert_int_eq(answers, 3);
	pass_time();
	assert_told(4, 3, RUCHE_DEADLOCK);
}
END_TEST

/* ---- conditions, events, barriers ------------------------------------------------------------------ */

START_TEST(condition_gives_its_lock_back_as_it_was)
{
	struct use *a = use_of(0, OBJECT_CONDITION, "x"), *b = use_of(1, OBJECT_CONDITION, "x");
	uint64_t count;

	ask(a, WANT_NOTIFY, 1);
	assert_told(1, 1, RUCHE_NOT_HELD);
	ask(a, WANT_ACQUIRE, 2);
	ask(a, WANT_ACQUIRE, 3);
	ask(a, WANT_NOTIFY, 4);
	ck_assert_int_eq(object_notify(b, 1, &count), RUCHE_NOT_HELD);
	ask(b, WANT_ACQUIRE, 5);
	ck_assert_int_eq(object_notify(b, UINT64_MAX, &count), RUCHE_OK);
	ck_assert_uint_eq(count, 1);
	assert_told(4, 5, RUCHE_OK);
	object_release(b);
	assert_told(5, 4, RUCHE_OK);
	ck_assert_uint_eq(a->held, 2);
}
END_TEST

START_TEST(condition_holds_its_lock_when_time_is_up)
{
	struct use *a = use_of(0, OBJECT_CONDITION, "x"), *b = use_of(1, OBJECT_CONDITION, "x");

	ask(a, WANT_ACQUIRE, 1);
	ask_until(a, WANT_NOTIFY, 2, 1000);
	ask(b, WANT_ACQUIRE, 3);
	pass_time();
	ck_assert_int_eq(answers, 2);
	object_release(b);
	assert_told(3, 2, RUCHE_TIMEOUT);
	ck_assert_uint_eq(a->held, 1);
	ask_at_once(a, WANT_NOTIFY, 4);
	assert_told(4, 4, RUCHE_TIMEOUT);
	ck_assert_uint_eq(a->held, 1);
}
END_TEST

START_TEST(event_lets_all_go_on_until_it_is_cleared)
{
	struct use *a = use_of(0, OBJECT_EVENT, "x"), *b = use_of(1, OBJECT_EVENT, "x");

	ask(a, WANT_SET, 1);
	ask(b, WANT_SET, 2);
	object_set(a->object, true);
	assert_told(2, 2, RUCHE_OK);
	ask(b, WANT_SET, 3);
	assert_told(3, 3, RUCHE_OK);
	object_set(a->object, false);
	ask_at_once(b, WANT_SET, 4);
	assert_told(4, 4, RUCHE_BUSY);
}
END_TEST

START_TEST(barrier_is_passed_together_and_again)
{
	struct use *a = use_sized(0, OBJECT_BARRIER, "x", 2), *b = use_of(1, OBJECT_BARRIER, "x");

	for (int round = 0; round < 2; round++) {
		answers = 0;
		ask(a, WANT_PASS, 1);
		ck_assert_int_eq(answers, 0);
		ask(b, WANT_PASS, 2);
		ck_assert_int_eq(answers, 2);
		ck_assert_uint_eq(told[0].msgid, 1);
		ck_assert_uint_eq(told[0].answer.number, 0);
		ck_assert_uint_eq(told[1].answer.number, 1);
	}
}
END_TEST

START_TEST(barrier_breaks_when_a_member_dies_whether_it_waits_or_not)
{
	struct use *a = use_sized(0, OBJECT_BARRIER, "x", 3), *b = use_of(1, OBJECT_BARRIER, "x");

	use_of(2, OBJECT_BARRIER, "x");
	ask(a, WANT_PASS, 1);
	end(2);
	assert_told(1, 1, RUCHE_BROKEN);
	ask(b, WANT_PASS, 2);
	assert_told(2, 2, RUCHE_BROKEN);
	object_mend(a->object);
	ask(a, WANT_PASS, 3);
	ask_until(b, WANT_PASS, 4, 1000);
	pass_time();
	ck_assert_int_eq(told[2].answer.code, RUCHE_TIMEOUT);
	assert_told(4, 3, RUCHE_BROKEN);
}
END_TEST

START_TEST(barrier_stays_whole_when_a_member_leaves_in_order)
{
	struct use *a = use_sized(0, OBJECT_BARRIER, "x", 2), *b = use_of(1, OBJECT_BARRIER, "x"),
		   *c = use_of(2, OBJECT_BARRIER, "x");

	object_close(c);
	ask(a, WANT_PASS, 1);
	ask(b, WANT_PASS, 2);
	assert_told(2, 2, RUCHE_OK);
}
END_TEST

/* ---- queues ------------------------------------------------------------------------------------------ */

START_TEST(items_come_in_their_order_to_getters_in_theirs)
{
	struct use *a = use_of(0, OBJECT_QUEUE, "x"), *b = use_of(1, OBJECT_QUEUE, "x"),
		   *c = use_of(2, OBJECT_QUEUE, "x");

	get(b, 1, false, 1);
	get(c, 2, false, 2);
	put(a, "abc", 3);
	ck_assert_int_eq(answers, 3);
	ck_assert_str_eq(told[1].text, "a");
	ck_assert_str_eq(told[2].text, "bc");
}
END_TEST

START_TEST(full_queue_lets_putters_wait_in_their_order)
{
	struct use *a = use_sized(0, OBJECT_QUEUE, "x", 2), *b = use_of(1, OBJECT_QUEUE, "x"),
		   *c = use_of(2, OBJECT_QUEUE, "x");

	put(a, "abcd", 1);
	put(b, "e", 2);
	ck_assert_int_eq(answers, 0);
	get(c, 3, false, 3);
	assert_told(2, 1, RUCHE_OK);
	ck_assert_str_eq(told[0].text, "ab");
	ck_assert_uint_eq(told[1].answer.number, 4);
	get(c, 3, false, 4);
	assert_told(4, 2, RUCHE_OK);
	ck_assert_uint_eq(a->object->queue.count, 1);
}
END_TEST

START_TEST(what_was_put_in_part_is_told_when_time_is_up)
{
	struct use *a = use_sized(0, OBJECT_QUEUE, "x", 2);
	struct want want;

	init_want(&want, a, WANT_PUT, 1);
	for (int i = 0; i < 3; i++) {
		struct item *item = item_new(a->object, "a", 1);

		TAILQ_INSERT_TAIL(&want.items, item, link);
	}
	object_ask(&want, 1000);
	pass_time();
	assert_told(1, 1, RUCHE_OK);
	ck_assert_uint_eq(told[0].answer.number, 2);
	ck_assert_uint_eq(user->object_bytes, 2 * (sizeof(struct item) + 1));
}
END_TEST

START_TEST(what_a_dead_consumer_has_not_acknowledged_stands_where_it_was)
{
	struct use *a = use_of(0, OBJECT_QUEUE, "x"), *b = use_of(1, OBJECT_QUEUE, "x");

	put(a, "abcde", 1);
	get(b, 4, true, 2);
	ck_assert_uint_eq(object_settle_items(b, (uint64_t[]){2, 9}, 2, false), 1);
	end(1);
	get(a, 9, false, 3);
	ck_assert_str_eq(told[2].text, "acde");
}
END_TEST

START_TEST(item_that_is_given_back_goes_to_who_waits)
{
	struct use *a = use_of(0, OBJECT_QUEUE, "x"), *b = use_of(1, OBJECT_QUEUE, "x");

	put(a, "a", 1);
	get(b, 1, true, 2);
	get(a, 1, true, 3);
	ck_assert_uint_eq(object_settle_items(a, (uint64_t[]){1}, 1, true), 0);
	ck_assert_uint_eq(object_settle_items(b, (uint64_t[]){1}, 1, true), 1);
	assert_told(3, 3, RUCHE_OK);
	ck_assert_str_eq(told[2].text, "a");
}
END_TEST

START_TEST(join_waits_until_all_is_done_with_or_its_taker_is_dead)
{
	struct use *a = use_of(0, OBJECT_QUEUE, "x"), *b = use_of(1, OBJECT_QUEUE, "x"),
		   *c = use_of(2, OBJECT_QUEUE, "x");

	put(a, "abcd", 1);
	get(b, 2, false, 2);
	get(c, 2, true, 3);
	ask(a, WANT_JOIN, 4);
	ck_assert_int_eq(object_task_done(a, 1), RUCHE_NOT_HELD);
	ck_assert_int_eq(object_task_done(b, 1), RUCHE_OK);
	object_settle_items(c, (uint64_t[]){3, 4}, 2, false);
	ck_assert_int_eq(answers, 3);
	end(1);
	assert_told(4, 4, RUCHE_OK);
}
END_TEST

START_TEST(ended_queue_takes_no_more_and_gives_what_it_has)
{
	struct use *a = use_sized(0, OBJECT_QUEUE, "x", 2), *b = use_of(1, OBJECT_QUEUE, "x");

	put(a, "ab", 1);
	put(b, "c", 2);
	object_end_queue(a->object);
	assert_told(2, 2, RUCHE_CLOSED);
	get(b, 9, false, 3);
	ck_assert_str_eq(told[2].text, "ab");
	get(b, 9, false, 4);
	assert_told(4, 4, RUCHE_CLOSED);
}
END_TEST

START_TEST(items_are_charged_to_their_user)
{
	struct use *a = use_of(0, OBJECT_QUEUE, "x");

	ck_assert_ptr_null(item_new(a->object, "", 4096));
	ck_assert_uint_eq(user->object_bytes, 0);
	put(a, "a", 1);
	ck_assert_uint_eq(user->object_bytes, sizeof(struct item) + 1);
	get(a, 1, false, 2);
	ck_assert_uint_eq(user->object_bytes, 0);
}
END_TEST

START_TEST(answer_has_no_more_bytes_than_fit_but_one_item)
{
	struct use *a = use_of(0, OBJECT_QUEUE, "x");
	struct want want;

	init_want(&want, a, WANT_GET, 2);
	put(a, "abc", 1);
	want.max = 3;
	want.max_len = 1;
	object_ask(&want, UINT64_MAX);
	ck_assert_str_eq(told[1].text, "a");
}
END_TEST

START_TEST(objects_serve_what_is_of_their_kind)
{
	struct use *a = use_of(0, OBJECT_EVENT, "x");

	ask(a, WANT_GET, 1);
	assert_told(1, 1, RUCHE_BAD_ARGUMENTS);
}
END_TEST

START_TEST(getters_and_one_who_puts_more_than_fits_go_on_until_there_is_nothing_left)
{
	struct use *a = use_sized(0, OBJECT_QUEUE, "x", 2), *b = use_sized(1, OBJECT_QUEUE, "x", 2);

	for (uint32_t i = 0; i < 6; i++)
		get(b, 1, false, 10 + i);
	put(a, "abcdef", 1);
	ck_assert_int_eq(answers, 7);
	ck_assert_uint_eq(a->object->queue.count, 0);
}
END_TEST

START_TEST(what_waits_for_a_lock_that_its_own_connection_holds_keeps_nobody_from_going_on)
{
	struct use *a = use_of(0, OBJECT_CONDITION, "x"), *b = use_of(1, OBJECT_CONDITION, "x");
	uint64_t told_of;

	ask(a, WANT_ACQUIRE, 1);
	ask(a, WANT_NOTIFY, 2);
	ask(a, WANT_ACQUIRE, 3);
	object_notify(a, 1, &told_of);
	ask(b, WANT_ACQUIRE, 4);
	ck_assert_int_eq(answers, 2);
	object_release(a);
	assert_told(3, 2, RUCHE_OK);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
}

static void add_objects(Suite *suite)
{
	const TTest *const tests[] = {object_lives_as_long_as_somebody_uses_it,
		each_open_needs_its_close, persistent_object_stays_until_it_is_removed,
		removed_object_has_no_descriptors_any_more_though_somebody_uses_it,
		what_contradicts_an_object_is_refused, user_has_no_more_objects_than_allowed,
		names_of_other_users_are_others, removal_is_told_to_all_who_wait_and_frees_the_name,
		lock_goes_from_one_to_the_next_in_their_order,
		next_owner_is_told_that_the_last_one_died,
		lock_whose_user_closes_it_is_released_and_not_abandoned,
		who_waits_and_dies_is_passed_over,
		what_a_task_has_left_held_is_released_and_stays_open,
		all_that_a_task_waits_for_is_cancelled_when_it_is_to_stop_and_it_holds_what_it_held,
		all_who_wait_anywhere_can_be_told_and_nobody_gets_anything_by_it,
		waiting_ends_when_time_is_up_or_when_it_is_cancelled,
		rlock_is_released_as_often_as_it_was_acquired,
		semaphore_has_its_units_and_a_dead_holder_gives_back_all_of_them};

	add(suite, "objects", tests, COUNT(tests));
}

static void add_signals(Suite *suite)
{
	const TTest *const tests[] = {last_of_those_who_would_wait_for_each_other_is_told_of_all,
		lock_that_its_holder_waits_for_is_a_circle,
		who_waits_for_a_limited_time_makes_no_circle,
		semaphore_with_one_owner_that_goes_on_makes_no_circle,
		condition_that_runs_out_of_time_into_a_circle_is_told_so,
		what_waits_for_a_lock_that_its_own_connection_holds_keeps_nobody_from_going_on,
		condition_gives_its_lock_back_as_it_was, condition_holds_its_lock_when_time_is_up,
		event_lets_all_go_on_until_it_is_cleared, barrier_is_passed_together_and_again,
		barrier_breaks_when_a_member_dies_whether_it_waits_or_not,
		barrier_stays_whole_when_a_member_leaves_in_order};

	add(suite, "signals", tests, COUNT(tests));
}

static void add_queues(Suite *suite)
{
	const TTest *const tests[] = {items_come_in_their_order_to_getters_in_theirs,
		full_queue_lets_putters_wait_in_their_order,
		what_was_put_in_part_is_told_when_time_is_up,
		what_a_dead_consumer_has_not_acknowledged_stands_where_it_was,
		item_that_is_given_back_goes_to_who_waits,
		join_waits_until_all_is_done_with_or_its_taker_is_dead,
		ended_queue_takes_no_more_and_gives_what_it_has, items_are_charged_to_their_user,
		answer_has_no_more_bytes_than_fit_but_one_item,
		getters_and_one_who_puts_more_than_fits_go_on_until_there_is_nothing_left,
		objects_serve_what_is_of_their_kind};

	add(suite, "queues", tests, COUNT(tests));
}

void add_core_object(Suite *suite)
{
	add_objects(suite);
	add_signals(suite);
	add_queues(suite);
}
