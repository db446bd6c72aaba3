/* SPDX-License-Identifier: MIT */
/* One place for a worker, and the tasks handed to it. */
#include "check_core.h"

#include <signal.h>

#include "core/slot.h"
#include "core/task.h"

/* An absent slot gets a worker that is idle since then. */
static void make_ready(struct slot *slot, uint64_t now)
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

START_TEST(answered_task_lends_its_place_no_more)
{
	struct task_table table;
	struct slot slot;

	task_table_init(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	slot_push(&slot, 1, task_new(&table), 0);
	slot_push(&slot, 2, task_new(&table), 0);
	slot.lending = true;
	slot_pop(&slot, 10);
	ck_assert(!slot.lending);
	task_table_fini(&table);
}
END_TEST

START_TEST(service_is_a_moving_average_in_which_idle_time_does_not_count)
{
	struct task_table table;
	struct slot slot;

	task_table_init(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	for (uint32_t seq = 1; seq <= 3; seq++)
		slot_push(&slot, seq, task_new(&table), 1000);
	slot_measure(&slot, 1, 0, 0, 1800); /* it took 800 */
	ck_assert_uint_eq(slot.service, 800 / 8);
	slot_measure(&slot, 2, 0, 0, 1800 + 2 * 1600);
	ck_assert_uint_eq(slot.service, 100 - 100 / 8 + 1600 / 8);
	ck_assert_uint_eq(slot_backlog(&slot), 3 * slot.service);
	while (slot.live > 0)
		slot_pop(&slot, 5000);
	ck_assert_uint_eq(slot_backlog(&slot), 0);
	slot_push(&slot, 4, task_new(&table), 1000000);
	ck_assert_uint_eq(slot.measured_at, 1000000);
	task_table_fini(&table);
}
END_TEST

START_TEST(workers_account_is_believed_as_far_as_the_clock_allows)
{
	struct task_table table;
	struct slot slot;

	task_table_init(&table);
	slot_init(&slot, 0, -1);
	make_ready(&slot, 0);
	slot_push(&slot, 1, task_new(&table), 1000);
	slot_measure(&slot, 1, 10, 800, 9000); /* 80 each, and much waiting */
	ck_assert_uint_eq(slot.service, 80 / 8);
	slot.service = 0;
	slot_measure(&slot, 1, 11, 1000000, 9800); /* more than there was time for */
	ck_assert_uint_eq(slot.service, 800 / 8);
	slot.service = 0;
	slot_measure(&slot, 1, 5, 0, 10600); /* fewer than before */
	ck_assert_uint_eq(slot.service, 800 / 8);
	task_table_fini(&table);
}
END_TEST

START_TEST(new_worker_inherits_nothing_of_the_old_one_but_its_place)
{
	struct task_table table;
	struct slot slot;
	bool *const states[] = {&slot.clogged, &slot.exclusive, &slot.lending, &slot.leaving,
		&slot.stalled, &slot.is_replaced, &slot.stays};

	task_table_init(&table);
	slot_init(&slot, 3, 5);
	make_ready(&slot, 0);
	slot_push(&slot, 1, task_new(&table), 0);
	for (size_t i = 0; i < COUNT(states); i++)
		*states[i] = true;
	slot.service = 10;
	slot.done = 7;
	slot_clear(&slot);
	for (size_t i = 0; i < COUNT(states); i++)
		ck_assert(!*states[i]);
	ck_assert_ptr_null(slot_head(&slot));
	ck_assert_uint_eq(slot.handed, 0);
	ck_assert_uint_eq(slot.service, 0);
	ck_assert_uint_eq(slot.index, 3);
	ck_assert_int_eq(slot.core, 5);
	ck_assert_uint_eq(slot.done, 7);
	task_table_fini(&table);
}
END_TEST

void add_core_slots(Suite *suite)
{
	TCase *tc = tcase_create("slots");

	tcase_add_test(tc, slot_answers_in_the_order_it_was_handed);
	tcase_add_test(tc, slot_takes_no_more_than_its_depth_taken_back_ones_included);
	tcase_add_test(tc, exclusive_task_shares_its_slot_with_none);
	tcase_add_test(tc, every_state_has_a_name_and_no_event_leads_out_of_the_table);
	tcase_add_test_raise_signal(tc, impossible_event_is_caught, SIGABRT);
	tcase_add_test(tc, dismissed_slot_can_be_wanted_again);
	tcase_add_test(tc, slot_that_lends_leaves_or_stalls_is_handed_nothing_ahead);
	tcase_add_test(tc, slot_is_handed_one_ahead_of_long_tasks_and_no_more);
	tcase_add_test(tc, progress_ends_a_stall);
	tcase_add_test(tc, answered_task_lends_its_place_no_more);
	tcase_add_test(tc, service_is_a_moving_average_in_which_idle_time_does_not_count);
	tcase_add_test(tc, workers_account_is_believed_as_far_as_the_clock_allows);
	tcase_add_test(tc, new_worker_inherits_nothing_of_the_old_one_but_its_place);
	suite_add_tcase(suite, tc);
}
