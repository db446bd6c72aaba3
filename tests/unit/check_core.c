/* SPDX-License-Identifier: MIT */
/* Tasks, slots and what is small in the core, without processes, pipes or sleeps. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/cores.h"
#include "core/index.h"
#include "core/restart.h"
#include "core/slot.h"
#include "core/task.h"

#include "check_core.h"
#include "check_main.h"

/* ---- tasks ------------------------------------------------------------------------------ */

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
		tasks[i]->frame = malloc(8); /* freed by the table */
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
	task_list_push_front(&list, t[4]);
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
	enum { COUNT = 2000 };
	struct task_table table;
	struct task_index index;
	struct task *t[COUNT];

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

/* ---- restarts --------------------------------------------------------------------------- */

START_TEST(useful_worker_is_replaced_at_once_for_ever)
{
	struct restart restart = {0};
	uint64_t delay;

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(restart_decide(&restart, RESTART_USEFUL, &delay), RESTART_NOW);
}
END_TEST

START_TEST(stillborn_worker_backs_off_then_is_given_up)
{
	struct restart restart = {0};
	uint64_t delay, expected = RESTART_DELAY_FIRST;

	ck_assert_int_eq(restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_NOW);
	for (int i = 2; i < RESTART_TRIES; i++, expected *= 2) {
		ck_assert_int_eq(
			restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_LATER);
		ck_assert_uint_eq(delay, expected);
	}
	ck_assert_int_eq(restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_GIVE_UP);
}
END_TEST

START_TEST(useless_worker_waits_longer_up_to_the_limit_but_is_not_given_up)
{
	struct restart restart = {0};
	uint64_t delay = 0;

	for (int i = 0; i < 100; i++)
		ck_assert_int_ne(
			restart_decide(&restart, RESTART_USELESS, &delay), RESTART_GIVE_UP);
	ck_assert_uint_eq(delay, RESTART_DELAY_MAX);
}
END_TEST

START_TEST(one_useful_life_forgives_all)
{
	struct restart restart = {0};
	uint64_t delay;

	for (int i = 1; i < RESTART_TRIES; i++)
		restart_decide(&restart, RESTART_NEVER_READY, &delay);
	restart_decide(&restart, RESTART_USEFUL, &delay);
	ck_assert_int_eq(restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_NOW);
}
END_TEST

/* ---- cores ------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	double cores;
} quotas[] = {
	{"max 100000\n", CORES_UNLIMITED},
	{"150000 100000\n", 1.5},
	{"-1 100000", CORES_UNLIMITED},
	{"50000\n 100000\n", 0.5},
	{"", CORES_UNLIMITED},
	{"what", CORES_UNLIMITED},
	{"100000 0", CORES_UNLIMITED},
};

START_TEST(quota_is_read)
{
	ck_assert_double_eq_tol(cores_parse_quota(quotas[_i].text), quotas[_i].cores, 1e-9);
}
END_TEST

START_TEST(quota_is_rounded_up_and_never_zero)
{
	ck_assert_uint_eq(cores_count(8, CORES_UNLIMITED), 8);
	ck_assert_uint_eq(cores_count(8, 1.5), 2);
	ck_assert_uint_eq(cores_count(8, 2.0), 2);
	ck_assert_uint_eq(cores_count(8, 0.1), 1);
	ck_assert_uint_eq(cores_count(2, 16.0), 2);
	ck_assert_uint_eq(cores_count(0, CORES_UNLIMITED), 1);
}
END_TEST

START_TEST(cgroup_paths_are_found)
{
	static const char text[] = "12:cpuset:/sets\n4:cpu,cpuacct:/limited/here\n"
				   "1:name=systemd:/s\n0::/user.slice/a\n";
	char path[64];

	ck_assert(cores_parse_cgroup(text, NULL, path, sizeof(path)));
	ck_assert_str_eq(path, "/user.slice/a");
	ck_assert(cores_parse_cgroup(text, "cpu", path, sizeof(path)));
	ck_assert_str_eq(path, "/limited/here");
	ck_assert(cores_parse_cgroup(text, "cpuacct", path, sizeof(path)));
	ck_assert(!cores_parse_cgroup(text, "memory", path, sizeof(path)));
	ck_assert(!cores_parse_cgroup("", NULL, path, sizeof(path)));
	ck_assert(!cores_parse_cgroup(text, "cpu", path, 5));
}
END_TEST

/* ---- slots ------------------------------------------------------------------------------ */

