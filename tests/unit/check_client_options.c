/* SPDX-License-Identifier: MIT */

/* What may be asked of a call, and asking how calls are. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- options */

/* Each field, and what travels for it. */
static const struct {
	struct ruche_options options;
	const char *hex;
} options[] = {
	{{.pool = "gpu"}, "81 'pool' 'gpu'"},
	{{.priority = 10}, "81 'priority' 0a"},
	{{.priority = -10}, "81 'priority' f6"},
	{{.timeout = 0.5}, "81 'timeout' cb3fe0000000000000"},
	{{.timeout = -1}, "81 'timeout' cbbff0000000000000"},
	{{.timeout = NAN}, "81 'timeout' cb7ff8000000000000"},
	{{.deadline = 2}, "81 'deadline' cb4000000000000000"},
	{{.expires = 2}, "81 'expires' cb4000000000000000"},
	{{.delay = 2}, "81 'delay' cb4000000000000000"},
	{{.at = 2}, "81 'at' cb4000000000000000"},
	{{.attempts = 1}, "81 'attempts' 01"},
	{{.attempts = 3, .retry_on = RUCHE_RETRY_ON(RUCHE_TIMEOUT)},
		"82 'attempts' 03 'retry_on' 91 'timeout'"},
	{{.attempts = 3, .retry_on = RUCHE_RETRY_ON(RUCHE_CRASHED) | RUCHE_RETRY_ON(RUCHE_FAILED)},
		"82 'attempts' 03 'retry_on' 92 'failed' 'crashed'"},
	{{.retry_on = 1U << 31}, "81 'retry_on' 91 'unknown'"},
	{{.backoff = 2}, "81 'backoff' cb4000000000000000"},
	{{.key = "k"}, "81 'key' 'k'"},
	{{.key = ""}, "81 'key' ''"},
	{{.key_window = 2}, "81 'key_window' cb4000000000000000"},
	{{.keep = 2}, "81 'keep' cb4000000000000000"},
	{{.detach = true}, "81 'detach' c3"},
	{{.no_wait = true}, "81 'wait' c2"},
	{{.tag = "nightly"}, "81 'tag' 'nightly'"},
	{{.pool = "p", .priority = 1, .timeout = 2, .no_wait = true, .tag = "t"},
		"85 'pool' 'p' 'priority' 01 'timeout' cb4000000000000000 'wait' c2 'tag' 't'"},
};

