/* SPDX-License-Identifier: MIT */
/* What a task is found by, and what is known of its function. */
#include "check_core.h"

#include <stdio.h>
#include <string.h>

#include "core/handle.h"
#include "core/record.h"
#include "core/user.h"

/* ---- handles ------------------------------------------------------------------------------ */

#define BORN 1700000000ULL /* in seconds since 1970 */

static struct task_table tasks;
static struct users users;
static struct handles handles;
static struct client *me, *other;

static void set_up(void)
{
	task_table_init(&tasks);
	users = (struct users){0};
	ck_assert_int_eq(handles_init(&handles, &users, BORN), 0);
	me = client_new(&users, 7);
	other = client_new(&users, 8);
}

static void tear_down(void)
{
	struct handle *handle;
	size_t at = 0;

	while (at = 0, (handle = handles_next(&handles, &at, NULL)) != NULL)
		handle_free(&handles, handle);
	handles_fini(&handles);
	task_table_fini(&tasks);
	users_fini(&users);
}

static struct handle *make(struct client *client, const char *key)
{
	struct handle *handle = handle_new(
		&handles, task_new(&tasks), client->user, key, key != NULL ? strlen(key) : 0);

	ck_assert_ptr_nonnull(handle);
	return handle;
}

static struct handle *find_key(const struct client *client, const char *key)
{
	return handles_find_key(&handles, client->user, key, strlen(key));
}

START_TEST(ids_are_small_enough_for_a_double_and_never_come_twice)
{
	uint64_t last = 0;

	for (int i = 0; i < 100; i++) {
		struct handle *handle = make(me, NULL);

		ck_assert_uint_gt(handle->id, last);
		ck_assert_uint_lt(handle->id, 1ULL << 53);
		last = handle->id;
		handle_free(&handles, handle);
	}
}
END_TEST

START_TEST(ids_of_another_life_are_others_unless_a_million_a_second_were_made)
{
	struct handles later;

	ck_assert_int_eq(handles_init(&later, &users, BORN + 1), 0);
	ck_assert_uint_ge(later.last_id - handles.last_id, 1000000);
	handles_fini(&later);
}
END_TEST

START_TEST(handle_belongs_to_its_task_and_is_found_by_its_id)
{
	struct handle *one = make(me, NULL), *two = make(me, NULL);

	ck_assert_ptr_eq(one->task->handle, one);
	ck_assert_ptr_eq(handles_find(&handles, one->id), one);
	ck_assert_ptr_eq(handles_find(&handles, two->id), two);
	ck_assert_ptr_null(handles_find(&handles, two->id + 1));
	ck_assert_ptr_null(handles_find(&handles, 0));
	ck_assert_ptr_null(handles_find(&handles, UINT64_MAX));
}
END_TEST

START_TEST(freed_handle_is_found_no_more_and_leaves_its_task)
{
	struct handle *handle = make(me, "key");
	struct task *task = handle->task;
	uint64_t id = handle->id;

	handle_free(&handles, handle);
	ck_assert_ptr_null(task->handle);
	ck_assert_ptr_null(handles_find(&handles, id));
	ck_assert_ptr_null(find_key(me, "key"));
	ck_assert_uint_eq(handles.count, 0);
}
END_TEST

START_TEST(key_is_its_users_own)
{
	struct handle *mine = make(me, "key"), *theirs = make(other, "key");

	ck_assert_ptr_eq(find_key(me, "key"), mine);
	ck_assert_ptr_eq(find_key(other, "key"), theirs);
	ck_assert_ptr_null(find_key(me, "ke"));
	ck_assert_ptr_null(find_key(me, "keys"));
}
END_TEST

/* The lowest byte of a user's number says where its keys lie as long as there are few. */
START_TEST(same_key_of_two_users_in_one_place_is_told_apart)
{
	struct client *twin = client_new(&users, 7 + 256);
	struct handle *mine = make(me, "key");

	ck_assert_ptr_null(find_key(twin, "key"));
	ck_assert_ptr_ne(make(twin, "key"), mine);
	ck_assert_ptr_eq(find_key(me, "key"), mine);
	ck_assert_ptr_eq(find_key(twin, "key")->user, twin->user);
}
END_TEST

START_TEST(key_may_have_any_bytes)
{
	struct handle *handle = handle_new(&handles, task_new(&tasks), me->user, "a\0b", 3);

	ck_assert_ptr_eq(handles_find_key(&handles, me->user, "a\0b", 3), handle);
	ck_assert_ptr_null(handles_find_key(&handles, me->user, "a\0c", 3));
	ck_assert_ptr_null(handles_find_key(&handles, me->user, "a", 1));
}
END_TEST

