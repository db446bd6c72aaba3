/* SPDX-License-Identifier: MIT */
/* How often something may be said. */
#include "core/throttle.h"

#include "check_core.h"

#define S THROTTLE_STEP

static struct throttle throttle;

static void set_up(void)
{
	throttle = (struct throttle){0};
}

static int count_taken(uint64_t now, int tries)
{
	int taken = 0;

	for (int i = 0; i < tries; i++)
		taken += throttle_take(&throttle, now);
	return taken;
}

START_TEST(burst_is_let_through_and_no_more)
{
	ck_assert_int_eq(count_taken(5 * S, 1000), THROTTLE_BURST);
	ck_assert_uint_eq(throttle_collect(&throttle), 1000 - THROTTLE_BURST);
}
END_TEST

START_TEST(what_comes_once_a_step_is_never_left_out)
{
	for (uint64_t now = S; now < 1000 * S; now += S)
		ck_assert(throttle_take(&throttle, now));
	ck_assert_uint_eq(throttle_collect(&throttle), 0);
}
END_TEST

START_TEST(once_empty_it_stays_closed_for_the_pause)
{
	count_taken(S, THROTTLE_BURST + 1);
	ck_assert(throttle_is_closed(&throttle, S));
	ck_assert(!throttle_take(&throttle, S + THROTTLE_PAUSE - 1));
	ck_assert(!throttle_is_closed(&throttle, S + THROTTLE_PAUSE));
	ck_assert(throttle_take(&throttle, S + THROTTLE_PAUSE));
}
END_TEST

START_TEST(what_came_back_in_the_pause_is_let_through_together)
{
	count_taken(S, THROTTLE_BURST + 1);
	ck_assert_int_eq(count_taken(S + THROTTLE_PAUSE, 100), THROTTLE_PAUSE / S);
	ck_assert(throttle_is_closed(&throttle, S + THROTTLE_PAUSE));
}
END_TEST

START_TEST(rest_makes_it_full_and_not_fuller)
{
	count_taken(S, THROTTLE_BURST);
	ck_assert_int_eq(count_taken(1000 * S, 100), THROTTLE_BURST);
}
END_TEST

START_TEST(what_was_left_out_is_told_once)
{
	count_taken(S, THROTTLE_BURST + 3);
	ck_assert_uint_eq(throttle_collect(&throttle), 3);
	ck_assert_uint_eq(throttle_collect(&throttle), 0);
}
END_TEST

/* A storm of an hour, a thousand a second: about one for each step, and one account for each pause. */
START_TEST(storm_is_let_through_at_the_rate_of_the_steps)
{
	uint64_t end = 3600 * S, taken = 0, tries = 0, left_out = 0;

	for (uint64_t now = S; now < end; now += S / 1000, tries++)
		taken += throttle_take(&throttle, now);
	left_out = throttle_collect(&throttle);
	ck_assert_uint_eq(taken + left_out, tries);
	ck_assert_uint_le(taken, THROTTLE_BURST + end / S);
	ck_assert_uint_ge(taken, end / S / 2);
}
END_TEST

void add_core_throttle(Suite *suite)
{
	TCase *tc = tcase_create("throttle");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, burst_is_let_through_and_no_more);
	tcase_add_test(tc, what_comes_once_a_step_is_never_left_out);
	tcase_add_test(tc, once_empty_it_stays_closed_for_the_pause);
	tcase_add_test(tc, what_came_back_in_the_pause_is_let_through_together);
	tcase_add_test(tc, rest_makes_it_full_and_not_fuller);
	tcase_add_test(tc, what_was_left_out_is_told_once);
	tcase_add_test(tc, storm_is_let_through_at_the_rate_of_the_steps);
	suite_add_tcase(suite, tc);
}
