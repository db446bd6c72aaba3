/* SPDX-License-Identifier: MIT */
/* Answers that a worker holds back for a moment, and what becomes of them. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_worker.h"
#include "wire/scan.h"

enum { CALLS = 20 };

/* The seq of each answer in the pipe, then of those behind them that are held; -1 behind the last. */
static int32_t answers[4 * CALLS];
static size_t count;

static void read_pipe(void)
{
	while (rig_read(&worker, &m))
		if (m.type == SCAN_RESPONSE)
			answers[count++] = (int32_t)m.id;
}

static void read_held(void)
{
	static uint8_t held[CLAIM_HELD_MAX];
	size_t len = claim_copy_held(worker.page, held);
	struct scan scan;

	for (size_t at = 0; at < len; at += scan.len) {
		scan_init(&scan, CLAIM_HELD_MAX);
		ck_assert_int_eq(scan_feed(&scan, held + at, len - at), SCAN_DONE);
		if (count == 0 || (int32_t)scan.msgid > answers[count - 1])
			answers[count++] = (int32_t)scan.msgid;
	}
}

/* All that the dead worker has made. */
static void collect(void)
{
	count = 0;
	read_pipe();
	read_held();
	answers[count] = -1;
}

/* So that it finds all of them at once. */
static uint32_t hand_many(int calls)
{
	uint32_t first = 0;

	kill(worker.pid, SIGSTOP);
	for (int i = 0; i < calls; i++) {
		uint32_t seq = rig_hand(&worker, "square", "i", (int64_t)i);

		first = i == 0 ? seq : first;
	}
	return first;
}

static void expect_answers_from(uint32_t first, size_t expected)
{
	ck_assert_uint_eq(count, expected);
	for (size_t i = 0; i < expected; i++)
		ck_assert_int_eq(answers[i], (int32_t)(first + i));
}

START_TEST(answers_outlive_a_crash_of_the_next_task)
{
	static const char *const crashes[] = {"crash.segv", "crash.kill", "crash.abort"};
	uint32_t first = hand_many(CALLS);

	rig_hand(&worker, crashes[_i], "");
	kill(worker.pid, SIGCONT);
	rig_reap(worker.pid);
	collect();
	expect_answers_from(first, CALLS);
}
END_TEST

/* Nobody can be told any more, but what was made is there. */
START_TEST(answers_outlive_the_end_of_the_pipe)
{
	uint32_t first = hand_many(CALLS);

	rig_hand(&worker, "crash.close", "");
	kill(worker.pid, SIGCONT);
	ck_assert_int_eq(WEXITSTATUS(rig_reap(worker.pid)), EXIT_FAILURE);
	collect();
	expect_answers_from(first, CALLS + 1);
}
END_TEST

START_TEST(nothing_is_held_while_it_waits)
{
	uint32_t first = hand_many(CALLS);
	uint64_t done, busy;

	kill(worker.pid, SIGCONT);
	for (uint32_t i = 0; i < CALLS; i++) {
		ck_assert(rig_read(&worker, &m));
		ck_assert_uint_eq(m.id, first + i);
	}
	while ((uint32_t)claim_held_of(worker.page)->state != 0)
		usleep(100); /* it says so behind the write */
	claim_read_account(worker.page, &done, &busy);
	ck_assert_uint_eq(done, CALLS);
	ck_assert_uint_gt(busy, 0);
}
END_TEST

/* It is of a later task, and must not overtake the answers before it. */
START_TEST(progress_comes_behind_what_was_held)
{
	uint32_t first = hand_many(CALLS),
		 seq = rig_hand(&worker, "test.progress", "i", (int64_t)1);

	kill(worker.pid, SIGCONT);
	for (uint32_t i = 0; i < CALLS; i++) {
		ck_assert(rig_read(&worker, &m));
		ck_assert_int_eq(m.type, SCAN_RESPONSE);
		ck_assert_uint_eq(m.id, first + i);
	}
	ck_assert(rig_read(&worker, &m));
	ck_assert_int_eq(m.type, SCAN_NOTIFICATION);
	while (rig_read(&worker, &m) && m.type != SCAN_RESPONSE)
		;
	ck_assert_uint_eq(m.id, seq);
}
END_TEST

START_TEST(lies_about_what_is_held_are_not_believed)
{
	static uint8_t held[CLAIM_HELD_MAX];
	struct claim_held *there = claim_held_of(worker.page);

	atomic_store(&there->state, CLAIM_HELD_MAX + 1);
	ck_assert_uint_eq(claim_copy_held(worker.page, held), 0);
	atomic_store(&there->state, UINT32_MAX);
	ck_assert_uint_eq(claim_copy_held(worker.page, held), 0);
	atomic_store(&there->state, CLAIM_HELD_MAX);
	ck_assert_uint_eq(claim_copy_held(worker.page, held), CLAIM_HELD_MAX);
	ck_assert(!claim_hold(worker.page, "x", 1));
	claim_held_written(worker.page);
	ck_assert(claim_hold(worker.page, "x", 1));
	ck_assert_uint_eq(claim_copy_held(worker.page, held), 1);
}
END_TEST

void check_worker_held(Suite *suite)
{
	TCase *t = worker_case(suite, "held", true);

	tcase_add_loop_test(t, answers_outlive_a_crash_of_the_next_task, 0, 3);
	tcase_add_test(t, answers_outlive_the_end_of_the_pipe);
	tcase_add_test(t, nothing_is_held_while_it_waits);
	tcase_add_test(t, progress_comes_behind_what_was_held);
	tcase_add_test(t, lies_about_what_is_held_are_not_believed);
}