START_TEST(dropped_key_can_be_used_again_while_the_first_is_still_there)
{
	struct handle *first = make(me, "key"), *second;

	handle_drop_key(&handles, first);
	ck_assert_ptr_null(find_key(me, "key"));
	ck_assert_ptr_eq(handles_find(&handles, first->id), first);
	handle_drop_key(&handles, first); /* harmless */
	second = make(me, "key");
	handle_free(&handles, first);
	ck_assert_ptr_eq(find_key(me, "key"), second);
}
END_TEST

START_TEST(table_grows_and_everything_is_found)
{
	enum { ALL = 10000 };
	static struct handle *all[ALL];
	char key[16];
	size_t at = 0;
	struct handle *handle = NULL;
	int seen = 0;

	for (int i = 0; i < ALL; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		all[i] = make(me, i % 2 == 0 ? key : NULL);
	}
	ck_assert_uint_ge(handles.buckets, ALL / 2);
	ck_assert_uint_eq(handles.count, ALL);
	for (int i = 0; i < ALL; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		ck_assert_ptr_eq(handles_find(&handles, all[i]->id), all[i]);
		ck_assert_ptr_eq(find_key(me, key), i % 2 == 0 ? all[i] : NULL);
	}
	while ((handle = handles_next(&handles, &at, handle)) != NULL)
		seen++;
	ck_assert_int_eq(seen, ALL);
	for (int i = 0; i < ALL; i += 3)
		handle_free(&handles, all[i]);
	for (int i = 1; i < ALL; i += 3)
		ck_assert_ptr_eq(handles_find(&handles, all[i]->id), all[i]);
}
END_TEST

START_TEST(table_that_has_grown_still_lets_its_users_go)
{
	enum { ALL = 1000 };
	struct handle *all[ALL];

	for (int i = 0; i < ALL; i++)
		all[i] = make(me, NULL);
	client_release(&users, me);
	for (int i = 0; i < ALL; i++)
		handle_free(&handles, all[i]);
	ck_assert_ptr_eq(users.first, other->user);
	ck_assert_ptr_null(users.first->next);
}
END_TEST

START_TEST(handle_keeps_its_user)
{
	struct handle *handle = make(me, NULL);
	struct user *user = me->user;

	client_release(&users, me);
	ck_assert_ptr_eq(handle->user, user);
	ck_assert_uint_eq(user->uid, 7);
	handle_free(&handles, handle);
	ck_assert_ptr_eq(users.first, other->user);
	ck_assert_ptr_null(users.first->next);
}
END_TEST

/* ---- records ------------------------------------------------------------------------------ */

enum { LIMIT = 3 };

static struct records records;
static struct record *record;

static void set_up_record(void)
{
	records = (struct records){0};
	record = records_get(&records, "cube", 4);
}

static void tear_down_record(void)
{
	records_fini(&records);
}

static bool crash(void)
{
	return record_on_crash(record, "killed", LIMIT, 5);
}

START_TEST(record_is_found_by_its_whole_name)
{
	ck_assert_ptr_eq(records_find(&records, "cube", 4), record);
	ck_assert_ptr_eq(records_get(&records, "cube", 4), record);
	ck_assert_ptr_null(records_find(&records, "cubes", 5));
	ck_assert_ptr_null(records_find(&records, "cub", 3));
	ck_assert_str_eq(record->name, "cube");
}
END_TEST

START_TEST(names_that_begin_alike_are_told_apart)
{
	enum { LONGEST = 1000 };
	static struct record *all[LONGEST];
	char name[LONGEST];

	memset(name, 'f', sizeof(name));
	for (size_t len = 1; len < LONGEST; len++)
		all[len] = records_get(&records, name, len);
	for (size_t len = 1; len < LONGEST; len++)
		ck_assert_ptr_eq(records_find(&records, name, len), all[len]);
}
END_TEST

START_TEST(records_are_all_walked)
{
	struct record *at = NULL;
	char name[16];
	int seen = 0;

	for (int i = 0; i < 1000; i++) {
		int len = snprintf(name, sizeof(name), "f%d", i);

		ck_assert_ptr_nonnull(records_get(&records, name, (size_t)len));
	}
	while ((at = records_next(&records, at)) != NULL)
		seen++;
	ck_assert_int_eq(seen, 1001);
}
END_TEST

