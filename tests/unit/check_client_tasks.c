/* SPDX-License-Identifier: MIT */

/* Tasks that the daemon knows by an id. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static struct fake fake;

/* The answer is there before the question: each of these functions blocks. */
static void setup(void)
{
	fake_open(&fake);
}

static void teardown(void)
{
	fake_close(&fake);
}

/* The one reply, which must be of this code and is freed; its call was the first. */
static void expect_code(struct ruche_reply *reply, enum ruche_code code)
{
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(ruche_reply_code(reply), code);
	ck_assert_uint_eq(ruche_reply_id(reply), 1);
	ruche_reply_free(reply);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}

/* ---- submitting */

START_TEST(a_submitted_task_has_an_id)
{
	const struct ruche_options kept = {.keep = 2, .detach = true};
	struct ruche_reply *reply = (struct ruche_reply *)&fake;
	uint64_t task = 0;

	fake_answer(&fake, 1, "cf 0010000000000001");
	ck_assert_int_eq(
		ruche_task_submit(fake.ruche, &task, &reply, &kept, "f", "i", (int64_t)5), 0);
	ck_assert_uint_eq(task, 0x10000000000001);
	ck_assert_ptr_null(reply);
	fake_expect(&fake, "94 00 ce00000001 'ruche.submit' 93 'f' 91 05"
			   "82 'keep' cb4000000000000000 'detach' c3");
	fake_answer(&fake, 2, "07");
	ck_assert_int_eq(
		ruche_task_submit_packed(fake.ruche, &task, &reply, NULL, "f", "\x91\x05", 2), 0);
	ck_assert_uint_eq(task, 7);
	fake_expect(&fake, "94 00 ce00000002 'ruche.submit' 92 'f' 91 05");
}
END_TEST

START_TEST(a_command_is_submitted_as_a_function_is)
{
	const char *const argv[] = {"make", "-j2", NULL};
	const struct ruche_command command = {.argv = argv, .stream = true};
	const struct ruche_options tagged = {.tag = "t"};
	struct ruche_reply *reply;
	uint64_t task;

	fake_answer(&fake, 1, "07");
	ck_assert_int_eq(
		ruche_task_submit_command(fake.ruche, &task, &reply, &tagged, &command), 0);
	ck_assert_uint_eq(task, 7);
	fake_expect(&fake, "94 00 ce00000001 'ruche.submit' 93 'ruche.run'"
			   "92 92 'make' '-j2' 81 'stream' c3 81 'tag' 't'");
}
END_TEST

START_TEST(a_task_that_is_refused_has_none)
{
	struct ruche_reply *reply = NULL;
	uint64_t task = 77;

	fake_refuse(&fake, 1, "82 'code' 'busy' 'executed' 'no'");
	ck_assert_int_eq(ruche_task_submit(fake.ruche, &task, &reply, NULL, "f", ""), 0);
	ck_assert_uint_eq(task, 0);
	expect_code(reply, RUCHE_BUSY);
}
END_TEST

static const char *const no_ids[] = {"00", "ff", "c0", "'7'", "90", "cb3ff0000000000000"};

START_TEST(an_answer_that_is_no_id_is_an_error)
{
	struct ruche_reply *reply = NULL;
	uint64_t task = 77;

	fake_answer(&fake, 1, no_ids[_i]);
	ck_assert_int_eq(ruche_task_submit(fake.ruche, &task, &reply, NULL, "f", ""), -EPROTO);
	ck_assert_uint_eq(task, 77);
	ck_assert_ptr_null(reply);
}
END_TEST

START_TEST(a_submission_that_is_cut_off_is_told)
{
	struct ruche_reply *reply = NULL;
	uint64_t task = 77;

	fake_hang_up(&fake);
	ck_assert_int_eq(ruche_task_submit(fake.ruche, &task, &reply, NULL, "f", ""), 0);
	ck_assert_uint_eq(task, 0);
	expect_code(reply, RUCHE_DISCONNECTED);
	ck_assert_int_eq(ruche_task_submit(fake.ruche, &task, &reply, NULL, "f", ""), -ECONNRESET);
	ck_assert_int_eq(ruche_task_result(fake.ruche, 7, -1, &reply), -ECONNRESET);
}
END_TEST

/* ---- asking */

static int ask_result(struct ruche_reply **ret)
{
	return ruche_task_result(fake.ruche, 7, -1, ret);
}

static int ask_result_soon(struct ruche_reply **ret)
{
	return ruche_task_result(fake.ruche, 7, 500, ret);
}

static int ask_result_now(struct ruche_reply **ret)
{
	return ruche_task_result(fake.ruche, UINT64_MAX, 0, ret);
}

static const uint64_t several[] = {7, 300};

static int wait_for_all(struct ruche_reply **ret)
{
	return ruche_task_wait(fake.ruche, several, 2, false, -1, ret);
}

static int wait_for_any(struct ruche_reply **ret)
{
	return ruche_task_wait(fake.ruche, several, 2, true, -1, ret);
}

