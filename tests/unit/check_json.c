/* SPDX-License-Identifier: MIT */

/* JSON to MessagePack and back, as the command line and `map` do it. */

#include "check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"

static msgpack_sbuffer packed;
static msgpack_packer packer;
static struct buf text;
static char hex[4096];

static void setup(void)
{
	msgpack_sbuffer_init(&packed);
	msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
}

static void teardown(void)
{
	msgpack_sbuffer_destroy(&packed);
	buf_fini(&text);
}

static int pack(const char *arg, size_t len, const char **ret_why)
{
	msgpack_sbuffer_clear(&packed);
	return json_arg_pack(&packer, arg, len, ret_why);
}

static const char *packed_hex(void)
{
	for (size_t i = 0; i < packed.size && 2 * i + 2 < sizeof(hex); i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)packed.data[i]);
	hex[2 * packed.size] = '\0';
	return hex;
}

static const char *shown(
	int (*append)(struct buf *, const void *, size_t), const void *data, size_t len)
{
	buf_fini(&text);
	ck_assert_int_eq(append(&text, data, len), 0);
	ck_assert_int_eq(buf_append(&text, "", 1), 0);
	return (const char *)buf_data(&text);
}

static size_t from_hex(const char *from, uint8_t *to)
{
	size_t len = 0;
	int used;

	for (unsigned int byte; sscanf(from, " %2x%n", &byte, &used) == 1; from += used)
		to[len++] = (uint8_t)byte;
	return len;
}

/* ---- arguments */

static const struct {
	const char *arg, *hex;
} args[] = {
	/* what is JSON */
	{"null", "c0"},
	{"true", "c3"},
	{"false", "c2"},
	{"0", "00"},
	{"-0", "00"},
	{" 7\n", "07"},
	{"-1", "ff"},
	{"1.5", "cb3ff8000000000000"},
	{"1e2", "cb4059000000000000"},
	{"\"a\"", "a161"},
	{"\"\"", "a0"},
	{"\"12\"", "a23132"},
	{"\"\\u0000\\n\\u001f\"", "a3000a1f"},
	{"\"\\u00e9\"", "a2c3a9"},
	{"[]", "90"},
	{"{}", "80"},
	{"[1, [2, \"x\"], null]", "930192"
				  "02a178"
				  "c0"},
	{"{\"b\": 1, \"a\": [true]}", "82a16201a16191c3"},
	/* integers of every width */
	{"9223372036854775807", "cf7fffffffffffffff"},
	{"9223372036854775808", "cf8000000000000000"},
	{"18446744073709551615", "cfffffffffffffffff"},
	{"18446744073709551616", "d80100000000000000010000000000000000"},
	{"-9223372036854775808", "d38000000000000000"},
	{"-9223372036854775809", "d801ffffffffffffffff7fffffffffffffff"},
	{"333333283333335000000", "d801000000000000001211edb71dc211a3c0"},
	{"170141183460469231731687303715884105727", "d8017fffffffffffffffffffffffffffffff"},
	{"-170141183460469231731687303715884105728", "d80180000000000000000000000000000000"},
	{"[9223372036854775807, -9223372036854775808]", "92cf7fffffffffffffff"
							"d38000000000000000"},
	/* what is not is a string */
	{"", "a0"},
	{" ", "a120"},
	{"hello", "a568656c6c6f"},
	{"007", "a3303037"},
	{"-", "a12d"},
	{"1.", "a2312e"},
	{"1 2", "a3312032"},
	{"+1", "a22b31"},
	{"0x10", "a430783130"},
	{"NaN", "a34e614e"},
	{"nul", "a36e756c"},
	{"[1", "a25b31"},
	{"{a}", "a37b617d"},
	{"\"a", "a22261"},
	{"'a'", "a3276127"},
	{"99999999999999999999999999999999999999999x",
		"d92a"
		"39393939393939393939393939393939393939393939393939393939393939393939393939393939"
		"3978"},
	{"550e8400-e29b-41d4-a716-446655440000",
		"d9"
		"24"
		"35353065383430302d653239622d343164342d613731362d343436363535343430303030"},
	/* and without UTF-8 it is binary */
	{"\xff\xfe", "c402fffe"},
};

START_TEST(argument_is_packed)
{
	const char *why = NULL;

	ck_assert_msg(pack(args[_i].arg, strlen(args[_i].arg), &why) == 0, "%s: %s", args[_i].arg,
		why != NULL ? why : "?");
	ck_assert_str_eq(packed_hex(), args[_i].hex);
}
END_TEST

