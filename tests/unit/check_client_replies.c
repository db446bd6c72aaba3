/* SPDX-License-Identifier: MIT */

/* What a reply tells, and integers of every width. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <float.h>
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

/* The reply to a call that is answered so; to be freed. */
static struct ruche_reply *reply_of(const char *error_hex, const char *result_hex)
{
	struct ruche_reply *reply = NULL;
	uint32_t id = fake_submit(&fake);

	if (error_hex != NULL)
		fake_refuse(&fake, id, error_hex);
	else
		fake_answer(&fake, id, result_hex);
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	ck_assert_uint_eq(ruche_reply_id(reply), id);
	return reply;
}

enum { INT64 = 1, UINT64 = 2, INT128 = 4, DOUBLE = 8, BOOL = 16, BYTES = 32 };

/* Which getters take which results. */
static const struct {
	const char *hex;
	int takes;
} results[] = {
	{"c0", 0},
	{"c2", BOOL},
	{"c3", BOOL},
	{"00", INT64 | UINT64 | INT128 | DOUBLE},
	{"ff", INT64 | INT128 | DOUBLE},
	{"cd 0100", INT64 | UINT64 | INT128 | DOUBLE},
	{"cf 7fffffffffffffff", INT64 | UINT64 | INT128 | DOUBLE},
	{"cf 8000000000000000", UINT64 | INT128 | DOUBLE},
	{"d3 8000000000000000", INT64 | INT128 | DOUBLE},
	{"d8 01 00000000000000010000000000000000", INT128 | DOUBLE},
	{"d8 01 00000000000000000000000000000005", INT64 | UINT64 | INT128 | DOUBLE},
	{"d8 02 00000000000000010000000000000000", 0},
	{"d4 01 00", 0},
	{"ca 3f800000", DOUBLE},
	{"cb 3ff0000000000000", DOUBLE},
	{"a0", BYTES},
	{"a3 616263", BYTES},
	{"d9 03 616263", BYTES},
	{"da 0003 616263", BYTES},
	{"db 00000003 616263", BYTES},
	{"c4 03 616263", BYTES},
	{"c5 0003 616263", BYTES},
	{"c6 00000003 616263", BYTES},
	{"90", 0},
	{"93 01 02 03", 0},
	{"80", 0},
	{"81 a161 01", 0},
};

static int taken_by(const struct ruche_reply *reply)
{
	const char *bytes;
	__int128 i128;
	uint64_t u64;
	int64_t i64;
	size_t len;
	double d;
	bool b;

	return (ruche_reply_int64(reply, &i64) == 0 ? INT64 : 0) |
	       (ruche_reply_uint64(reply, &u64) == 0 ? UINT64 : 0) |
	       (ruche_reply_int128(reply, &i128) == 0 ? INT128 : 0) |
	       (ruche_reply_double(reply, &d) == 0 ? DOUBLE : 0) |
	       (ruche_reply_bool(reply, &b) == 0 ? BOOL : 0) |
	       (ruche_reply_bytes(reply, &bytes, &len) == 0 ? BYTES : 0);
}

START_TEST(getters_take_their_type_alone)
{
	struct ruche_reply *reply = reply_of(NULL, results[_i].hex);
	uint8_t bytes[64];
	const void *packed;
	size_t len;

	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
	ck_assert_ptr_null(ruche_reply_error(reply));
	ck_assert_int_eq(taken_by(reply), results[_i].takes);
	ck_assert_int_eq(ruche_reply_packed(reply, &packed, &len), 0);
	ck_assert_uint_eq(len, bytes_of(results[_i].hex, bytes, sizeof(bytes)));
	ck_assert_mem_eq(packed, bytes, len);
	ruche_reply_free(reply);
}
END_TEST

START_TEST(getters_give_the_value)
{
	struct ruche_reply *reply = reply_of(NULL, "d8 01 00000000000000121200000000000005");
	const char *bytes;
	__int128 wide;
	int64_t i;
	size_t len;
	double d;
	bool b;

	ck_assert_int_eq(ruche_reply_int128(reply, &wide), 0);
	ck_assert(wide == ((__int128)0x12 << 64 | 0x1200000000000005));
	ruche_reply_free(reply);
	reply = reply_of(NULL, "e0");
	ck_assert_int_eq(ruche_reply_int64(reply, &i), 0);
	ck_assert_int_eq(i, -32);
	ck_assert_int_eq(ruche_reply_double(reply, &d), 0);
	ck_assert_double_eq_tol(d, -32, DBL_EPSILON);
	ruche_reply_free(reply);
	reply = reply_of(NULL, "c3");
	ck_assert(ruche_reply_bool(reply, &b) == 0 && b);
	ruche_reply_free(reply);
	reply = reply_of(NULL, "c4 03 610062");
	ck_assert_int_eq(ruche_reply_bytes(reply, &bytes, &len), 0);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(bytes, "a\0b", 3);
	ruche_reply_free(reply);
}
END_TEST

