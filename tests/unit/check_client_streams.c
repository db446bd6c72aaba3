/* SPDX-License-Identifier: MIT */

/* Many calls at once: order, time, back-pressure, event loops and threads. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"

static struct fake fake;

static void setup(void)
{
	fake_open(&fake);
}

static void teardown(void)
{
	fake_close(&fake);
}

static void close_and_join(void)
{
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
}

/* ---- order */

static int64_t wait_int64(uint32_t id, uint32_t *ret_id)
{
	struct ruche_reply *reply;
	int64_t value = -1;

	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	ck_assert_int_eq(ruche_reply_int64(reply, &value), 0);
	*ret_id = ruche_reply_id(reply);
	ruche_reply_free(reply);
	return value;
}

START_TEST(replies_come_in_the_order_of_completion)
{
	uint32_t ids[4], id;

	for (int i = 0; i < 4; i++)
		ids[i] = fake_submit(&fake);
	fake_answer(&fake, ids[2], "02");
	fake_answer(&fake, ids[0], "00");
	fake_answer(&fake, ids[3], "03");
	ck_assert_int_eq(wait_int64(ids[3], &id), 3);
	ck_assert_uint_eq(id, ids[3]);
	ck_assert_int_eq(wait_int64(0, &id), 2);
	ck_assert_uint_eq(id, ids[2]);
	ck_assert_int_eq(wait_int64(0, &id), 0);
	ck_assert_uint_eq(id, ids[0]);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 1);
	fake_answer(&fake, ids[1], "01");
	ck_assert_int_eq(wait_int64(0, &id), 1);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}
END_TEST

START_TEST(frame_in_single_bytes_is_put_together)
{
	uint32_t id = fake_submit(&fake), other;
	static const uint8_t frame[] = {0x94, 1, 0xce, 0, 0, 0, 1, 0xc0, 0xcd, 1, 2};
	struct ruche_reply *reply;

	for (size_t i = 0; i < sizeof(frame); i++) {
		ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), 0);
		ck_assert_int_eq(ruche_next(fake.ruche, &reply), 0);
		fake_send(&fake, &frame[i], 1);
	}
	ck_assert_int_eq(wait_int64(id, &other), 258);
}
END_TEST

START_TEST(ten_thousand_calls_are_each_answered_once)
{
	enum { MANY = 10000 };
	bool *seen = calloc(MANY + 1, sizeof(*seen));
	uint32_t id;

	ck_assert_ptr_nonnull(seen);
	fake_start_echo(&fake, 0);
	for (uint32_t i = 1; i <= MANY; i++) {
		ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "i", (int64_t)i), 0);
		ck_assert_uint_eq(id, i);
	}
	ck_assert_uint_eq(ruche_pending(fake.ruche), MANY);
	for (int i = 0; i < MANY; i++) {
		struct ruche_reply *reply;

		ck_assert_int_eq(ruche_wait(fake.ruche, 0, 5000, &reply), 1);
		id = ruche_reply_id(reply);
		ck_assert(id >= 1 && id <= MANY && !seen[id]);
		seen[id] = true;
		ruche_reply_free(reply);
	}
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	close_and_join();
	free(seen);
}
END_TEST

START_TEST(end_in_the_middle_of_many_answers_the_rest)
{
	enum { MANY = 2000, ANSWERED = 700 };
	int submitted = 0, ok = 0, lost = 0;
	uint32_t id;

	fake_start_echo(&fake, ANSWERED);
	/* It may be over before the last was submitted. */
	while (submitted < MANY && ruche_submit(fake.ruche, &id, "f", "") == 0)
		submitted++;
	ck_assert_int_ge(submitted, ANSWERED);
	for (int i = 0; i < submitted; i++) {
		struct ruche_reply *reply;

		ck_assert_int_eq(ruche_wait(fake.ruche, 0, 5000, &reply), 1);
		if (ruche_reply_code(reply) == RUCHE_OK)
			ok++;
		else
			lost += ruche_reply_code(reply) == RUCHE_DISCONNECTED;
		ruche_reply_free(reply);
	}
	ck_assert_int_eq(ok, ANSWERED);
	ck_assert_int_eq(lost, submitted - ANSWERED);
	close_and_join();
}
END_TEST

/* ---- time */

START_TEST(wait_ends_when_time_is_up)
{
	uint32_t id = fake_submit(&fake);
	struct ruche_reply *reply = NULL;
	uint64_t start = clock_now();

	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), 0);
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 50, &reply), 0);
	ck_assert_uint_ge(clock_now() - start, 50 * CLOCK_MS);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, 1, &reply), 0);
	ck_assert_ptr_null(reply);
	ck_assert_int_eq(ruche_wait(fake.ruche, id + 1, 0, &reply), -ENOENT);
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), 1);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), -ENOENT);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, -1, &reply), -ENOENT);
}
END_TEST

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms = alarms + 1;
}

