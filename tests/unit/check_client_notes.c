/* SPDX-License-Identifier: MIT */

/* Notifications both ways: output, progress, input, cancelling. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static struct fake fake;

/* What the callbacks were told. */
static struct heard {
	int outputs, progresses, inputs;
	uint32_t id;
	int stream;
	char text[16];
	double value;
	size_t room;
} heard;

static void hear_output(void *user, uint32_t id, int stream, const void *data, size_t len)
{
	struct heard *to = user;

	ck_assert_uint_lt(len, sizeof(to->text));
	to->outputs++;
	to->id = id;
	to->stream = stream;
	memcpy(to->text, data, len);
	to->text[len] = '\0';
}

static void hear_progress(void *user, uint32_t id, double value)
{
	struct heard *to = user;

	to->progresses++;
	to->id = id;
	to->value = value;
}

static void hear_input(void *user, uint32_t id, size_t room)
{
	struct heard *to = user;

	to->inputs++;
	to->id = id;
	to->room = room;
}

static void setup(void)
{
	fake_open(&fake);
	memset(&heard, 0, sizeof(heard));
	ruche_on_output(fake.ruche, hear_output, &heard);
	ruche_on_progress(fake.ruche, hear_progress, &heard);
	ruche_on_input(fake.ruche, hear_input, &heard);
}

static void teardown(void)
{
	fake_close(&fake);
}

#define OUTPUT "93 02 ac 72756368652e6f7574707574"
#define PROGRESS "93 02 ae 72756368652e70726f6772657373"
#define INPUT "93 02 ab 72756368652e696e707574"
#define ID_1 "ce 00000001"

static void tell(const char *hex)
{
	fake_send_hex(&fake, hex);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
}

START_TEST(output_is_told_with_its_stream)
{
	uint32_t id = fake_submit(&fake);

	tell(OUTPUT "93" ID_1 "01 c4 03 616263");
	ck_assert_int_eq(heard.outputs, 1);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_int_eq(heard.stream, 1);
	ck_assert_str_eq(heard.text, "abc");
	tell(OUTPUT "93" ID_1 "02 a1 64" OUTPUT "94 01 02 c4 00 c0");
	ck_assert_int_eq(heard.outputs, 3);
	ck_assert_int_eq(heard.stream, 2);
	ck_assert_str_eq(heard.text, "");
}
END_TEST

START_TEST(progress_is_a_number)
{
	uint32_t id = fake_submit(&fake);

	tell(PROGRESS "92" ID_1 "cb 3fe0000000000000");
	ck_assert_uint_eq(heard.id, id);
	ck_assert(heard.value > 0.49 && heard.value < 0.51);
	tell(PROGRESS "92" ID_1 "2a");
	ck_assert_int_eq(heard.progresses, 2);
	ck_assert(heard.value > 41.9 && heard.value < 42.1);
}
END_TEST

/* Of calls that are over or never were, of a later protocol, or plain wrong. */
static const char *const ignored[] = {
	OUTPUT "93 ce 00000009 01 c4 03 616263",
	OUTPUT "93 c0 01 c4 03 616263",
	OUTPUT "93 cf 0000000100000001 01 c4 03 616263",
	OUTPUT "93" ID_1 "03 c4 03 616263",
	OUTPUT "93" ID_1 "00 c4 03 616263",
	OUTPUT "93" ID_1 "01 c0",
	OUTPUT "92" ID_1 "01",
	OUTPUT "90",
	PROGRESS "92" ID_1 "a1 31",
	PROGRESS "92" ID_1 "90",
	PROGRESS "91" ID_1,
	INPUT "92" ID_1 "ff",
	INPUT "92" ID_1 "cf ffffffffffffffff",
	INPUT "91" ID_1,
	"93 02 ac 72756368652e6f75747075ff 93" ID_1 "01 c4 03 616263",
	"93 02 a1 78 90",
};

