/* SPDX-License-Identifier: MIT */
/* Points of time: the heap of alarms, and what a plan says of a task. */
#include "check_core.h"

#include <stdlib.h>

#include <ruche/codes.h>

#include "core/alarm.h"
#include "core/plan.h"

#define S 1000000000ULL

/* ---- alarms ------------------------------------------------------------------------------ */

static struct alarms alarms;

static void set_up(void)
{
	alarms = (struct alarms){0};
}

static void tear_down(void)
{
	alarms_fini(&alarms);
}

START_TEST(no_alarm_is_set_at_first)
{
	struct alarm alarm = {0};

	ck_assert_ptr_null(alarms_first(&alarms));
	ck_assert(!alarm_is_set(&alarm));
	alarms_clear(&alarms, &alarm); /* harmless */
	ck_assert_ptr_null(alarms_first(&alarms));
}
END_TEST

START_TEST(alarm_moves_both_ways_without_being_set_twice)
{
	struct alarm one = {0}, two = {0};

	alarms_set(&alarms, &one, 10);
	alarms_set(&alarms, &two, 20);
	ck_assert_ptr_eq(alarms_first(&alarms), &one);
	alarms_set(&alarms, &one, 30);
	ck_assert_ptr_eq(alarms_first(&alarms), &two);
	alarms_set(&alarms, &one, 5);
	ck_assert_ptr_eq(alarms_first(&alarms), &one);
	ck_assert_uint_eq(alarms.count, 2);
}
END_TEST

/* The earliest of those that are set, by looking at all of them. */
static uint64_t earliest(const struct alarm *all, size_t count)
{
	uint64_t at = UINT64_MAX;

	for (size_t i = 0; i < count; i++)
		if (alarm_is_set(&all[i]) && all[i].at < at)
			at = all[i].at;
	return at;
}

static void assert_first(const struct alarm *all, size_t count)
{
	const struct alarm *first = alarms_first(&alarms);

	ck_assert_uint_eq(first != NULL ? first->at : UINT64_MAX, earliest(all, count));
}

/* Clears all that are left. */
static void assert_they_come_in_order(void)
{
	uint64_t last = 0;

	while (alarms_first(&alarms) != NULL) {
		ck_assert_uint_ge(alarms_first(&alarms)->at, last);
		last = alarms_first(&alarms)->at;
		alarms_clear(&alarms, alarms_first(&alarms));
	}
	ck_assert_uint_eq(alarms.count, 0);
}

START_TEST(few_alarms_come_in_order_whichever_of_them_is_cleared_or_moved)
{
	enum { MOST = 40 };

	srandom(3);
	for (size_t count = 1; count <= MOST; count++)
		for (size_t i = 0; i < 2 * count; i++) {
			struct alarm all[MOST] = {0};

			for (size_t k = 0; k < count; k++)
				alarms_set(&alarms, &all[k], (uint64_t)random() % 100);
			if (i < count)
				alarms_clear(&alarms, &all[i]);
			else
				alarms_set(&alarms, &all[i - count], (uint64_t)random() % 100);
			assert_they_come_in_order();
		}
}
END_TEST

START_TEST(first_is_the_earliest_through_random_use)
{
	enum { ALARMS = 1000, STEPS = 10000 };
	static struct alarm all[ALARMS];

	srandom(2);
	for (int i = 0; i < STEPS; i++) {
		struct alarm *alarm = &all[(size_t)random() % ALARMS];

		if (random() % 3 == 0)
			alarms_clear(&alarms, alarm);
		else
			ck_assert_int_eq(alarms_set(&alarms, alarm, (uint64_t)random() % 5000), 0);
		if (i % 10 == 0)
			assert_first(all, ALARMS);
	}
	assert_they_come_in_order();
	for (int i = 0; i < ALARMS; i++)
		ck_assert(!alarm_is_set(&all[i]));
}
END_TEST

/* ---- plans: what is due ------------------------------------------------------------------- */

static struct task task;
static struct plan plan;

static void set_up_plan(void)
{
	task = (struct task){.state = TASK_QUEUED, .started_at = 100 * S};
	plan = (struct plan){.task = &task};
}

START_TEST(plan_without_times_is_never_due)
{
	ck_assert_int_eq(plan_due(&plan, false, UINT64_MAX), PLAN_NOTHING);
	ck_assert_int_eq(plan_due(&plan, true, UINT64_MAX), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, false), 0);
	ck_assert_uint_eq(plan_next(&plan, true), 0);
}
END_TEST