static int wait_for_any_soon(struct ruche_reply **ret)
{
	return ruche_task_wait(fake.ruche, several, 2, true, 2000, ret);
}

static int wait_for_none(struct ruche_reply **ret)
{
	return ruche_task_wait(fake.ruche, NULL, 0, false, 0, ret);
}

static int cancel(struct ruche_reply **ret)
{
	return ruche_task_cancel(fake.ruche, 7, 0, ret);
}

static int cancel_by_signal(struct ruche_reply **ret)
{
	return ruche_task_cancel(fake.ruche, 7, SIGINT, ret);
}

static int ask_status(struct ruche_reply **ret)
{
	return ruche_task_status(fake.ruche, 7, ret);
}

static int read_log(struct ruche_reply **ret)
{
	return ruche_task_log(fake.ruche, 7, false, NULL, NULL, ret);
}

static int follow_log(struct ruche_reply **ret)
{
	return ruche_task_log(fake.ruche, 7, true, NULL, NULL, ret);
}

static const struct {
	int (*ask)(struct ruche_reply **ret);
	const char *hex; /* after the msgid */
} questions[] = {
	{ask_result, "'ruche.result' 91 07"},
	{ask_result_soon, "'ruche.result' 92 07 81 'timeout' cb3fe0000000000000"},
	{ask_result_now, "'ruche.result' 92 cfffffffffffffffff 81 'timeout' cb0000000000000000"},
	{wait_for_all, "'ruche.wait' 91 92 07 cd012c"},
	{wait_for_any, "'ruche.wait' 92 92 07 cd012c 81 'any' c3"},
	{wait_for_any_soon, "'ruche.wait' 92 92 07 cd012c"
			    "82 'timeout' cb4000000000000000 'any' c3"},
	{wait_for_none, "'ruche.wait' 92 90 81 'timeout' cb0000000000000000"},
	{cancel, "'ruche.cancel_task' 92 07 00"},
	{cancel_by_signal, "'ruche.cancel_task' 92 07 02"},
	{ask_status, "'ruche.task' 91 07"},
	{read_log, "'ruche.log' 91 07"},
	{follow_log, "'ruche.log' 92 07 81 'follow' c3"},
};

START_TEST(a_question_is_one_request)
{
	struct ruche_reply *reply = NULL;

	fake_answer(&fake, 1, "'finished'");
	ck_assert_int_eq(questions[_i].ask(&reply), 0);
	expect_code(reply, RUCHE_OK);
	fake_expect(&fake, "94 00 ce00000001");
	fake_expect(&fake, questions[_i].hex);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

START_TEST(what_the_daemon_says_against_it_is_in_the_reply)
{
	struct ruche_reply *reply = NULL;

	fake_refuse(&fake, 1, "82 'code' 'unknown_task' 'executed' 'no'");
	ck_assert_int_eq(questions[_i].ask(&reply), 0);
	expect_code(reply, RUCHE_UNKNOWN_TASK);
}
END_TEST

START_TEST(a_result_that_is_not_there_yet_is_pending)
{
	struct ruche_reply *reply = NULL;

	fake_refuse(&fake, 1, "82 'code' 'pending' 'executed' 'maybe'");
	ck_assert_int_eq(ask_result_now(&reply), 0);
	ck_assert_str_eq(ruche_code_name(ruche_reply_code(reply)), "pending");
	expect_code(reply, RUCHE_PENDING);
}
END_TEST

START_TEST(other_replies_wait_for_their_turn)
{
	uint32_t other = fake_submit(&fake);
	struct ruche_reply *reply = NULL;

	fake_answer(&fake, other, "05");
	fake_answer(&fake, 2, "06");
	ck_assert_int_eq(ask_status(&reply), 0);
	ck_assert_uint_eq(ruche_reply_id(reply), 2);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 1);
	ck_assert_uint_eq(ruche_reply_id(reply), other);
	ruche_reply_free(reply);
}
END_TEST

/* ---- the log */

struct heard {
	char text[64];
	size_t len;
	int streams; /* a bit for each */
};

static void hear(void *user, int stream, const void *data, size_t len)
{
	struct heard *heard = user;

	ck_assert_uint_le(heard->len + len, sizeof(heard->text));
	memcpy(heard->text + heard->len, data, len);
	heard->len += len;
	heard->streams |= 1 << stream;
}

static void hear_other(void *user, uint32_t id, int stream, const void *data, size_t len)
{
	(void)id;
	hear(user, stream, data, len);
}

START_TEST(a_log_is_told_to_whom_asked_for_it)
{
	struct heard log = {.len = 0}, handle = {.len = 0};
	struct ruche_reply *reply = NULL;
	uint32_t other = fake_submit(&fake);

	ruche_on_output(fake.ruche, hear_other, &handle);
	fake_send_hex(&fake, "93 02 'ruche.output' 93 ce00000002 01 c402 6869");
	fake_send_hex(&fake, "93 02 'ruche.output' 93 ce00000001 01 c401 78");
	fake_send_hex(&fake, "93 02 'ruche.output' 93 ce00000002 02 c401 21");
	fake_answer(&fake, 2, "82 'bytes' 03 'cut' 00");
	ck_assert_int_eq(ruche_task_log(fake.ruche, 7, true, hear, &log, &reply), 0);
	ck_assert_uint_eq(log.len, 3);
	ck_assert_mem_eq(log.text, "hi!", 3);
	ck_assert_int_eq(log.streams, 6);
	ck_assert_uint_eq(handle.len, 1);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_cancel(fake.ruche, other, 0), 0);
}
END_TEST