void make_ready(struct slot *slot, uint64_t now)
{
	slot_change(slot, SLOT_ON_WANT);
	slot_change(slot, SLOT_ON_FORK);
	slot_change(slot, SLOT_ON_READY);
	slot->idle_since = now;
}

START_TEST(slot_answers_in_the_order_it_was_handed)
{
	struct task_table table;
	struct slot slot;
	struct task *t[3];

	task_table_init(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	for (uint32_t i = 0; i < 3; i++) {
		t[i] = task_new(&table);
		slot_push(&slot, i + 1, t[i], 10);
	}
	ck_assert_int_eq(slot.state, SLOT_BUSY);
	slot_take_back(&slot, slot_entry_at(&slot, 1));
	ck_assert_uint_eq(slot_head(&slot)->seq, 1);
	slot_pop(&slot, 20);
	ck_assert_uint_eq(slot_head(&slot)->seq, 3); /* the one taken back is passed over */
	ck_assert_int_eq(slot.state, SLOT_BUSY);
	slot_pop(&slot, 30);
	ck_assert_ptr_null(slot_head(&slot));
	ck_assert_int_eq(slot.state, SLOT_IDLE);
	ck_assert_uint_eq(slot.idle_since, 30);
	task_table_fini(&table);
}
END_TEST

START_TEST(slot_takes_no_more_than_its_depth_taken_back_ones_included)
{
	struct task_table table;
	struct slot slot;
	struct task *task;

	task_table_init(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	for (uint32_t i = 0; i < SLOT_DEPTH; i++) {
		task = task_new(&table);
		ck_assert(slot_can_take(&slot, task));
		slot_push(&slot, i + 1, task, 0);
	}
	task = task_new(&table);
	ck_assert(!slot_can_take(&slot, task));
	/* Their words are still in use as long as an older one runs. */
	for (uint32_t i = 1; i < SLOT_DEPTH; i++)
		slot_take_back(&slot, slot_entry_at(&slot, i));
	ck_assert(!slot_can_take(&slot, task));
	slot_pop(&slot, 0);
	ck_assert_int_eq(slot.state, SLOT_IDLE);
	ck_assert(slot_can_take(&slot, task));
	slot_push(&slot, 99, task, 0);
	ck_assert_uint_eq(slot_head(&slot)->seq, 99);
	task_table_fini(&table);
}
END_TEST

START_TEST(exclusive_task_shares_its_slot_with_none)
{
	struct task_table table;
	struct slot slot;
	struct task *plain, *exclusive;

	task_table_init(&table);
	plain = task_new(&table);
	exclusive = task_new(&table);
	exclusive->exclusive = true;
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	slot_push(&slot, 1, exclusive, 0);
	ck_assert(!slot_can_take(&slot, plain));
	slot_pop(&slot, 0);
	slot_push(&slot, 2, plain, 0);
	ck_assert(!slot_can_take(&slot, exclusive));
	task_table_fini(&table);
}
END_TEST

START_TEST(every_state_has_a_name_and_no_event_leads_out_of_the_table)
{
	for (int s = 0; s < SLOT_STATES; s++)
		ck_assert_ptr_nonnull(slot_state_name((enum slot_state)s));
}
END_TEST

START_TEST(impossible_event_is_caught)
{
	struct slot slot;

	slot_init(&slot, 0, -1);
	slot_change(&slot, SLOT_ON_READY); /* without a worker */
}
END_TEST

START_TEST(dismissed_slot_can_be_wanted_again)
{
	struct slot slot;

	slot_init(&slot, 3, -1);
	ck_assert_int_eq(slot.state, SLOT_ABSENT);
	ck_assert(!slot_is_alive(&slot));
	make_ready(&slot, 0);
	ck_assert(slot_is_alive(&slot));
	slot_change(&slot, SLOT_ON_DEATH);
	slot_change(&slot, SLOT_ON_DISMISS);
	ck_assert_int_eq(slot.state, SLOT_ABSENT);
	slot_change(&slot, SLOT_ON_WANT);
	ck_assert_int_eq(slot.state, SLOT_EMPTY);
}
END_TEST

START_TEST(slot_that_lends_leaves_or_stalls_is_handed_nothing_ahead)
{
	struct task_table table;
	struct slot slot;
	struct task *task;
	bool *const why[] = {&slot.lending, &slot.leaving, &slot.stalled, &slot.clogged};

	task_table_init(&table);
	task = task_new(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	slot_push(&slot, 1, task_new(&table), 0);
	ck_assert(slot_can_take(&slot, task));
	for (size_t i = 0; i < COUNT(why); i++) {
		*why[i] = true;
		ck_assert(!slot_can_take(&slot, task));
		*why[i] = false;
	}
	task_table_fini(&table);
}
END_TEST

START_TEST(slot_is_handed_one_ahead_of_long_tasks_and_no_more)
{
	struct task_table table;
	struct slot slot;
	struct task *task;

	task_table_init(&table);
	task = task_new(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	slot.service = SLOT_BACKLOG_MAX;
	slot_push(&slot, 1, task_new(&table), 0);
	ck_assert(slot_can_take(&slot, task));
	slot_push(&slot, 2, task_new(&table), 0);
	ck_assert(!slot_can_take(&slot, task));
	slot.service = SLOT_BACKLOG_MAX / SLOT_DEPTH;
	ck_assert(slot_can_take(&slot, task));
	task_table_fini(&table);
}
END_TEST

START_TEST(progress_ends_a_stall)
{
	struct task_table table;
	struct slot slot;

	task_table_init(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	slot_push(&slot, 1, task_new(&table), 0);
	slot_push(&slot, 2, task_new(&table), 0);
	slot.stalled = true;
	slot_pop(&slot, 10);
	ck_assert(!slot.stalled);
	ck_assert_uint_eq(slot.live, 1);
	task_table_fini(&table);
}
END_TEST

static void add_tasks(TCase *tc)
{
	tcase_add_test(tc, stale_reference_finds_nothing);
	tcase_add_test(tc, no_reference_finds_nothing);
	tcase_add_test(tc, table_grows_and_pointers_stay);
	tcase_add_test(tc, list_keeps_order_through_removals_anywhere);
	tcase_add_test(tc, walk_finds_what_is_not_free_even_if_it_is_freed_meanwhile);
	tcase_add_test(tc, open_call_is_found_by_session_and_msgid);
}

static void add_slots(TCase *tc)
{
	tcase_add_test(tc, slot_answers_in_the_order_it_was_handed);
	tcase_add_test(tc, slot_takes_no_more_than_its_depth_taken_back_ones_included);
	tcase_add_test(tc, exclusive_task_shares_its_slot_with_none);
	tcase_add_test(tc, every_state_has_a_name_and_no_event_leads_out_of_the_table);
	tcase_add_test_raise_signal(tc, impossible_event_is_caught, SIGABRT);
	tcase_add_test(tc, dismissed_slot_can_be_wanted_again);
	tcase_add_test(tc, slot_that_lends_leaves_or_stalls_is_handed_nothing_ahead);
	tcase_add_test(tc, slot_is_handed_one_ahead_of_long_tasks_and_no_more);
	tcase_add_test(tc, progress_ends_a_stall);
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core");
	TCase *tc = tcase_create("parts");

	add_tasks(tc);
	add_slots(tc);
	tcase_add_test(tc, useful_worker_is_replaced_at_once_for_ever);
	tcase_add_test(tc, stillborn_worker_backs_off_then_is_given_up);
	tcase_add_test(tc, useless_worker_waits_longer_up_to_the_limit_but_is_not_given_up);
	tcase_add_test(tc, one_useful_life_forgives_all);
	tcase_add_loop_test(tc, quota_is_read, 0, COUNT(quotas));
	tcase_add_test(tc, quota_is_rounded_up_and_never_zero);
	tcase_add_test(tc, cgroup_paths_are_found);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	Suite *suite = make_suite();

	add_core_scheduler(suite);
	add_core_queue(suite);
	add_core_plan(suite);
	add_core_handle(suite);
	return check_main(suite);
}