START_TEST(senseless_notification_is_ignored)
{
	uint32_t id = fake_submit(&fake);
	struct ruche_reply *reply;

	tell(ignored[_i]);
	ck_assert_int_eq(heard.outputs + heard.progresses + heard.inputs, 0);
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
	ruche_reply_free(reply);
}
END_TEST

START_TEST(callbacks_can_be_turned_off)
{
	fake_submit(&fake);
	ruche_on_output(fake.ruche, NULL, NULL);
	ruche_on_progress(fake.ruche, NULL, NULL);
	ruche_on_input(fake.ruche, NULL, NULL);
	tell(OUTPUT "93" ID_1 "01 c4 03 616263" PROGRESS "92" ID_1 "2a" INPUT "92" ID_1 "05");
	ck_assert_int_eq(heard.outputs + heard.progresses + heard.inputs, 0);
}
END_TEST

static void act_on_progress(void *user, uint32_t id, double value)
{
	uint32_t *ret_new = user;
	struct ruche_reply *reply;

	(void)value;
	ck_assert_int_eq(ruche_submit(fake.ruche, ret_new, "g", ""), 0);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, SIGINT), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), -EBUSY);
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), -EBUSY);
	ck_assert_int_eq(ruche_call(fake.ruche, &reply, "f", ""), -EBUSY);
}

START_TEST(callback_may_start_and_cancel_calls)
{
	uint32_t id = fake_submit(&fake), new = 0;

	ck_assert_uint_eq(id, 1);
	ruche_on_progress(fake.ruche, act_on_progress, &new);
	tell(PROGRESS "92" ID_1 "2a");
	ck_assert_uint_eq(new, 2);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 2);
	fake_expect(&fake, "94 00 ce00000002 a167 90");
	fake_expect(&fake, "93 02 ac 72756368652e63616e63656c 92" ID_1 "02");
}
END_TEST

/* ---- to the daemon */

START_TEST(cancel_names_the_call_and_the_signal)
{
	uint32_t id = fake_submit(&fake);
	struct ruche_reply *reply;

	ck_assert_int_eq(ruche_cancel(fake.ruche, id, 0), 0);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, SIGKILL), 0);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, -1), -EINVAL);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, 1000), -EINVAL);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id + 1, 0), -ENOENT);
	ck_assert_int_eq(ruche_cancel(fake.ruche, 0, 0), -ENOENT);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "93 02 ac 72756368652e63616e63656c 92" ID_1 "00");
	fake_expect(&fake, "93 02 ac 72756368652e63616e63656c 92" ID_1 "09");
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, 0), 0); /* its result came first */
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), 1);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, 0), -ENOENT);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

START_TEST(input_keeps_within_what_was_granted)
{
	uint32_t id = fake_submit(&fake);
	struct ruche_reply *reply;

	ck_assert_int_eq(ruche_send_input(fake.ruche, id, "a", 1), -EAGAIN);
	tell(INPUT "92" ID_1 "03");
	ck_assert_int_eq(heard.inputs, 1);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_uint_eq(heard.room, 3);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id, "abcd", 4), -EAGAIN);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id, "ab", 2), 0);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id, "cd", 2), -EAGAIN);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id, NULL, 0), 0);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id + 1, "c", 1), -ENOENT);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, INPUT "92" ID_1 "c4 02 6162");
	fake_expect(&fake, INPUT "92" ID_1 "c0");
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id, "c", 1), 0); /* too late to matter */
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), 1);
	ruche_reply_free(reply);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_notes_case(void)
{
	TCase *tcase = tcase_create("notes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, output_is_told_with_its_stream);
	tcase_add_test(tcase, progress_is_a_number);
	tcase_add_loop_test(tcase, senseless_notification_is_ignored, 0, COUNT(ignored));
	tcase_add_test(tcase, callbacks_can_be_turned_off);
	tcase_add_test(tcase, callback_may_start_and_cancel_calls);
	tcase_add_test(tcase, cancel_names_the_call_and_the_signal);
	tcase_add_test(tcase, input_keeps_within_what_was_granted);
	return tcase;
}
