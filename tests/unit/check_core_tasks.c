/* SPDX-License-Identifier: MIT */
/* Tasks, their table, lists of them, and the index of open calls. */
#include "check_core.h"

#include <string.h>

#include <stdlib.h>

#include "core/index.h"
#include "core/task.h"

START_TEST(stale_reference_finds_nothing)
{
	struct task_table table;
	struct task *task;
	struct ref ref;

	task_table_init(&table);
	task = task_new(&table);
	ref = task->ref;
	ck_assert_ptr_eq(task_get(&table, ref), task);
	task_free(&table, task);
	ck_assert_ptr_null(task_get(&table, ref));
	task = task_new(&table); /* the same place again */
	ck_assert_uint_eq(task->ref.index, ref.index);
	ck_assert_ptr_null(task_get(&table, ref));
	ck_assert_ptr_eq(task_get(&table, task->ref), task);
	task_table_fini(&table);
}
END_TEST

START_TEST(no_reference_finds_nothing)
{
	struct task_table table;

	task_table_init(&table);
	ck_assert_ptr_null(task_get(&table, REF_NONE));
	ck_assert_ptr_null(task_get(&table, (struct ref){12345, 1}));
	task_table_fini(&table);
}
END_TEST

START_TEST(table_grows_and_pointers_stay)
{
	enum { COUNT = 3000 };
	struct task_table table;
	struct task *tasks[COUNT];

	task_table_init(&table);
	for (int i = 0; i < COUNT; i++) {
		tasks[i] = task_new(&table);
		tasks[i]->msgid = (uint32_t)i;
		ck_assert_int_eq(task_make_frame(tasks[i], 100), 0); /* freed by the table */
	}
	for (int i = 0; i < COUNT; i++) {
		ck_assert_ptr_eq(task_get(&table, tasks[i]->ref), tasks[i]);
		ck_assert_uint_eq(tasks[i]->msgid, (uint32_t)i);
	}
	task_table_fini(&table);
}
END_TEST

START_TEST(list_keeps_order_through_removals_anywhere)
{
	struct task_table table;
	struct task_list list;
	struct task *t[5];

	task_table_init(&table);
	task_list_init(&list, TASK_LIST_QUEUE);
	for (int i = 0; i < 5; i++) {
		t[i] = task_new(&table);
		task_list_push(&list, t[i]);
	}
	task_list_remove(&list, t[2]);
	task_list_remove(&list, t[0]);
	task_list_remove(&list, t[4]);
	task_list_push_before(&list, list.first, t[4]);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_ptr_eq(list.first, t[4]);
	ck_assert_ptr_eq(list.first->next[TASK_LIST_QUEUE], t[1]);
	ck_assert_ptr_eq(list.last, t[3]);
	task_list_remove(&list, t[4]);
	task_list_remove(&list, t[1]);
	task_list_remove(&list, t[3]);
	ck_assert_ptr_null(list.first);
	ck_assert_ptr_null(list.last);
	task_table_fini(&table);
}
END_TEST

START_TEST(walk_finds_what_is_not_free_even_if_it_is_freed_meanwhile)
{
	enum { ALL = 600 };
	struct task_table table;
	struct task *t[ALL], *task = NULL;
	int found = 0;

	task_table_init(&table);
	ck_assert_ptr_null(task_next(&table, NULL));
	for (int i = 0; i < ALL; i++)
		t[i] = task_new(&table);
	for (int i = 0; i < ALL; i += 3)
		task_free(&table, t[i]);
	ck_assert_uint_eq(table.used, ALL * 2 / 3);
	while ((task = task_next(&table, task)) != NULL) {
		found++;
		task_free(&table, task);
	}
	ck_assert_int_eq(found, ALL * 2 / 3);
	ck_assert_uint_eq(table.used, 0);
	task_table_fini(&table);
}
END_TEST