START_TEST(large_result_comes_whole)
{
	enum { LEN = 9 * 1000 * 1000 };
	uint8_t *params = calloc(1, LEN);
	struct ruche_reply *reply;
	const void *packed;
	size_t len;

	ck_assert_ptr_nonnull(params);
	params[LEN / 2] = 5;
	fake_start_echo(&fake, 0);
	ck_assert_int_eq(ruche_call(fake.ruche, &reply, "f", "y", params, (size_t)LEN), 0);
	ck_assert_int_eq(ruche_reply_packed(reply, &packed, &len), 0);
	ck_assert_uint_eq(len, LEN + 6);
	ck_assert_mem_eq((const uint8_t *)packed + 6, params, LEN);
	ruche_reply_free(reply);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
	free(params);
}
END_TEST

/* ---- errors */

START_TEST(error_is_told_in_full)
{
	struct ruche_reply *reply =
		reply_of("88 a4636f6465 a763726173686564"   /* code: crashed */
			 "a76d657373616765 a3626f6f"        /* message: boo */
			 "a86578656375746564 a56d61796265"  /* executed: maybe */
			 "a67369676e616c 0b"                /* signal: 11 */
			 "ab657869745f737461747573 07"      /* exit_status: 7 */
			 "a66f7574707574 a26f6f"            /* output: oo */
			 "a56361757365 a3776879"            /* cause: why */
			 "ab7065616b5f6d656d6f7279 cd1000", /* peak_memory: 4096 */
			NULL);
	const struct ruche_error *error = ruche_reply_error(reply);

	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_CRASHED);
	ck_assert_int_eq(error->code, RUCHE_CRASHED);
	ck_assert_str_eq(error->message, "boo");
	ck_assert_int_eq(error->executed, RUCHE_EXECUTED_MAYBE);
	ck_assert_int_eq(error->signal, 11);
	ck_assert_int_eq(error->exit_status, 7);
	ck_assert_str_eq(error->output, "oo");
	ck_assert_str_eq(error->cause, "why");
	ck_assert_uint_eq(error->peak_memory, 4096);
	ck_assert_int_eq(taken_by(reply), 0);
	ruche_reply_free(reply);
}
END_TEST

/* Errors that are not ours, or not whole, are errors all the same. */
static const struct {
	const char *hex;
	enum ruche_code code;
	const char *message; /* NULL: any */
} odd_errors[] = {
	{"a3626f6f", RUCHE_FAILED, "boo"},
	{"a0", RUCHE_FAILED, NULL},
	{"c2", RUCHE_FAILED, NULL},
	{"2a", RUCHE_FAILED, NULL},
	{"80", RUCHE_FAILED, NULL},
	{"92 01 02", RUCHE_FAILED, NULL},
	{"81 a4636f6465 a462757379", RUCHE_BUSY, "busy"},
	{"81 a4636f6465 a178", RUCHE_FAILED, "failed"},
	{"82 a4636f6465 a462757379 a66f7574707574 c0", RUCHE_BUSY, "busy"},
	{"9191919191919191919191919191919191919191919191919191919191 90", RUCHE_FAILED, NULL},
};

START_TEST(odd_errors_are_understood)
{
	struct ruche_reply *reply = reply_of(odd_errors[_i].hex, NULL);
	const struct ruche_error *error = ruche_reply_error(reply);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, odd_errors[_i].code);
	ck_assert_int_eq(error->executed, RUCHE_EXECUTED_MAYBE);
	ck_assert_int_eq(error->signal, 0);
	ck_assert_int_eq(error->exit_status, -1);
	ck_assert_str_eq(error->output, "");
	if (odd_errors[_i].message != NULL)
		ck_assert_str_eq(error->message, odd_errors[_i].message);
	else
		ck_assert_str_ne(error->message, "");
	ruche_reply_free(reply);
}
END_TEST

/* msgpack-c would take gigabytes for the largest. */
START_TEST(endless_error_is_not_unpacked)
{
	enum { LEN = 2 * 1000 * 1000 };
	uint8_t *frame = calloc(1, LEN + 13);
	struct ruche_reply *reply;
	uint32_t id = fake_submit(&fake);

	ck_assert_ptr_nonnull(frame);
	memcpy(frame, "\x94\x01\xce\0\0\0\1\xdd\x00\x1e\x84\x80", 12);
	frame[LEN + 12] = 0xc0;
	fake_start_echo(&fake, 0);
	fake_send(&fake, frame, 12);
	for (size_t at = 12; at < LEN + 13; at += 50000) {
		size_t len = LEN + 13 - at < 50000 ? LEN + 13 - at : 50000;

		fake_send(&fake, frame + at, len);
		ck_assert_int_eq(ruche_process(fake.ruche), 0);
	}
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_FAILED);
	ck_assert_str_ne(ruche_reply_error(reply)->message, "");
	ruche_reply_free(reply);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
	free(frame);
}
END_TEST