START_TEST(nul_in_a_line_is_kept)
{
	const char *why;

	ck_assert_int_eq(pack("a\0b", 3, &why), 0);
	ck_assert_str_eq(packed_hex(), "a3610062");
	ck_assert_int_eq(pack("1\0", 2, &why), 0);
	ck_assert_str_eq(packed_hex(), "a23100");
	ck_assert_int_eq(pack("\0", 1, &why), 0);
	ck_assert_str_eq(packed_hex(), "a100");
}
END_TEST

static const struct {
	const char *arg, *why;
} refused[] = {
	{"170141183460469231731687303715884105728", "128 bits"},
	{"-170141183460469231731687303715884105729", "128 bits"},
	{"[9223372036854775808]", "64 bits"},
	{"{\"n\": 333333283333335000000}", "64 bits"},
	{"1e999", "double"},
	{"{\"a\\u0000b\": 1}", "NUL"},
};

START_TEST(what_cannot_travel_is_refused_and_packs_nothing)
{
	const char *why = NULL;

	ck_assert_int_eq(pack(refused[_i].arg, strlen(refused[_i].arg), &why), -EINVAL);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, refused[_i].why));
	ck_assert_uint_eq(packed.size, 0);
}
END_TEST

/* `depth` times "[" and "]". */
static size_t nest(char *to, size_t depth)
{
	memset(to, '[', depth);
	memset(to + depth, ']', depth);
	return 2 * depth;
}

START_TEST(depth_is_bounded)
{
	static char nested[200000];
	const char *why;

	ck_assert_int_eq(pack(nested, nest(nested, JSON_DEPTH_MAX), &why), 0);
	ck_assert_uint_eq(packed.size, JSON_DEPTH_MAX);
	ck_assert_int_eq(pack(nested, nest(nested, JSON_DEPTH_MAX + 1), &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "nested"));
	ck_assert_int_eq(pack(nested, nest(nested, 100000), &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "nested"));
}
END_TEST

START_TEST(a_text_of_any_length_keeps_its_end)
{
	static char line[100000];
	const char *why;

	memset(line, 'x', sizeof(line));
	ck_assert_int_eq(pack(line, sizeof(line), &why), 0);
	ck_assert_uint_eq(packed.size, sizeof(line) + 5);
}
END_TEST

/* ---- results */

static const struct {
	const char *hex, *json;
} results[] = {
	{"c0", "null"},
	{"c2", "false"},
	{"c3", "true"},
	{"00", "0"},
	{"ff", "-1"},
	{"cf ffffffffffffffff", "18446744073709551615"},
	{"d3 8000000000000000", "-9223372036854775808"},
	{"d8 01 000000000000001211edb71dc211a3c0", "333333283333335000000"},
	{"d8 01 7fffffffffffffffffffffffffffffff", "170141183460469231731687303715884105727"},
	{"d8 01 80000000000000000000000000000000", "-170141183460469231731687303715884105728"},
	{"d8 01 00000000000000000000000000000005", "5"},
	{"cb 3fb999999999999a", "0.1"},
	{"cb 4059000000000000", "100.0"},
	{"cb 7fefffffffffffff", "1.7976931348623157e+308"},
	{"cb 3ff3c0ca2a5b1d5d", "1.2345678"},
	{"ca 3f000000", "0.5"},
	{"cb 7ff8000000000000", "null"},
	{"cb 7ff0000000000000", "null"},
	{"cb fff0000000000000", "null"},
	{"a0", "\"\""},
	{"a3 61 22 5c", "\"a\\\"\\\\\""},
	{"a4 00 0a 1f 7f", "\"\\u0000\\n\\u001F\x7f\""},
	{"a2 c3a9", "\"\xc3\xa9\""},
	{"c4 02 6869", "\"hi\""},
	{"c4 00", "\"\""},
	{"c4 01 ff", "{\"base64\": \"/w==\"}"},
	{"c4 02 fffe", "{\"base64\": \"//4=\"}"},
	{"c4 03 fffe00", "{\"base64\": \"//4A\"}"},
	{"a4 fffe0041", "{\"base64\": \"//4AQQ==\"}"},
	{"d4 05 ff", "{\"ext\": 5, \"base64\": \"/w==\"}"},
	{"d4 ff 00", "{\"ext\": -1, \"base64\": \"AA==\"}"},
	{"c7 00 07", "{\"ext\": 7, \"base64\": \"\"}"},
	{"d4 01 00", "{\"ext\": 1, \"base64\": \"AA==\"}"},
	{"90", "[]"},
	{"80", "{}"},
	{"93 01 a178 92 c0 c3", "[1, \"x\", [null, true]]"},
	{"82 a162 01 a161 90", "{\"b\": 1, \"a\": []}"},
	{"84 01 02 c0 03 c40161 04 9101 05", "{\"1\": 2, \"null\": 3, \"a\": 4, \"[1]\": 5}"},
	{"81 91 a161 01", "{\"[\\\"a\\\"]\": 1}"},
};

