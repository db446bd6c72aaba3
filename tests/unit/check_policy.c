/* SPDX-License-Identifier: MIT */
/* Time, order, attempts, handles and users: policy without processes or sleeps. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ruche/codes.h>

#include "core/alarm.h"
#include "core/handle.h"
#include "core/plan.h"
#include "core/queue.h"
#include "core/record.h"
#include "core/user.h"

#include "check_main.h"

/* ---- alarms ----------------------------------------------------------------------------- */

START_TEST(alarms_come_in_the_order_of_their_times)
{
	enum { COUNT = 1000 };
	static struct alarm all[COUNT];
	struct alarms alarms = {0};
	uint64_t last = 0;
	size_t left = 0;

	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(alarms_set(&alarms, &all[i], (uint64_t)rand() % 500), 0);
	for (int i = 0; i < COUNT; i += 3)
		alarms_clear(&alarms, &all[i]);
	for (int i = 1; i < COUNT; i += 3)
		ck_assert_int_eq(alarms_set(&alarms, &all[i], (uint64_t)rand() % 500), 0);
	for (int i = 0; i < COUNT; i++)
		left += alarm_is_set(&all[i]);
	ck_assert_uint_eq(left, COUNT - (COUNT + 2) / 3);
	for (struct alarm *first; (first = alarms_first(&alarms)) != NULL; left--) {
		ck_assert_uint_ge(first->at, last);
		last = first->at;
		alarms_clear(&alarms, first);
		ck_assert(!alarm_is_set(first));
	}
	ck_assert_uint_eq(left, 0);
	alarms_fini(&alarms);
}
END_TEST

/* ---- the queue -------------------------------------------------------------------------- */

static struct task_table tasks;
static struct queue queue;
static struct queue_client a, b;

static void setup(void)
{
	task_table_init(&tasks);
	queue_init(&queue);
	a = b = (struct queue_client){0};
}

static void teardown(void)
{
	queue_client_fini(&a);
	queue_client_fini(&b);
	task_table_fini(&tasks);
}

/* `mark` tells them apart. */
static struct task *push(struct queue_client *client, int priority, uint32_t mark)
{
	struct task *task = task_new(&tasks);

	task->flow = queue_flow(&queue, client, priority);
	task->msgid = mark;
	queue_push(task);
	return task;
}

static uint32_t take(void)
{
	struct task *task = queue_first(&queue);

	if (task == NULL)
		return 0;
	queue_take(task);
	return task->msgid;
}

START_TEST(higher_priorities_come_first)
{
	push(&a, 0, 1);
	push(&a, -10, 2);
	push(&b, 10, 3);
	push(&a, 10, 4);
	ck_assert_uint_eq(take(), 3);
	ck_assert_uint_eq(take(), 4);
	ck_assert_uint_eq(take(), 1);
	ck_assert_uint_eq(take(), 2);
	ck_assert_uint_eq(take(), 0);
}
END_TEST

START_TEST(clients_take_turns_whatever_one_has_queued)
{
	for (uint32_t i = 0; i < 1000; i++)
		push(&a, 0, 100 + i);
	push(&b, 0, 1);
	ck_assert_uint_eq(take(), 100);
	ck_assert_uint_eq(take(), 1);
	ck_assert_uint_eq(take(), 101);
	push(&b, 0, 2);
	ck_assert_uint_eq(take(), 102);
	ck_assert_uint_eq(take(), 2);
	ck_assert_uint_eq(queue.count, 997);
}
END_TEST

START_TEST(what_comes_back_is_first_again)
{
	struct task *first = push(&a, 0, 1), *second = push(&a, 0, 2);

	push(&b, 0, 3);
	queue_take(first);
	queue_remove(second);
	queue_push_front(second);
	queue_push_front(first);
	ck_assert_uint_eq(take(), 1);
	ck_assert_uint_eq(take(), 3);
	ck_assert_uint_eq(take(), 2);
}
END_TEST