/* ---- wide integers */

#define WIDE(high, low) ((__int128)((unsigned __int128)(high) << 64 | (low)))

static const struct {
	__int128 value;
	const char *hex;
} integers[] = {
	{0, "00"},
	{-1, "ff"},
	{127, "7f"},
	{128, "cc80"},
	{INT64_MAX, "cf7fffffffffffffff"},
	{INT64_MIN, "d38000000000000000"},
	{UINT64_MAX, "cfffffffffffffffff"},
	{(__int128)UINT64_MAX + 1, "d80100000000000000010000000000000000"},
	{(__int128)INT64_MIN - 1, "d801ffffffffffffffff7fffffffffffffff"},
	{WIDE(18, 0x11edb71dc211a3c0ULL), "d801000000000000001211edb71dc211a3c0"},
	{WIDE(0x7fffffffffffffffULL, UINT64_MAX), "d8017fffffffffffffffffffffffffffffff"},
	{WIDE(0x8000000000000000ULL, 0), "d80180000000000000000000000000000000"},
};

START_TEST(integers_travel_both_ways)
{
	uint8_t want[18], have[18];
	size_t len = bytes_of(integers[_i].hex, want, sizeof(want));
	__int128 value = 1;

	ck_assert_uint_eq(ruche_pack_int128(integers[_i].value, have), len);
	ck_assert_mem_eq(have, want, len);
	ck_assert_int_eq(ruche_unpack_int128(want, len, &value), 0);
	ck_assert(value == integers[_i].value);
}
END_TEST

/* 10^7 times (10^7 - 1) times (2 · 10^7 - 1) over 6, in more than 64 bits. */
START_TEST(sum_of_squares_is_right)
{
	__int128 n = 10000000, value;
	uint8_t packed[18];

	value = (n - 1) * n * (2 * n - 1) / 6;
	ck_assert(value == (__int128)333333283333335LL * 1000000);
	ck_assert_uint_eq(ruche_pack_int128(value, packed), 18);
	ck_assert_int_eq(ruche_unpack_int128(packed, 18, &n), 0);
	ck_assert(n == value);
}
END_TEST

static const char *const no_integers[] = {"", "c0", "cb0000000000000000", "a131", "0000", "d801",
	"d80200000000000000000000000000000000", "d40100", "9101",
	"c7100100000000000000000000000000000000ff"};

START_TEST(what_is_no_integer_is_refused)
{
	uint8_t bytes[32];
	__int128 value = 7;
	size_t len = bytes_of(no_integers[_i], bytes, sizeof(bytes));

	ck_assert_int_eq(ruche_unpack_int128(bytes, len, &value), -EINVAL);
	ck_assert(value == 7);
}
END_TEST

START_TEST(names_are_words)
{
	ck_assert_str_eq(ruche_code_name(RUCHE_CRASHED), "crashed");
	ck_assert_str_eq(ruche_code_name(RUCHE_DISCONNECTED), "disconnected");
	ck_assert_str_eq(ruche_code_name(RUCHE_UNKNOWN_TASK), "unknown_task");
	ck_assert_str_eq(ruche_code_name(RUCHE_CODE_COUNT), "unknown");
	ck_assert_str_eq(ruche_executed_name(RUCHE_EXECUTED_MAYBE), "maybe");
	ck_assert_str_eq(ruche_executed_name(RUCHE_EXECUTED_COUNT), "unknown");
	ck_assert_str_ne(ruche_version(), "");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_replies_case(void)
{
	TCase *tcase = tcase_create("replies");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, getters_take_their_type_alone, 0, COUNT(results));
	tcase_add_test(tcase, getters_give_the_value);
	tcase_add_test(tcase, large_result_comes_whole);
	tcase_add_test(tcase, error_is_told_in_full);
	tcase_add_loop_test(tcase, odd_errors_are_understood, 0, COUNT(odd_errors));
	tcase_add_test(tcase, endless_error_is_not_unpacked);
	tcase_add_loop_test(tcase, integers_travel_both_ways, 0, COUNT(integers));
	tcase_add_test(tcase, sum_of_squares_is_right);
	tcase_add_loop_test(tcase, what_is_no_integer_is_refused, 0, COUNT(no_integers));
	tcase_add_test(tcase, names_are_words);
	return tcase;
}