START_TEST(open_call_is_found_by_session_and_msgid)
{
	enum { COUNT = 20000 }; /* the index grows several times */
	static struct task *t[COUNT];
	struct task_table table;
	struct task_index index;

	task_table_init(&table);
	ck_assert_int_eq(task_index_init(&index), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		t[i] = task_new(&table);
		t[i]->session = (struct ref){i % 7, 1};
		t[i]->msgid = i / 7;
		task_index_add(&index, t[i]);
	}
	for (uint32_t i = 0; i < COUNT; i += 3)
		task_index_remove(&index, t[i]);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_ptr_eq(task_index_find(&index, (struct ref){i % 7, 1}, i / 7),
			i % 3 == 0 ? NULL : t[i]);
	ck_assert_ptr_null(task_index_find(&index, (struct ref){1, 2}, 0));
	ck_assert_ptr_null(task_index_find(&index, (struct ref){1, 1}, COUNT));
	task_index_fini(&index);
	task_table_fini(&table);
}
END_TEST

START_TEST(of_one_msgid_the_call_that_was_opened_last_is_found)
{
	enum { COUNT = 5000, SAME = 3 };
	static struct task *t[COUNT * SAME];
	struct task_table table;
	struct task_index index;

	task_table_init(&table);
	ck_assert_int_eq(task_index_init(&index), 0);
	for (uint32_t i = 0; i < COUNT * SAME; i++) {
		t[i] = task_new(&table);
		t[i]->session = (struct ref){1, 1};
		t[i]->msgid = i / SAME;
		task_index_add(&index, t[i]);
	}
	for (uint32_t round = SAME; round-- > 0;)
		for (uint32_t i = 0; i < COUNT; i++) {
			struct task *last = t[i * SAME + round];

			ck_assert_ptr_eq(task_index_find(&index, (struct ref){1, 1}, i), last);
			task_index_remove(&index, last);
		}
	task_index_fini(&index);
	task_table_fini(&table);
}
END_TEST

START_TEST(small_frame_is_used_again_and_a_large_one_is_not)
{
	struct task_table table;
	struct task *task;
	uint8_t *small;

	task_table_init(&table);
	task = task_new(&table);
	ck_assert_int_eq(task_make_frame(task, 20), 0);
	small = task->frame;
	task_free(&table, task);
	task = task_new(&table);
	ck_assert_int_eq(task_make_frame(task, 10), 0);
	ck_assert_ptr_eq(task->frame, small);
	ck_assert_uint_eq(task->len, 10);
	ck_assert_int_eq(task_make_frame(task, 100000), 0);
	ck_assert_uint_eq(task->len, 100000);
	memset(task->frame, 'x', 100000);
	task_free(&table, task);
	ck_assert_uint_lt(task->frame_cap, 1000);
	task_table_fini(&table);
}
END_TEST

START_TEST(dropped_request_keeps_its_name)
{
	struct task_table table;
	struct task *task;

	task_table_init(&table);
	task = task_new(&table);
	ck_assert_int_eq(task_make_frame(task, 50), 0);
	memcpy(task->frame + 8, "square", 6);
	task->name_off = 8;
	task->name_len = 6;
	task_drop_request(task);
	ck_assert_mem_eq(task->frame + task->name_off, "square", 6);
	task_table_fini(&table);
}
END_TEST

void add_core_tasks(Suite *suite)
{
	TCase *tc = tcase_create("tasks");

	tcase_add_test(tc, stale_reference_finds_nothing);
	tcase_add_test(tc, no_reference_finds_nothing);
	tcase_add_test(tc, table_grows_and_pointers_stay);
	tcase_add_test(tc, list_keeps_order_through_removals_anywhere);
	tcase_add_test(tc, walk_finds_what_is_not_free_even_if_it_is_freed_meanwhile);
	tcase_add_test(tc, open_call_is_found_by_session_and_msgid);
	tcase_add_test(tc, of_one_msgid_the_call_that_was_opened_last_is_found);
	tcase_add_test(tc, small_frame_is_used_again_and_a_large_one_is_not);
	tcase_add_test(tc, dropped_request_keeps_its_name);
	suite_add_tcase(suite, tc);
}