START_TEST(result_is_shown_as_json)
{
	uint8_t data[256];
	size_t len = from_hex(results[_i].hex, data);

	ck_assert_str_eq(shown(json_append_packed, data, len), results[_i].json);
}
END_TEST

START_TEST(plain_shows_a_string_as_its_text)
{
	ck_assert_str_eq(shown(json_append_plain, "\xa2hi", 3), "hi");
	ck_assert_str_eq(shown(json_append_plain, "\xc4\x02hi", 4), "hi");
	ck_assert_str_eq(shown(json_append_plain, "\xc4\x01\xff", 3), "{\"base64\": \"/w==\"}");
	ck_assert_str_eq(shown(json_append_plain, "\x91\xa1x", 3), "[\"x\"]");
	ck_assert_str_eq(shown(json_append_plain, "\x07", 1), "7");
}
END_TEST

START_TEST(what_is_not_one_value_is_no_result)
{
	ck_assert_int_eq(json_append_packed(&text, "", 0), -EPROTO);
	ck_assert_int_eq(json_append_packed(&text, "\x92\x01", 2), -EPROTO);
	ck_assert_int_eq(json_append_packed(&text, "\x01\x02", 2), -EPROTO);
	ck_assert_int_eq(json_append_packed(&text, "\xc1", 1), -EPROTO);
}
END_TEST

START_TEST(every_length_of_binary_is_padded)
{
	static const char *const padded[] = {"", "/w==", "//8=", "////", "/////w=="};
	char expected[64];
	uint8_t data[8] = {0xc4, 0, 0xff, 0xff, 0xff, 0xff};

	for (uint8_t len = 1; len < 5; len++) {
		data[1] = len;
		snprintf(expected, sizeof(expected), "{\"base64\": \"%s\"}", padded[len]);
		ck_assert_str_eq(shown(json_append_packed, data, len + 2U), expected);
	}
}
END_TEST

/* ---- both */

static const char *const same[] = {"null", "true", "0", "-1", "18446744073709551615",
	"333333283333335000000", "-170141183460469231731687303715884105728",
	"170141183460469231731687303715884105727", "0.1", "1e+300", "-2.5", "\"\\u0001\\b\\t\\\"\"",
	"[1, 2.5, [\"a\", {\"b\": null}]]", "{\"k\": [], \"l\": {}}"};

START_TEST(what_is_shown_can_be_given)
{
	const char *why;

	ck_assert_int_eq(pack(same[_i], strlen(same[_i]), &why), 0);
	ck_assert_str_eq(shown(json_append_packed, packed.data, packed.size), same[_i]);
}
END_TEST

enum { COUNT_ARGS = sizeof(args) / sizeof(*args) };
enum { COUNT_REFUSED = sizeof(refused) / sizeof(*refused) };
enum { COUNT_RESULTS = sizeof(results) / sizeof(*results) };
enum { COUNT_SAME = sizeof(same) / sizeof(*same) };

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, argument_is_packed, 0, COUNT_ARGS);
	tcase_add_test(tc, nul_in_a_line_is_kept);
	tcase_add_loop_test(tc, what_cannot_travel_is_refused_and_packs_nothing, 0, COUNT_REFUSED);
	tcase_add_test(tc, depth_is_bounded);
	tcase_add_test(tc, a_text_of_any_length_keeps_its_end);
	tcase_add_loop_test(tc, result_is_shown_as_json, 0, COUNT_RESULTS);
	tcase_add_test(tc, plain_shows_a_string_as_its_text);
	tcase_add_test(tc, what_is_not_one_value_is_no_result);
	tcase_add_test(tc, every_length_of_binary_is_padded);
	tcase_add_loop_test(tc, what_is_shown_can_be_given, 0, COUNT_SAME);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