START_TEST(function_is_quarantined_at_its_last_crash_and_once)
{
	ck_assert(!crash());
	ck_assert(!crash());
	ck_assert(!record->quarantined);
	ck_assert(crash());
	ck_assert(record->quarantined);
	ck_assert_uint_eq(record->since, 5);
	ck_assert(!crash()); /* one that was still running */
	ck_assert_uint_eq(record->crashes, 4);
}
END_TEST

START_TEST(any_other_end_begins_the_count_again)
{
	crash();
	crash();
	record_on_end(record);
	ck_assert(!crash());
	ck_assert(!crash());
	ck_assert(crash());
}
END_TEST

START_TEST(end_of_another_run_does_not_release)
{
	while (!crash())
		;
	record_on_end(record);
	ck_assert(record->quarantined);
}
END_TEST

START_TEST(released_function_has_all_its_crashes_before_it)
{
	ck_assert(!record_release(record));
	while (!crash())
		;
	ck_assert(record_release(record));
	ck_assert(!record->quarantined);
	ck_assert(!record_release(record));
	ck_assert(!crash());
	ck_assert(!crash());
	ck_assert(crash());
}
END_TEST

START_TEST(without_a_limit_nothing_is_quarantined)
{
	for (int i = 0; i < 1000; i++)
		ck_assert(!record_on_crash(record, "killed", 0, 5));
}
END_TEST

START_TEST(last_reasons_are_kept_newest_first)
{
	char reason[2 * RECORD_REASON_MAX];

	for (char c = 'a'; c < 'f'; c++)
		record_on_crash(record, (char[]){c, '\0'}, 0, 0);
	ck_assert_str_eq(record->reasons[0], "e");
	ck_assert_str_eq(record->reasons[1], "d");
	ck_assert_str_eq(record->reasons[2], "c");
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	record_on_crash(record, reason, 0, 0);
	ck_assert_uint_eq(strlen(record->reasons[0]), RECORD_REASON_MAX - 1);
}
END_TEST

START_TEST(function_is_full_when_as_many_run_as_may)
{
	ck_assert(!record_is_full(record));
	record->running = 1000;
	ck_assert(!record_is_full(record)); /* no limit */
	record->max_running = 2;
	record->running = 1;
	ck_assert(!record_is_full(record));
	record->running = 2;
	ck_assert(record_is_full(record));
	record->max_running = 1; /* a limit that was lowered meanwhile */
	ck_assert(record_is_full(record));
}
END_TEST

static void add_records(Suite *suite)
{
	TCase *tc = tcase_create("record");

	tcase_add_checked_fixture(tc, set_up_record, tear_down_record);
	tcase_add_test(tc, record_is_found_by_its_whole_name);
	tcase_add_test(tc, names_that_begin_alike_are_told_apart);
	tcase_add_test(tc, records_are_all_walked);
	tcase_add_test(tc, function_is_quarantined_at_its_last_crash_and_once);
	tcase_add_test(tc, any_other_end_begins_the_count_again);
	tcase_add_test(tc, end_of_another_run_does_not_release);
	tcase_add_test(tc, released_function_has_all_its_crashes_before_it);
	tcase_add_test(tc, without_a_limit_nothing_is_quarantined);
	tcase_add_test(tc, last_reasons_are_kept_newest_first);
	tcase_add_test(tc, function_is_full_when_as_many_run_as_may);
	suite_add_tcase(suite, tc);
}

void add_core_handle(Suite *suite)
{
	TCase *tc = tcase_create("handle");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, ids_are_small_enough_for_a_double_and_never_come_twice);
	tcase_add_test(tc, ids_of_another_life_are_others_unless_a_million_a_second_were_made);
	tcase_add_test(tc, handle_belongs_to_its_task_and_is_found_by_its_id);
	tcase_add_test(tc, freed_handle_is_found_no_more_and_leaves_its_task);
	tcase_add_test(tc, key_is_its_users_own);
	tcase_add_test(tc, same_key_of_two_users_in_one_place_is_told_apart);
	tcase_add_test(tc, key_may_have_any_bytes);
	tcase_add_test(tc, dropped_key_can_be_used_again_while_the_first_is_still_there);
	tcase_add_test(tc, table_grows_and_everything_is_found);
	tcase_add_test(tc, table_that_has_grown_still_lets_its_users_go);
	tcase_add_test(tc, handle_keeps_its_user);
	suite_add_tcase(suite, tc);
	add_records(suite);
}
