/* SPDX-License-Identifier: MIT */

/* What is sent for a call. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake fake;

static void setup(void)
{
	fake_open(&fake);
}

static void teardown(void)
{
	fake_close(&fake);
}

START_TEST(every_type_letter_is_packed)
{
	const uint8_t list[] = {0x92, 0x01, 0xc0};
	uint32_t id = 0;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "iudbbsnymi", (int64_t)-2, UINT64_MAX,
				 0.5, 7, 0, "hé", "\0\1", (size_t)2, list, sizeof(list), INT64_MIN),
		0);
	ck_assert_uint_eq(id, 1);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 a166 9a fe cfffffffffffffffff cb3fe0000000000000"
			   "c3 c2 a368c3a9 c0 c4020001 9201c0 d38000000000000000");
}
END_TEST

START_TEST(empty_values_are_packed)
{
	uint32_t id;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "sy", "", NULL, (size_t)0), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 a166 92 a0 c400");
}
END_TEST

static const char *const bad_types[] = {"q", " ", "I", "\x80", "\xff", "nq", "n\x01"};

START_TEST(unknown_letter_is_refused)
{
	uint32_t id = 77;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", bad_types[_i]), -EINVAL);
	ck_assert_uint_eq(id, 77);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

START_TEST(missing_values_are_refused)
{
	uint32_t id;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "s", NULL), -EINVAL);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "y", NULL, (size_t)1), -EINVAL);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "m", NULL, (size_t)1), -EINVAL);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}
END_TEST

static const char *const bad_values[] = {
	"", "01 02", "92 01", "c1", "d9", "c4 02 00", "dd 10000000"};

START_TEST(what_is_not_one_packed_value_is_refused)
{
	uint8_t bytes[64];
	size_t len = bytes_of(bad_values[_i], bytes, sizeof(bytes));
	uint32_t id;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "m", bytes, len), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(fake.ruche, &id, "f", bytes, len), -EINVAL);
}
END_TEST

START_TEST(value_nested_too_deeply_for_a_frame_is_refused)
{
	uint8_t deep[40];
	uint32_t id;

	memset(deep, 0x91, sizeof(deep)); /* [[[…nil]]] */
	for (size_t depth = 0; depth < 39; depth++) {
		deep[depth] = 0xc0;
		/* The envelope and the params are two of the 32. */
		ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "m", deep, depth + 1),
			depth <= 30 ? 0 : -EINVAL);
		deep[depth] = 0x91;
	}
	ck_assert_uint_eq(ruche_pending(fake.ruche), 31);
}
END_TEST

START_TEST(packed_arguments_are_one_array)
{
	uint32_t id;

	ck_assert_int_eq(ruche_submit_packed(fake.ruche, &id, "f", "\x92\x01\x02", 3), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 a166 92 01 02");
	ck_assert_int_eq(ruche_submit_packed(fake.ruche, &id, "f", "\x01", 1), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(fake.ruche, &id, "f", "\x80", 1), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(fake.ruche, &id, "f", "\x90\x90", 2), -EINVAL);
}
END_TEST

START_TEST(names_have_1_to_255_bytes)
{
	char name[257];
	uint32_t id;

	memset(name, 'x', 256);
	name[256] = '\0';
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, name, ""), -EINVAL);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "", ""), -EINVAL);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, name + 1, ""), 0);
}
END_TEST

START_TEST(call_over_the_limit_sends_nothing)
{
	size_t max = ruche_frame_max();
	uint8_t *data = calloc(1, max);
	uint32_t id = 0;

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "y", data, max), -EMSGSIZE);
	ck_assert_int_eq(ruche_submit_packed(fake.ruche, &id, "f", data, SIZE_MAX), -EMSGSIZE);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 a166 90");
	free(data);
}
END_TEST

START_TEST(call_at_the_limit_is_accepted)
{
	/* head 7, name 2, array 1, bin 5 */
	size_t len = ruche_frame_max() - 15;
	uint8_t *data = calloc(1, len + 1);
	uint32_t id;

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "y", data, len + 1), -EMSGSIZE);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "y", data, len), 0);
	free(data);
}
END_TEST

/* ---- commands */

START_TEST(command_is_packed_with_the_options_given)
{
	const char *const argv[] = {"cat", "-n", NULL};
	const char *const env[] = {"A=1", "B=x=y", "C=", NULL};
	struct ruche_command command = {.argv = argv};
	uint32_t id;

	ck_assert_int_eq(ruche_submit_command(fake.ruche, &id, &command), 0);
	command.cwd = "/x";
	command.env = env;
	command.input = "hi";
	command.input_len = 2;
	command.stream = command.stream_input = true;
	ck_assert_int_eq(ruche_submit_command(fake.ruche, &id, &command), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 a9 72756368652e72756e 92 92 a3636174 a22d6e 80");
	fake_expect(&fake, "94 00 ce00000002 a9 72756368652e72756e 92 92 a3636174 a22d6e 85"
			   "a3637764 a22f78 a3656e76 83 a141 a131 a142 a3783d79 a143 a0"
			   "a5737464696e c4026869 a673747265616d c3"
			   "ac73747265616d5f696e707574 c3");
}
END_TEST

START_TEST(command_that_makes_no_sense_is_refused)
{
	const char *const none[] = {NULL}, *const some[] = {"x", NULL};
	const char *const no_equals[] = {"A=1", "B", NULL}, *const no_name[] = {"=1", NULL};
	const struct ruche_command commands[] = {
		{.argv = NULL},
		{.argv = none},
		{.argv = some, .input_len = 1},
		{.argv = some, .env = no_equals},
		{.argv = some, .env = no_name},
	};
	uint32_t id;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		ck_assert_int_eq(ruche_submit_command(fake.ruche, &id, &commands[i]), -EINVAL);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_args_case(void)
{
	TCase *tcase = tcase_create("args");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_type_letter_is_packed);
	tcase_add_test(tcase, empty_values_are_packed);
	tcase_add_loop_test(tcase, unknown_letter_is_refused, 0, COUNT(bad_types));
	tcase_add_test(tcase, missing_values_are_refused);
	tcase_add_loop_test(tcase, what_is_not_one_packed_value_is_refused, 0, COUNT(bad_values));
	tcase_add_test(tcase, value_nested_too_deeply_for_a_frame_is_refused);
	tcase_add_test(tcase, packed_arguments_are_one_array);
	tcase_add_test(tcase, names_have_1_to_255_bytes);
	tcase_add_test(tcase, call_over_the_limit_sends_nothing);
	tcase_add_test(tcase, call_at_the_limit_is_accepted);
	tcase_add_test(tcase, command_is_packed_with_the_options_given);
	tcase_add_test(tcase, command_that_makes_no_sense_is_refused);
	return tcase;
}