START_TEST(a_log_that_nobody_hears_is_dropped)
{
	struct heard handle = {.len = 0};
	struct ruche_reply *reply = NULL;

	ruche_on_output(fake.ruche, hear_other, &handle);
	fake_send_hex(&fake, "93 02 'ruche.output' 93 ce00000001 01 c402 6869");
	fake_answer(&fake, 1, "80");
	ck_assert_int_eq(read_log(&reply), 0);
	expect_code(reply, RUCHE_OK);
	ck_assert_uint_eq(handle.len, 0);
}
END_TEST

/* ---- misuse */

static void ask_in_callback(void *user, uint32_t id, double value)
{
	struct ruche_reply *reply;
	uint64_t task;

	(void)id;
	(void)value;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ck_assert_int_eq(questions[i].ask(&reply), -EBUSY);
	ck_assert_int_eq(ruche_task_submit(fake.ruche, &task, &reply, NULL, "f", ""), -EBUSY);
	++*(int *)user;
}

START_TEST(callbacks_may_not_ask)
{
	struct ruche_reply *reply;
	int called = 0;

	fake_submit(&fake);
	ruche_on_progress(fake.ruche, ask_in_callback, &called);
	fake_send_hex(&fake, "93 02 'ruche.progress' 92 ce00000001 05");
	fake_answer(&fake, 1, "05");
	ck_assert_int_eq(ruche_wait(fake.ruche, 1, 5000, &reply), 1);
	ck_assert_int_eq(called, 1);
	expect_code(reply, RUCHE_OK);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

START_TEST(null_is_refused)
{
	const char *const argv[] = {"x", NULL};
	const struct ruche_command command = {.argv = argv};
	struct ruche *r = fake.ruche;
	struct ruche_reply *reply;
	uint64_t task;

	ck_assert_int_eq(ruche_task_submit(NULL, &task, &reply, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_task_submit(r, NULL, &reply, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_task_submit(r, &task, NULL, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_task_submit(r, &task, &reply, NULL, NULL, ""), -EINVAL);
	ck_assert_int_eq(ruche_task_submit(r, &task, &reply, NULL, "f", NULL), -EINVAL);
	ck_assert_int_eq(ruche_task_submit_packed(r, NULL, &reply, NULL, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_task_submit_packed(r, &task, &reply, NULL, "f", NULL, 1), -EINVAL);
	ck_assert_int_eq(ruche_task_submit_packed(r, &task, &reply, NULL, "f", "\x05", 1), -EINVAL);
	ck_assert_int_eq(ruche_task_submit_command(NULL, &task, &reply, NULL, &command), -EINVAL);
	ck_assert_int_eq(ruche_task_submit_command(r, NULL, &reply, NULL, &command), -EINVAL);
	ck_assert_int_eq(ruche_task_submit_command(r, &task, &reply, NULL, NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ck_assert_int_eq(questions[i].ask(NULL), -EINVAL);
	ck_assert_int_eq(ruche_task_result(NULL, 7, 0, &reply), -EINVAL);
	ck_assert_int_eq(ruche_task_wait(r, NULL, 1, false, 0, &reply), -EINVAL);
	ck_assert_int_eq(ruche_task_cancel(r, 7, -1, &reply), -EINVAL);
	ck_assert_int_eq(ruche_task_cancel(r, 7, NSIG, &reply), -EINVAL);
	ck_assert_uint_eq(ruche_pending(r), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_tasks_case(void)
{
	TCase *tcase = tcase_create("tasks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_submitted_task_has_an_id);
	tcase_add_test(tcase, a_command_is_submitted_as_a_function_is);
	tcase_add_test(tcase, a_task_that_is_refused_has_none);
	tcase_add_loop_test(tcase, an_answer_that_is_no_id_is_an_error, 0, COUNT(no_ids));
	tcase_add_test(tcase, a_submission_that_is_cut_off_is_told);
	tcase_add_loop_test(tcase, a_question_is_one_request, 0, COUNT(questions));
	tcase_add_loop_test(
		tcase, what_the_daemon_says_against_it_is_in_the_reply, 0, COUNT(questions));
	tcase_add_test(tcase, a_result_that_is_not_there_yet_is_pending);
	tcase_add_test(tcase, other_replies_wait_for_their_turn);
	tcase_add_test(tcase, a_log_is_told_to_whom_asked_for_it);
	tcase_add_test(tcase, a_log_that_nobody_hears_is_dropped);
	tcase_add_test(tcase, callbacks_may_not_ask);
	tcase_add_test(tcase, null_is_refused);
	return tcase;
}
