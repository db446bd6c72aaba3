/* SPDX-License-Identifier: MIT */
/* The policy of the pool, without processes, pipes or sleeps. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/cores.h"
#include "core/index.h"
#include "core/restart.h"
#include "core/scheduler.h"
#include "core/task.h"

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

/* ---- the scheduler ------------------------------------------------------------------------ */

static struct scheduler scheduler;
static struct task_table tasks;
static struct queue_client client;
static uint32_t next_seq;

static void setup(void)
{
	next_seq = 1;
	task_table_init(&tasks);
	ck_assert_int_eq(scheduler_init(&scheduler, 4), 0);
	scheduler.width = 2;
	for (uint32_t i = 0; i < 2; i++) {
		struct slot *slot = scheduler_want_slot(&scheduler, (int)i);

		ck_assert_uint_eq(slot->index, i);
		slot_change(slot, SLOT_ON_FORK);
		slot_change(slot, SLOT_ON_READY);
		slot->idle_since = 100 * (i + 1);
	}
}

static void teardown(void)
{
	queue_client_fini(&client);
	client = (struct queue_client){0};
	task_table_fini(&tasks);
	scheduler_fini(&scheduler);
}

static struct task *enqueue(void)
{
	struct task *task = task_new(&tasks);

	task->flow = queue_flow(&scheduler.queue, &client, 0);
	queue_push(task);
	return task;
}

/* Hands out the first task; the slot it went to, NULL if to none. */
static struct slot *hand(void)
{
	struct task *task = queue_first(&scheduler.queue);
	struct slot *slot = task != NULL ? scheduler_pick_slot(&scheduler, task) : NULL;

	if (slot == NULL)
		return NULL;
	queue_take(task);
	slot_push(slot, next_seq++, task, 0);
	return slot;
}

START_TEST(most_recently_idle_slot_is_first)
{
	enqueue();
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
}
END_TEST

START_TEST(idle_slot_comes_before_a_busy_one)
{
	enqueue();
	enqueue();
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]);
}
END_TEST

START_TEST(more_goes_to_the_slot_with_fewest)
{
	for (int i = 0; i < 6; i++)
		enqueue();
	while (hand() != NULL)
		;
	ck_assert_uint_eq(scheduler.slots[0].live, 3);
	ck_assert_uint_eq(scheduler.slots[1].live, 3);
	ck_assert_ptr_null(queue_first(&scheduler.queue));
}
END_TEST

START_TEST(queue_keeps_what_no_slot_takes)
{
	for (int i = 0; i < 2 * SLOT_DEPTH + 5; i++)
		enqueue();
	while (hand() != NULL)
		;
	ck_assert_uint_eq(scheduler.queue.count, 5);
	ck_assert_uint_eq(scheduler_in_flight(&scheduler), 2 * SLOT_DEPTH);
}
END_TEST

START_TEST(victim_is_the_slot_with_most_waiting)
{
	uint32_t count = 0;

	for (int i = 0; i < 7; i++)
		enqueue();
	while (hand() != NULL)
		;
	while (scheduler.slots[0].live > 0)
		slot_pop(&scheduler.slots[0], 300);
	ck_assert_ptr_eq(scheduler_find_idle(&scheduler), &scheduler.slots[0]);
	ck_assert_ptr_eq(scheduler_pick_victim(&scheduler, &count), &scheduler.slots[1]);
	ck_assert_uint_eq(count, scheduler.slots[1].live / 2);
}
END_TEST

START_TEST(slot_that_only_runs_its_task_is_no_victim)
{
	uint32_t count;

	enqueue();
	hand();
	ck_assert_ptr_null(scheduler_pick_victim(&scheduler, &count));
}
END_TEST

START_TEST(no_more_slots_run_than_the_width_but_a_lending_one_does_not_count)
{
	scheduler.width = 1;
	enqueue();
	enqueue();
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_null(scheduler_find_idle(&scheduler));
	scheduler.slots[1].lending = true;
	ck_assert_ptr_eq(scheduler_find_idle(&scheduler), &scheduler.slots[0]);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]);
	ck_assert_uint_eq(scheduler_lending(&scheduler), 1);
}
END_TEST

START_TEST(slot_that_leaves_is_kept_or_has_had_its_tasks_takes_no_more)
{
	struct task *task = enqueue();

	scheduler.slots[0].leaving = true;
	scheduler.slots[1].reserve = true;
	ck_assert_ptr_null(scheduler_pick_slot(&scheduler, task));
	scheduler.slots[1].reserve = false;
	scheduler.slots[1].handed_max = 1;
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_null(scheduler_pick_slot(&scheduler, enqueue()));
}
END_TEST