START_TEST(held_client_takes_no_turns_and_loses_nothing)
{
	push(&a, 0, 1);
	push(&a, 5, 2);
	push(&b, 0, 3);
	queue_hold(&a, QUEUE_HOLD_UNREAD);
	queue_hold(&a, QUEUE_HOLD_USER);
	push(&a, 0, 4);
	ck_assert_uint_eq(take(), 3);
	ck_assert_uint_eq(take(), 0);
	ck_assert_uint_eq(queue.count, 3);
	queue_release(&a, QUEUE_HOLD_UNREAD);
	ck_assert_uint_eq(take(), 0);
	queue_release(&a, QUEUE_HOLD_USER);
	ck_assert_uint_eq(take(), 2);
	ck_assert_uint_eq(take(), 1);
	ck_assert_uint_eq(take(), 4);
}
END_TEST

/* ---- plans ------------------------------------------------------------------------------ */

START_TEST(what_is_due_depends_on_how_far_the_task_is)
{
	struct task task = {.state = TASK_DELAYED, .started_at = 1000};
	struct plan plan = {
		.task = &task, .not_before = 100, .expires = 200, .timeout = 50, .deadline = 5000};

	ck_assert_int_eq(plan_due(&plan, false, 99), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, false), 100);
	ck_assert_int_eq(plan_due(&plan, false, 100), PLAN_START);
	task.state = TASK_QUEUED;
	ck_assert_int_eq(plan_due(&plan, false, 150), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, false), 200);
	ck_assert_int_eq(plan_due(&plan, false, 200), PLAN_EXPIRED);
	ck_assert_int_eq(plan_due(&plan, true, 1049), PLAN_NOTHING); /* it has started */
	ck_assert_uint_eq(plan_next(&plan, true), 1050);
	ck_assert_int_eq(plan_due(&plan, true, 1050), PLAN_TIMEOUT);
	ck_assert_int_eq(plan_due(&plan, true, 5000), PLAN_DEADLINE);
	task.attempts = 1; /* between two attempts nothing expires */
	ck_assert_uint_eq(plan_next(&plan, false), 5000);
}
END_TEST

START_TEST(pauses_double_up_to_a_minute_with_jitter_in_their_upper_half)
{
	struct task task = {.attempts = 1};
	struct plan plan = {.task = &task,
		.attempts = 100,
		.retry_on = 1U << RUCHE_CRASHED,
		.backoff = PLAN_BACKOFF_DEFAULT};
	uint64_t full = PLAN_BACKOFF_DEFAULT, delay;

	for (; task.attempts < 100; task.attempts++) {
		ck_assert(plan_retries(&plan, RUCHE_CRASHED, 0, &delay));
		ck_assert_uint_eq(delay, full / 2);
		ck_assert(plan_retries(&plan, RUCHE_CRASHED, 0xffffffff, &delay));
		ck_assert_uint_le(delay, full);
		ck_assert_uint_ge(delay, full - full / 1000);
		full = full * 2 < PLAN_BACKOFF_MAX ? full * 2 : PLAN_BACKOFF_MAX;
	}
	ck_assert(!plan_retries(&plan, RUCHE_CRASHED, 0, &delay));
	task.attempts = 1;
	ck_assert(!plan_retries(&plan, RUCHE_FAILED, 0, &delay));
}
END_TEST

/* ---- records ---------------------------------------------------------------------------- */

START_TEST(function_is_quarantined_at_its_nth_crash_running)
{
	struct records records = {0};
	struct record *record = records_get(&records, "f", 1);

	ck_assert_ptr_eq(records_get(&records, "f", 1), record);
	ck_assert_ptr_null(records_find(&records, "ff", 2));
	ck_assert(!record_on_crash(record, "one", 3, 10));
	ck_assert(!record_on_crash(record, "two", 3, 20));
	record_on_end(record);
	ck_assert(!record_on_crash(record, "three", 3, 30));
	ck_assert(!record_on_crash(record, "four", 3, 40));
	ck_assert(record_on_crash(record, "five", 3, 50));
	ck_assert(record->quarantined);
	ck_assert_uint_eq(record->since, 50);
	ck_assert_str_eq(record->reasons[0], "five");
	ck_assert_str_eq(record->reasons[2], "three");
	ck_assert(!record_on_crash(record, "six", 3, 60)); /* it is already */
	ck_assert(record_release(record));
	ck_assert(!record_release(record));
	for (int i = 0; i < 100; i++)
		ck_assert(!record_on_crash(record, "never", 0, 70));
	records_fini(&records);
}
END_TEST