static void set_alarm(suseconds_t every_us)
{
	const struct itimerval timer = {{0, every_us}, {0, every_us}};
	const struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

START_TEST(signals_do_not_cut_a_wait_short)
{
	uint32_t id = fake_submit(&fake), other;
	struct ruche_reply *reply;
	uint64_t start = clock_now();

	set_alarm(3000);
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 100, &reply), 0);
	ck_assert_uint_ge(clock_now() - start, 100 * CLOCK_MS);
	ck_assert_uint_lt(clock_now() - start, 5 * CLOCK_S);
	ck_assert_int_gt(alarms, 3);
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(wait_int64(id, &other), 5);
	set_alarm(0);
}
END_TEST

/* ---- back-pressure */

START_TEST(submit_does_not_block_when_nothing_is_read)
{
	enum { CALLS = 3000, SIZE = 2000, FRAME = 7 + 2 + 1 + 3 + SIZE };
	static uint8_t data[SIZE];
	uint32_t id;
	size_t len;

	for (int i = 0; i < CALLS; i++)
		ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "y", data, sizeof(data)), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_events(fake.ruche), POLLIN | POLLOUT);
	len = fake_skip(&fake, -1);
	ck_assert_uint_gt(len, 64 * 1024); /* submitting has sent some */
	while ((ruche_events(fake.ruche) & POLLOUT) != 0) {
		ck_assert_int_eq(ruche_process(fake.ruche), 0);
		len += fake_skip(&fake, -1);
	}
	ck_assert_uint_eq(len, (size_t)CALLS * FRAME);
	ck_assert_int_eq(ruche_events(fake.ruche), POLLIN);
}
END_TEST

START_TEST(few_calls_wait_for_company)
{
	uint32_t id;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	ck_assert_int_eq(ruche_events(fake.ruche), POLLIN | POLLOUT);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_uint_eq(fake_skip(&fake, -1), 10);
}
END_TEST

/* A caller that is busy with replies must not leave the daemon without work. */
START_TEST(fetching_replies_sends_what_has_waited)
{
	uint32_t done = fake_submit(&fake), also = fake_submit(&fake), id, ignored;
	uint64_t start;

	fake_answer(&fake, done, "01");
	fake_answer(&fake, also, "02");
	wait_int64(done, &ignored);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	start = clock_now();
	while (clock_now() - start < 2 * CLOCK_MS)
		continue;
	wait_int64(also, &ignored);
	ck_assert_uint_eq(fake_skip(&fake, -1), 10);
}
END_TEST

/* ---- event loops */

START_TEST(event_loop_needs_but_fd_events_and_process)
{
	enum { CALLS = 500 };
	int submitted = 0, fetched = 0;
	struct ruche_reply *reply;
	uint32_t id;

	fake_start_echo(&fake, 0);
	while (fetched < CALLS) {
		struct pollfd pollfd = {.fd = ruche_fd(fake.ruche)};

		while (submitted < CALLS && ruche_pending(fake.ruche) < 32) {
			ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "s", "x"), 0);
			submitted++;
		}
		pollfd.events = ruche_events(fake.ruche);
		ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
		ck_assert_int_eq(ruche_process(fake.ruche), 0);
		while (ruche_next(fake.ruche, &reply) == 1) {
			ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
			ruche_reply_free(reply);
			fetched++;
		}
	}
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	close_and_join();
}
END_TEST

/* ---- threads */

static void *call_many(void *data)
{
	const struct fake *mine = data;
	long wrong = 0;

	for (int64_t i = 0; i < 500; i++) {
		uint8_t want[24] = {0x91};
		struct ruche_reply *reply;
		const void *have;
		size_t len;

		ruche_pack_int128(i, want + 1);
		if (ruche_call(mine->ruche, &reply, "f", "i", i) < 0)
			return (void *)-1L;
		if (ruche_reply_packed(reply, &have, &len) < 0 || memcmp(have, want, len) != 0)
			wrong++;
		ruche_reply_free(reply);
	}
	return (void *)wrong;
}

START_TEST(two_threads_have_a_handle_each)
{
	struct fake two[2];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		fake_open(&two[i]);
		fake_start_echo(&two[i], 0);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, call_many, &two[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		ck_assert_ptr_null(wrong);
		ruche_close(two[i].ruche);
		two[i].ruche = NULL;
		fake_join_echo(&two[i]);
		fake_close(&two[i]);
	}
}
END_TEST

TCase *client_streams_case(void)
{
	TCase *tcase = tcase_create("streams");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, replies_come_in_the_order_of_completion);
	tcase_add_test(tcase, frame_in_single_bytes_is_put_together);
	tcase_add_test(tcase, ten_thousand_calls_are_each_answered_once);
	tcase_add_test(tcase, end_in_the_middle_of_many_answers_the_rest);
	tcase_add_test(tcase, wait_ends_when_time_is_up);
	tcase_add_test(tcase, signals_do_not_cut_a_wait_short);
	tcase_add_test(tcase, submit_does_not_block_when_nothing_is_read);
	tcase_add_test(tcase, few_calls_wait_for_company);
	tcase_add_test(tcase, fetching_replies_sends_what_has_waited);
	tcase_add_test(tcase, event_loop_needs_but_fd_events_and_process);
	tcase_add_test(tcase, two_threads_have_a_handle_each);
	return tcase;
}