START_TEST(delayed_task_starts_at_its_time)
{
	task.state = TASK_DELAYED;
	plan.not_before = 50 * S;
	ck_assert_uint_eq(plan_next(&plan, false), 50 * S);
	ck_assert_int_eq(plan_due(&plan, false, 50 * S - 1), PLAN_NOTHING);
	ck_assert_int_eq(plan_due(&plan, false, 50 * S), PLAN_START);
	task.state = TASK_QUEUED; /* and not again */
	ck_assert_int_eq(plan_due(&plan, false, 50 * S), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, false), 0);
}
END_TEST

START_TEST(task_expires_only_before_its_first_run)
{
	plan.expires = 60 * S;
	ck_assert_uint_eq(plan_next(&plan, false), 60 * S);
	ck_assert_int_eq(plan_due(&plan, false, 60 * S - 1), PLAN_NOTHING);
	ck_assert_int_eq(plan_due(&plan, false, 60 * S), PLAN_EXPIRED);
	ck_assert_int_eq(plan_due(&plan, true, 60 * S), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, true), 0);
	task.attempts = 1;
	ck_assert_int_eq(plan_due(&plan, false, 60 * S), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, false), 0);
}
END_TEST

START_TEST(task_expires_while_it_is_delayed)
{
	task.state = TASK_DELAYED;
	plan.not_before = 70 * S;
	plan.expires = 60 * S;
	ck_assert_uint_eq(plan_next(&plan, false), 60 * S);
	ck_assert_int_eq(plan_due(&plan, false, 60 * S), PLAN_EXPIRED);
}
END_TEST

START_TEST(deadline_counts_always)
{
	plan.deadline = 80 * S;
	plan.expires = 90 * S;
	for (int runs = 0; runs < 2; runs++)
		for (uint16_t attempts = 0; attempts < 2; attempts++) {
			task.attempts = attempts;
			ck_assert_uint_eq(plan_next(&plan, runs), 80 * S);
			ck_assert_int_eq(plan_due(&plan, runs, 80 * S - 1), PLAN_NOTHING);
			ck_assert_int_eq(plan_due(&plan, runs, 80 * S), PLAN_DEADLINE);
		}
}
END_TEST

START_TEST(timeout_counts_from_the_beginning_of_the_run)
{
	plan.timeout = 5 * S;
	ck_assert_int_eq(plan_due(&plan, false, 1000 * S), PLAN_NOTHING);
	ck_assert_uint_eq(plan_next(&plan, false), 0);
	ck_assert_uint_eq(plan_next(&plan, true), 105 * S);
	ck_assert_int_eq(plan_due(&plan, true, 105 * S - 1), PLAN_NOTHING);
	ck_assert_int_eq(plan_due(&plan, true, 105 * S), PLAN_TIMEOUT);
	plan.deadline = 103 * S; /* whichever is first */
	ck_assert_uint_eq(plan_next(&plan, true), 103 * S);
	ck_assert_int_eq(plan_due(&plan, true, 105 * S), PLAN_DEADLINE);
}
END_TEST

/* ---- plans: another attempt --------------------------------------------------------------- */

static const struct {
	unsigned int retry_on;
	enum ruche_code code;
	bool again;
} retries[] = {
	{1U << RUCHE_CRASHED, RUCHE_CRASHED, true},
	{1U << RUCHE_CRASHED, RUCHE_TIMEOUT, false},
	{1U << RUCHE_CRASHED, RUCHE_FAILED, false},
	{1U << RUCHE_TIMEOUT, RUCHE_TIMEOUT, true},
	{1U << RUCHE_FAILED, RUCHE_FAILED, true},
	{1U << RUCHE_FAILED, RUCHE_CRASHED, false},
	{1U << RUCHE_CRASHED | 1U << RUCHE_FAILED, RUCHE_FAILED, true},
	{1U << RUCHE_CRASHED | 1U << RUCHE_FAILED, RUCHE_TIMEOUT, false},
	{1U << RUCHE_CRASHED, RUCHE_CANCELLED, false},
	{1U << RUCHE_CRASHED, RUCHE_BAD_ARGUMENTS, false},
};