START_TEST(what_was_set_travels_in_a_map)
{
	uint32_t id = 0;

	ck_assert_int_eq(ruche_apply_async(
				 fake.ruche, &id, &options[_i].options, "f", "is", (int64_t)5, "x"),
		0);
	ck_assert_uint_eq(id, 1);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 'ruche.call' 93 'f' 92 05 'x'");
	fake_expect(&fake, options[_i].hex);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

START_TEST(without_options_a_call_is_as_short_as_ever)
{
	static const struct ruche_options none;
	const char *const argv[] = {"ls", NULL};
	const struct ruche_command command = {.argv = argv};
	uint32_t id;

	ck_assert_int_eq(ruche_apply_async(fake.ruche, &id, NULL, "f", "i", (int64_t)5), 0);
	ck_assert_int_eq(ruche_apply_async(fake.ruche, &id, &none, "f", "i", (int64_t)5), 0);
	ck_assert_int_eq(ruche_apply_packed(fake.ruche, &id, &none, "f", "\x91\x05", 2), 0);
	ck_assert_int_eq(ruche_apply_command(fake.ruche, &id, &none, &command), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 'f' 91 05");
	fake_expect(&fake, "94 00 ce00000002 'f' 91 05");
	fake_expect(&fake, "94 00 ce00000003 'f' 91 05");
	fake_expect(&fake, "94 00 ce00000004 'ruche.run' 92 91 'ls' 80");
}
END_TEST

START_TEST(packed_arguments_and_commands_take_options)
{
	static const struct ruche_options urgent = {.priority = 3};
	const char *const argv[] = {"ls", NULL};
	const struct ruche_command command = {.argv = argv, .cwd = "/tmp"};
	uint32_t id;

	ck_assert_int_eq(ruche_apply_packed(fake.ruche, &id, &urgent, "f", "\x91\x05", 2), 0);
	ck_assert_int_eq(ruche_apply_command(fake.ruche, &id, &urgent, &command), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 'ruche.call' 93 'f' 91 05 81 'priority' 03");
	fake_expect(&fake, "94 00 ce00000002 'ruche.call' 93 'ruche.run'"
			   "92 91 'ls' 81 'cwd' '/tmp' 81 'priority' 03");
}
END_TEST

START_TEST(a_call_with_options_waits_for_its_end)
{
	static const struct ruche_options urgent = {.priority = 3};
	struct ruche_reply *reply;
	int64_t value = 0;

	fake_answer(&fake, 1, "07");
	ck_assert_int_eq(ruche_apply(fake.ruche, &reply, &urgent, "f", ""), 0);
	ck_assert_int_eq(ruche_reply_int64(reply, &value), 0);
	ck_assert_int_eq(value, 7);
	ruche_reply_free(reply);
	fake_refuse(&fake, 2, "81 'code' 'timeout'");
	ck_assert_int_eq(ruche_apply(fake.ruche, &reply, &urgent, "f", ""), 0);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_TIMEOUT);
	ruche_reply_free(reply);
	fake_expect(&fake, "94 00 ce00000001 'ruche.call' 93 'f' 90 81 'priority' 03");
}
END_TEST

static const char *const no_args[] = {"", "05", "80", "91 01 02", "91", "c1"};

START_TEST(with_options_too_packed_arguments_are_one_array)
{
	static const struct ruche_options urgent = {.priority = 3};
	uint8_t bytes[16];
	size_t len = bytes_of(no_args[_i], bytes, sizeof(bytes));
	uint32_t id;

	ck_assert_int_eq(ruche_apply_packed(fake.ruche, &id, &urgent, "f", bytes, len), -EINVAL);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

START_TEST(with_options_too_a_function_has_a_name)
{
	static const struct ruche_options urgent = {.priority = 3};
	char name[257];
	uint32_t id;

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	ck_assert_int_eq(ruche_apply_async(fake.ruche, &id, &urgent, "", ""), -EINVAL);
	ck_assert_int_eq(ruche_apply_async(fake.ruche, &id, &urgent, name, ""), -EINVAL);
	ck_assert_int_eq(ruche_apply_async(fake.ruche, &id, &urgent, "f", "q"), -EINVAL);
	name[255] = '\0';
	ck_assert_int_eq(ruche_apply_async(fake.ruche, &id, &urgent, name, ""), 0);
	ck_assert_uint_eq(id, 1);
}
END_TEST

/* ---- how calls are */

START_TEST(ready_and_successful_tell_without_fetching)
{
	uint32_t good = fake_submit(&fake), bad = fake_submit(&fake), open = fake_submit(&fake);
	struct ruche_reply *reply;

	ck_assert_int_eq(ruche_ready(fake.ruche, good), 0);
	ck_assert_int_eq(ruche_successful(fake.ruche, good), -EAGAIN);
	fake_answer(&fake, good, "05");
	fake_refuse(&fake, bad, "81 'code' 'crashed'");
	ck_assert_int_eq(ruche_ready(fake.ruche, good), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_ready(fake.ruche, good), 1);
	ck_assert_int_eq(ruche_successful(fake.ruche, good), 1);
	ck_assert_int_eq(ruche_ready(fake.ruche, bad), 1);
	ck_assert_int_eq(ruche_successful(fake.ruche, bad), 0);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 3);
	ck_assert_int_eq(ruche_wait(fake.ruche, good, 0, &reply), 1);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_ready(fake.ruche, good), -ENOENT);
	ck_assert_int_eq(ruche_successful(fake.ruche, good), -ENOENT);
	fake_hang_up(&fake);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_ready(fake.ruche, open), 1);
	ck_assert_int_eq(ruche_successful(fake.ruche, open), 0);
}
END_TEST

START_TEST(any_is_the_first_in_the_array_that_has_ended)
{
	uint32_t ids[3];
	size_t index = 77;

	for (int i = 0; i < 3; i++)
		ids[i] = fake_submit(&fake);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, ids, 3, 0, &index), 0);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, ids, 3, 20, &index), 0);
	ck_assert_uint_eq(index, 77);
	fake_answer(&fake, ids[2], "02");
	ck_assert_int_eq(ruche_wait_any(fake.ruche, ids, 3, 5000, &index), 1);
	ck_assert_uint_eq(index, 2);
	fake_answer(&fake, ids[1], "01");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, ids, 3, -1, &index), 1);
	ck_assert_uint_eq(index, 1);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 3);
	ids[0] = 99;
	ck_assert_int_eq(ruche_wait_any(fake.ruche, ids, 3, -1, &index), -ENOENT);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, NULL, 0, -1, &index), -ENOENT);
}
END_TEST