START_TEST(who_has_nothing_precedes_who_has_several_if_that_takes_long)
{
	struct queue_client other = {0};
	struct slot *slot = &scheduler.slots[0];
	struct task *fresh = task_new(&tasks);

	fresh->flow = queue_flow(&scheduler.queue, &other, 0);
	for (int i = 0; i < 8; i++)
		enqueue()->flow->in_flight++;
	while (hand() != NULL)
		;
	ck_assert(
		!scheduler_is_urgent(&tasks, slot, fresh)); /* as far as is known they are short */
	slot->service = SCHEDULER_PATIENCE;
	ck_assert(scheduler_is_urgent(&tasks, slot, fresh));
	ck_assert_ptr_eq(scheduler_pick_yielding(&scheduler), &scheduler.slots[1]);
	fresh->flow->in_flight = 1;
	ck_assert(!scheduler_is_urgent(&tasks, slot, fresh));
	fresh->flow = queue_flow(&scheduler.queue, &other, 1); /* of a higher priority */
	ck_assert(scheduler_is_urgent(&tasks, slot, fresh));
	queue_client_fini(&other);
}
END_TEST

START_TEST(pool_is_dead_when_every_slot_is_given_up)
{
	for (int i = 0; i < 2; i++) {
		ck_assert(!scheduler_is_dead(&scheduler));
		slot_change(&scheduler.slots[i], SLOT_ON_DEATH);
		slot_change(&scheduler.slots[i], SLOT_ON_GIVE_UP);
	}
	ck_assert(scheduler_is_dead(&scheduler));
	ck_assert_ptr_null(scheduler_pick_slot(&scheduler, enqueue()));
}
END_TEST

static TCase *make_scheduler_case(void)
{
	TCase *tc = tcase_create("scheduler");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, most_recently_idle_slot_is_first);
	tcase_add_test(tc, idle_slot_comes_before_a_busy_one);
	tcase_add_test(tc, more_goes_to_the_slot_with_fewest);
	tcase_add_test(tc, queue_keeps_what_no_slot_takes);
	tcase_add_test(tc, victim_is_the_slot_with_most_waiting);
	tcase_add_test(tc, slot_that_only_runs_its_task_is_no_victim);
	tcase_add_test(tc, no_more_slots_run_than_the_width_but_a_lending_one_does_not_count);
	tcase_add_test(tc, slot_that_leaves_is_kept_or_has_had_its_tasks_takes_no_more);
	tcase_add_test(tc, who_has_nothing_precedes_who_has_several_if_that_takes_long);
	tcase_add_test(tc, pool_is_dead_when_every_slot_is_given_up);
	return tc;
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core");
	TCase *tc = tcase_create("parts");

	tcase_add_test(tc, stale_reference_finds_nothing);
	tcase_add_test(tc, no_reference_finds_nothing);
	tcase_add_test(tc, table_grows_and_pointers_stay);
	tcase_add_test(tc, list_keeps_order_through_removals_anywhere);
	tcase_add_test(tc, open_call_is_found_by_session_and_msgid);
	tcase_add_test(tc, useful_worker_is_replaced_at_once_for_ever);
	tcase_add_test(tc, stillborn_worker_backs_off_then_is_given_up);
	tcase_add_test(tc, useless_worker_waits_longer_up_to_the_limit_but_is_not_given_up);
	tcase_add_test(tc, one_useful_life_forgives_all);
	tcase_add_loop_test(tc, quota_is_read, 0, sizeof(quotas) / sizeof(quotas[0]));
	tcase_add_test(tc, quota_is_rounded_up_and_never_zero);
	tcase_add_test(tc, cgroup_paths_are_found);
	tcase_add_test(tc, slot_answers_in_the_order_it_was_handed);
	tcase_add_test(tc, slot_takes_no_more_than_its_depth_taken_back_ones_included);
	tcase_add_test(tc, exclusive_task_shares_its_slot_with_none);
	tcase_add_test(tc, every_state_has_a_name_and_no_event_leads_out_of_the_table);
	tcase_add_test_raise_signal(tc, impossible_event_is_caught, SIGABRT);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, make_scheduler_case());
	return suite;
}

int main(void)
{
	return check_main(make_suite());
}