/* ---- users and handles ------------------------------------------------------------------- */

START_TEST(client_lives_until_it_is_let_go_and_has_no_task)
{
	struct users users = {0};
	struct client *one = client_new(&users, 1000), *other = client_new(&users, 1000);
	struct user *user = one->user;
	struct task task = {.len = 7};

	ck_assert_ptr_eq(other->user, user);
	client_add(one, &task);
	ck_assert(user->tasks == 1 && user->bytes == 7);
	client_release(&users, one);
	ck_assert_ptr_nonnull(user->clients->next_of_user);
	client_remove(&users, one, &task);
	ck_assert_ptr_eq(user->clients, other);
	ck_assert_ptr_null(other->next_of_user);
	client_release(&users, other);
	ck_assert_ptr_null(users.first);
}
END_TEST

START_TEST(user_at_its_limit_is_held_with_all_its_clients)
{
	struct users users = {0};
	struct client *one = client_new(&users, 1), *late;

	user_start(one->user, 2);
	ck_assert_uint_eq(one->turns.hold, 0);
	user_start(one->user, 2);
	late = client_new(&users, 1);
	ck_assert_uint_eq(one->turns.hold, QUEUE_HOLD_USER);
	ck_assert_uint_eq(late->turns.hold, QUEUE_HOLD_USER);
	user_stop(one->user, 2);
	ck_assert(one->turns.hold == 0 && late->turns.hold == 0);
	users_fini(&users);
}
END_TEST

START_TEST(handle_is_found_by_its_id_and_by_user_and_key)
{
	enum { COUNT = 10000 };
	static struct task owners[COUNT];
	struct users users = {0};
	struct user *user = client_new(&users, 1)->user, *other = client_new(&users, 2)->user;
	struct handles handles;
	uint64_t last = 0;
	char key[16];

	ck_assert_int_eq(handles_init(&handles, &users, 1234567), 0);
	for (int i = 0; i < COUNT; i++) {
		int len = snprintf(key, sizeof(key), "key %d", i);
		struct handle *handle = handle_new(&handles, &owners[i], user, key, (size_t)len);

		ck_assert_uint_gt(handle->id, last);
		last = handle->id;
	}
	ck_assert_uint_lt(last, 1ULL << 53);
	for (int i = 0; i < COUNT; i++) {
		struct handle *handle = owners[i].handle;
		int len = snprintf(key, sizeof(key), "key %d", i);

		ck_assert_ptr_eq(handles_find(&handles, handle->id), handle);
		ck_assert_ptr_eq(handles_find_key(&handles, user, key, (size_t)len), handle);
		ck_assert_ptr_null(handles_find_key(&handles, other, key, (size_t)len));
	}
	handle_drop_key(&handles, owners[5].handle);
	ck_assert_ptr_null(handles_find_key(&handles, user, "key 5", 5));
	for (int i = 0; i < COUNT; i++)
		handle_free(&handles, owners[i].handle);
	ck_assert_ptr_null(handles_find(&handles, last));
	ck_assert_uint_eq(handles.count, 0);
	handles_fini(&handles);
	users_fini(&users);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, alarms_come_in_the_order_of_their_times);
	tcase_add_test(tc, higher_priorities_come_first);
	tcase_add_test(tc, clients_take_turns_whatever_one_has_queued);
	tcase_add_test(tc, what_comes_back_is_first_again);
	tcase_add_test(tc, held_client_takes_no_turns_and_loses_nothing);
	tcase_add_test(tc, what_is_due_depends_on_how_far_the_task_is);
	tcase_add_test(tc, pauses_double_up_to_a_minute_with_jitter_in_their_upper_half);
	tcase_add_test(tc, function_is_quarantined_at_its_nth_crash_running);
	tcase_add_test(tc, client_lives_until_it_is_let_go_and_has_no_task);
	tcase_add_test(tc, user_at_its_limit_is_held_with_all_its_clients);
	tcase_add_test(tc, handle_is_found_by_its_id_and_by_user_and_key);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