START_TEST(all_is_when_the_last_has_ended)
{
	uint32_t ids[3];
	uint64_t start = clock_now();

	for (int i = 0; i < 3; i++)
		ids[i] = fake_submit(&fake);
	fake_answer(&fake, ids[1], "01");
	fake_answer(&fake, ids[0], "00");
	ck_assert_int_eq(ruche_wait_all(fake.ruche, ids, 3, 50), 0);
	ck_assert_uint_ge(clock_now() - start, 50 * CLOCK_MS);
	ck_assert_int_eq(ruche_wait_all(fake.ruche, ids, 2, 0), 1);
	fake_refuse(&fake, ids[2], "'no'");
	ck_assert_int_eq(ruche_wait_all(fake.ruche, ids, 3, -1), 1);
	ck_assert_int_eq(ruche_wait_all(fake.ruche, NULL, 0, -1), 1);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 3);
	ids[2] = 99;
	ck_assert_int_eq(ruche_wait_all(fake.ruche, ids, 3, -1), -ENOENT);
}
END_TEST

START_TEST(the_end_of_the_connection_ends_all_waiting)
{
	uint32_t ids[] = {fake_submit(&fake), fake_submit(&fake)};
	size_t index;

	fake_hang_up(&fake);
	ck_assert_int_eq(ruche_wait_all(fake.ruche, ids, 2, -1), 1);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, ids, 2, -1, &index), 1);
	ck_assert_uint_eq(index, 0);
}
END_TEST

static void wait_in_callback(void *user, uint32_t id, double value)
{
	const struct ruche_options urgent = {.priority = 1};
	struct ruche_reply *reply;
	size_t index;

	(void)value;
	ck_assert_int_eq(ruche_apply(fake.ruche, &reply, &urgent, "f", ""), -EBUSY);
	ck_assert_int_eq(ruche_wait_all(fake.ruche, &id, 1, 0), -EBUSY);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, &id, 1, 0, &index), -EBUSY);
	ck_assert_int_eq(ruche_ready(fake.ruche, id), 0);
	++*(int *)user;
}

START_TEST(callbacks_may_not_wait)
{
	uint32_t id = fake_submit(&fake);
	int called = 0;

	ruche_on_progress(fake.ruche, wait_in_callback, &called);
	fake_send_hex(&fake, "93 02 'ruche.progress' 92 ce00000001 05");
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_wait_all(fake.ruche, &id, 1, 5000), 1);
	ck_assert_int_eq(called, 1);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 1);
}
END_TEST

/* ---- what is known of an error */

START_TEST(an_error_tells_the_tasks_history)
{
	struct ruche_reply *reply;
	const struct ruche_error *error;
	uint32_t id = fake_submit(&fake);

	fake_refuse(&fake, id,
		"84 'code' 'timeout' 'attempts' 03 'queued' cb3fd0000000000000"
		"'ran' cb3ff8000000000000");
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	error = ruche_reply_error(reply);
	ck_assert_uint_eq(error->attempts, 3);
	ck_assert(error->queued_for == 0.25);
	ck_assert(error->ran_for == 1.5);
	ruche_reply_free(reply);
}
END_TEST

static const struct {
	struct ruche_error error;
	const char *text;
} descriptions[] = {
	{{.code = RUCHE_BUSY, .exit_status = -1}, "busy; executed: no"},
	{{.code = RUCHE_CRASHED,
		 .executed = RUCHE_EXECUTED_MAYBE,
		 .signal = 11,
		 .exit_status = -1,
		 .attempts = 3,
		 .queued_for = 0.002,
		 .ran_for = 1.25,
		 .peak_memory = 3250586},
		"crashed; executed: maybe; signal 11 (SIGSEGV); attempts: 3; "
		"queued 0.002 s, ran 1.250 s; peak memory 3.1 MiB"},
	{{.code = RUCHE_CRASHED, .signal = 9, .cause = "out_of_memory", .exit_status = -1},
		"crashed; executed: no; signal 9 (SIGKILL); cause: out_of_memory"},
	{{.code = RUCHE_FAILED, .executed = RUCHE_EXECUTED_YES}, "failed; executed: yes; "
								 "exit status 0"},
	{{.code = RUCHE_TIMEOUT, .exit_status = -1, .queued_for = 60},
		"timeout; executed: no; queued 60.000 s, ran 0.000 s"},
	{{.code = RUCHE_CRASHED, .signal = 99, .exit_status = -1},
		"crashed; executed: no; signal 99"},
	{{.code = RUCHE_CODE_COUNT, .executed = RUCHE_EXECUTED_COUNT, .exit_status = -1},
		"unknown; executed: unknown"},
};

