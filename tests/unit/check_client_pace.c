/* SPDX-License-Identifier: MIT */

/* How many items go into a chunk, by a clock of our own. */

#include "check_client.h"

#include "client/pace.h"

#define US 1000ULL
#define MS 1000000ULL

static struct pace pace;
static uint64_t now;

static void setup(void)
{
	now = 5 * MS;
	pace_init(&pace);
	pace_start(&pace, now);
}

/* Chunks of items end, one chunk after the other, for `how_long`. */
static void run(uint64_t each, uint64_t how_long)
{
	for (uint64_t end = now + how_long; now < end;) {
		now += each * pace.chunk;
		if (pace_count(&pace, pace.chunk))
			pace_look(&pace, now);
	}
}

/* How long an item takes, and what size its chunks come to: about a millisecond's worth. */
static const struct {
	uint64_t each;
	size_t least, most;
} paces[] = {
	{100, PACE_CHUNK_MAX, PACE_CHUNK_MAX}, /* 0.1 us */
	{1 * US, 500, PACE_CHUNK_MAX},
	{5 * US, 100, 200},
	{50 * US, 10, 20},
	{190 * US, 2, 5},
	{210 * US, 1, 1},
	{100 * MS, 1, 1},
};

START_TEST(a_chunk_takes_about_a_millisecond)
{
	run(paces[_i].each, 1000 * MS);
	ck_assert_uint_ge(pace.chunk, paces[_i].least);
	ck_assert_uint_le(pace.chunk, paces[_i].most);
}
END_TEST

START_TEST(it_begins_with_one_item_and_grows_eightfold_at_most)
{
	size_t last = 1;

	ck_assert_uint_eq(pace.chunk, 1);
	for (int i = 0; i < 100000 && pace.chunk < PACE_CHUNK_MAX; i++) {
		run(100, 1);
		ck_assert(pace.chunk >= last && pace.chunk <= 8 * last);
		last = pace.chunk;
	}
	ck_assert_uint_eq(pace.chunk, PACE_CHUNK_MAX);
	/* It was quick to find out. */
	ck_assert_uint_lt(now, 10 * MS);
}
END_TEST

START_TEST(a_slow_item_goes_alone_however_little_is_known)
{
	static const uint64_t times[] = {210 * US, 300 * US, 499 * US};

	run(times[_i], 100 * MS);
	ck_assert_uint_eq(pace.chunk, 1);
}
END_TEST

START_TEST(slow_items_go_alone_soon)
{
	run(1 * US, 100 * MS);
	ck_assert_uint_gt(pace.chunk, 500);
	/* A worker answers after so long, however little of the chunk it has done. */
	for (int i = 0; i < 2; i++) {
		now += 20 * MS;
		if (pace_count(&pace, 2))
			pace_look(&pace, now);
	}
	ck_assert_uint_eq(pace.chunk, 1);
}
END_TEST

START_TEST(a_slower_pace_makes_chunks_smaller)
{
	run(1 * US, 100 * MS);
	run(20 * US, 200 * MS);
	ck_assert_uint_ge(pace.chunk, 25);
	ck_assert_uint_le(pace.chunk, 100);
}
END_TEST

START_TEST(many_answers_at_once_are_not_taken_for_speed)
{
	for (int i = 0; i < 100; i++) {
		now += 500 * 100 * US; /* a hundred items of 500 us come together */
		for (int item = 0; item < 100; item++)
			if (pace_count(&pace, 1))
				pace_look(&pace, now);
		ck_assert_uint_eq(pace.chunk, 1);
	}
}
END_TEST

START_TEST(idle_time_is_not_held_against_the_items)
{
	for (int i = 0; i < 100; i++) {
		run(1 * US, 200 * US);
		pace_stop(&pace, now);
		now += 1000 * MS;
		pace_start(&pace, now);
	}
	ck_assert_uint_gt(pace.chunk, 500);
}
END_TEST

TCase *client_pace_case(void)
{
	TCase *tcase = tcase_create("pace");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, a_chunk_takes_about_a_millisecond, 0,
		(int)(sizeof(paces) / sizeof(paces[0])));
	tcase_add_test(tcase, it_begins_with_one_item_and_grows_eightfold_at_most);
	tcase_add_loop_test(tcase, a_slow_item_goes_alone_however_little_is_known, 0, 3);
	tcase_add_test(tcase, slow_items_go_alone_soon);
	tcase_add_test(tcase, a_slower_pace_makes_chunks_smaller);
	tcase_add_test(tcase, many_answers_at_once_are_not_taken_for_speed);
	tcase_add_test(tcase, idle_time_is_not_held_against_the_items);
	return tcase;
}