START_TEST(only_what_was_asked_for_is_tried_again)
{
	uint64_t delay;

	task.attempts = 1;
	plan.attempts = 2;
	plan.retry_on = retries[_i].retry_on;
	ck_assert_int_eq(plan_retries(&plan, retries[_i].code, 0, &delay), retries[_i].again);
}
END_TEST

START_TEST(there_are_no_more_runs_than_attempts)
{
	uint64_t delay;
	unsigned int runs = 1;

	plan.attempts = 100;
	plan.retry_on = 1U << RUCHE_CRASHED;
	for (task.attempts = 1; plan_retries(&plan, RUCHE_CRASHED, 0, &delay); task.attempts++)
		runs++;
	ck_assert_uint_eq(runs, 100);
	plan.attempts = 1;
	task.attempts = 1;
	ck_assert(!plan_retries(&plan, RUCHE_CRASHED, 0, &delay));
}
END_TEST

static uint64_t pause_after(uint16_t runs, uint32_t random)
{
	uint64_t delay = 0;

	task.attempts = runs;
	ck_assert(plan_retries(&plan, RUCHE_CRASHED, random, &delay));
	return delay;
}

static const struct {
	uint64_t backoff;
	uint16_t runs;
	uint64_t most;
} pauses[] = {
	{S, 1, S},
	{S, 2, 2 * S},
	{S, 3, 4 * S},
	{S, 6, 32 * S},
	{S, 7, PLAN_BACKOFF_MAX},
	{S, 99, PLAN_BACKOFF_MAX},
	{PLAN_BACKOFF_DEFAULT, 1, PLAN_BACKOFF_DEFAULT},
	{1, 99, PLAN_BACKOFF_MAX},
	{3600 * S, 1, PLAN_BACKOFF_MAX},
	{UINT64_MAX, 2, PLAN_BACKOFF_MAX},
	{0, 1, 0},
	{0, 99, 0},
};

START_TEST(pause_doubles_up_to_a_minute_and_half_of_it_is_random)
{
	uint64_t most = pauses[_i].most, least = UINT64_MAX, longest = 0;

	plan.attempts = 100;
	plan.retry_on = 1U << RUCHE_CRASHED;
	plan.backoff = pauses[_i].backoff;
	ck_assert_uint_eq(pause_after(pauses[_i].runs, 0), most / 2);
	ck_assert_uint_le(pause_after(pauses[_i].runs, UINT32_MAX), most);
	ck_assert_uint_ge(pause_after(pauses[_i].runs, UINT32_MAX) + most / 1000, most);
	for (uint32_t i = 0; i < 100; i++) {
		uint64_t delay = pause_after(pauses[_i].runs, i * 2654435761U);

		least = delay < least ? delay : least;
		longest = delay > longest ? delay : longest;
	}
	ck_assert_uint_ge(least, most / 2);
	ck_assert_uint_le(longest, most);
	ck_assert_uint_ge(longest - least, most / 3); /* it is spread */
}
END_TEST

static void add_plans(Suite *suite)
{
	TCase *tc = tcase_create("plan");

	tcase_add_checked_fixture(tc, set_up_plan, NULL);
	tcase_add_test(tc, plan_without_times_is_never_due);
	tcase_add_test(tc, delayed_task_starts_at_its_time);
	tcase_add_test(tc, task_expires_only_before_its_first_run);
	tcase_add_test(tc, task_expires_while_it_is_delayed);
	tcase_add_test(tc, deadline_counts_always);
	tcase_add_test(tc, timeout_counts_from_the_beginning_of_the_run);
	tcase_add_loop_test(tc, only_what_was_asked_for_is_tried_again, 0, COUNT(retries));
	tcase_add_test(tc, there_are_no_more_runs_than_attempts);
	tcase_add_loop_test(
		tc, pause_doubles_up_to_a_minute_and_half_of_it_is_random, 0, COUNT(pauses));
	suite_add_tcase(suite, tc);
}

void add_core_plan(Suite *suite)
{
	TCase *tc = tcase_create("alarm");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, no_alarm_is_set_at_first);
	tcase_add_test(tc, alarm_moves_both_ways_without_being_set_twice);
	tcase_add_test(tc, few_alarms_come_in_order_whichever_of_them_is_cleared_or_moved);
	tcase_add_test(tc, first_is_the_earliest_through_random_use);
	suite_add_tcase(suite, tc);
	add_plans(suite);
}