START_TEST(an_error_is_described_as_far_as_it_is_known)
{
	char text[RUCHE_ERROR_TEXT_MAX];
	const char *described = ruche_error_describe(&descriptions[_i].error, text, sizeof(text));

	ck_assert_ptr_eq(described, text);
	ck_assert_str_eq(text, descriptions[_i].text);
}
END_TEST

START_TEST(a_description_is_cut_to_the_room_there_is)
{
	const struct ruche_error *error = &descriptions[1].error;
	size_t len = strlen(descriptions[1].text);
	char text[RUCHE_ERROR_TEXT_MAX];

	for (size_t size = 1; size <= len + 1; size++) {
		memset(text, '#', sizeof(text));
		ck_assert_ptr_eq(ruche_error_describe(error, text, size), text);
		ck_assert_uint_eq(strlen(text), size - 1);
		ck_assert_mem_eq(text, descriptions[1].text, size - 1);
		ck_assert_int_eq(text[size], '#');
	}
	ck_assert_str_eq(ruche_error_describe(NULL, text, sizeof(text)), "");
	ck_assert_str_eq(ruche_error_describe(error, NULL, 0), "");
	ck_assert_str_eq(ruche_error_describe(error, text, 0), "");
}
END_TEST

/* ---- NULL */

START_TEST(null_is_refused)
{
	const char *const argv[] = {"x", NULL};
	const struct ruche_command command = {.argv = argv};
	struct ruche *r = fake.ruche;
	struct ruche_reply *reply;
	uint32_t id = 1;
	size_t index;

	ck_assert_int_eq(ruche_apply(NULL, &reply, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_apply(r, NULL, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_apply(r, &reply, NULL, NULL, ""), -EINVAL);
	ck_assert_int_eq(ruche_apply(r, &reply, NULL, "f", NULL), -EINVAL);
	ck_assert_int_eq(ruche_apply_async(NULL, &id, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_apply_async(r, NULL, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_apply_packed(r, &id, NULL, NULL, "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_apply_packed(r, &id, NULL, "f", NULL, 1), -EINVAL);
	ck_assert_int_eq(ruche_apply_packed(r, NULL, NULL, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_apply_command(NULL, &id, NULL, &command), -EINVAL);
	ck_assert_int_eq(ruche_apply_command(r, NULL, NULL, &command), -EINVAL);
	ck_assert_int_eq(ruche_apply_command(r, &id, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ruche_ready(NULL, 1), -EINVAL);
	ck_assert_int_eq(ruche_successful(NULL, 1), -EINVAL);
	ck_assert_int_eq(ruche_wait_any(NULL, &id, 1, 0, &index), -EINVAL);
	ck_assert_int_eq(ruche_wait_any(r, NULL, 1, 0, &index), -EINVAL);
	ck_assert_int_eq(ruche_wait_any(r, &id, 1, 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_wait_all(NULL, &id, 1, 0), -EINVAL);
	ck_assert_int_eq(ruche_wait_all(r, NULL, 1, 0), -EINVAL);
	ck_assert_uint_eq(ruche_pending(r), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_options_case(void)
{
	TCase *tcase = tcase_create("options");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_was_set_travels_in_a_map, 0, COUNT(options));
	tcase_add_test(tcase, without_options_a_call_is_as_short_as_ever);
	tcase_add_test(tcase, packed_arguments_and_commands_take_options);
	tcase_add_test(tcase, a_call_with_options_waits_for_its_end);
	tcase_add_loop_test(
		tcase, with_options_too_packed_arguments_are_one_array, 0, COUNT(no_args));
	tcase_add_test(tcase, with_options_too_a_function_has_a_name);
	tcase_add_test(tcase, ready_and_successful_tell_without_fetching);
	tcase_add_test(tcase, any_is_the_first_in_the_array_that_has_ended);
	tcase_add_test(tcase, all_is_when_the_last_has_ended);
	tcase_add_test(tcase, the_end_of_the_connection_ends_all_waiting);
	tcase_add_test(tcase, callbacks_may_not_wait);
	tcase_add_test(tcase, an_error_tells_the_tasks_history);
	tcase_add_loop_test(
		tcase, an_error_is_described_as_far_as_it_is_known, 0, COUNT(descriptions));
	tcase_add_test(tcase, a_description_is_cut_to_the_room_there_is);
	tcase_add_test(tcase, null_is_refused);
	return tcase;
}
