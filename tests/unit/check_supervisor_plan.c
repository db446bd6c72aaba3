/* SPDX-License-Identifier: MIT */
/* What plan the options of a call make. */
#include "check_supervisor.h"

#include <ruche/codes.h>

#include "core/plan.h"
#include "supervisor/terms.h"

#define S 1000000000ULL

static struct terms terms;

static void set_up(void)
{
	terms_init(&terms);
}

/* The machine's clock began 100 s ago, at second 4900. */
static struct plan make_plan(void)
{
	struct plan plan = {0};

	terms_make_plan(&terms, &plan, 100 * S, 5000 * S);
	return plan;
}

START_TEST(plan_is_only_made_for_what_needs_it)
{
	double *const numbers[] = {
		&terms.timeout, &terms.deadline, &terms.expires, &terms.delay, &terms.at};

	ck_assert(!terms_need_plan(&terms));
	for (size_t i = 0; i < COUNT(numbers); i++) {
		terms_init(&terms);
		*numbers[i] = 1;
		ck_assert(terms_need_plan(&terms));
	}
	terms_init(&terms);
	terms.attempts = 2;
	ck_assert(terms_need_plan(&terms));
}
END_TEST

START_TEST(what_asks_for_no_time_and_no_second_run_needs_no_plan)
{
	terms.delay = 0;
	terms.priority = 1;
	terms.keep = terms.key_window = terms.backoff = 1;
	terms.retry_on = 1U << RUCHE_FAILED;
	terms.key = terms.tag = terms.pool = (struct option_text){"x", 1};
	terms.detach = true;
	terms.wait = false;
	ck_assert(!terms_need_plan(&terms));
}
END_TEST

START_TEST(plan_counts_from_now)
{
	terms.expires = 1.5;
	terms.delay = 3;
	ck_assert_uint_eq(make_plan().expires, 101 * S + S / 2);
	ck_assert_uint_eq(make_plan().not_before, 103 * S);
}
END_TEST

START_TEST(shortest_timeout_is_not_none)
{
	terms.timeout = 1e-10;
	ck_assert_uint_gt(make_plan().timeout, 0);
	terms.timeout = 2;
	ck_assert_uint_ge(make_plan().timeout, 2 * S);
	ck_assert_uint_le(make_plan().timeout, 2 * S + 1000);
}
END_TEST

START_TEST(points_of_time_are_turned_into_the_clocks)
{
	terms.at = 5010;
	terms.deadline = 5020;
	ck_assert_uint_eq(make_plan().not_before, 110 * S);
	ck_assert_uint_eq(make_plan().deadline, 120 * S);
	terms.deadline = 4990;
	ck_assert_uint_eq(make_plan().deadline, 90 * S);
}
END_TEST

START_TEST(time_before_the_clock_began_is_past_and_not_none)
{
	static const double times[] = {0, 1, 4899, 4900};

	for (size_t i = 0; i < COUNT(times); i++) {
		terms.deadline = terms.at = times[i];
		ck_assert_uint_eq(make_plan().deadline, 1);
		ck_assert_uint_eq(make_plan().not_before, 1);
	}
}
END_TEST

START_TEST(what_is_not_asked_for_has_its_default)
{
	struct plan plan;

	terms.attempts = 3;
	plan = make_plan();
	ck_assert_uint_eq(plan.attempts, 3);
	ck_assert_uint_eq(plan.retry_on, 1U << RUCHE_CRASHED);
	ck_assert_uint_eq(plan.backoff, PLAN_BACKOFF_DEFAULT);
	ck_assert_uint_eq(plan.timeout, 0);
	ck_assert_uint_eq(plan.deadline, 0);
	ck_assert_uint_eq(plan.expires, 0);
	ck_assert_uint_eq(plan.not_before, 0);
}
END_TEST

START_TEST(what_to_retry_on_and_when_replaces_the_default)
{
	terms.retry_on = 1U << RUCHE_FAILED;
	terms.backoff = 0;
	ck_assert_uint_eq(make_plan().retry_on, 1U << RUCHE_FAILED);
	ck_assert_uint_eq(make_plan().backoff, 0);
	terms.backoff = 1.5;
	ck_assert_uint_eq(make_plan().backoff, S + S / 2);
}
END_TEST

void add_supervisor_plan(Suite *suite)
{
	TCase *tc = tcase_create("plan");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, plan_is_only_made_for_what_needs_it);
	tcase_add_test(tc, what_asks_for_no_time_and_no_second_run_needs_no_plan);
	tcase_add_test(tc, plan_counts_from_now);
	tcase_add_test(tc, shortest_timeout_is_not_none);
	tcase_add_test(tc, points_of_time_are_turned_into_the_clocks);
	tcase_add_test(tc, time_before_the_clock_began_is_past_and_not_none);
	tcase_add_test(tc, what_is_not_asked_for_has_its_default);
	tcase_add_test(tc, what_to_retry_on_and_when_replaces_the_default);
	suite_add_tcase(suite, tc);
}
