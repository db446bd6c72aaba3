/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "golden.h"
#include "wire/link.h"

static msgpack_sbuffer buffer;
static msgpack_packer pk;
static msgpack_unpacked unpacked;

static void set_up(void)
{
	msgpack_sbuffer_init(&buffer);
	msgpack_packer_init(&pk, &buffer, msgpack_sbuffer_write);
	msgpack_unpacked_init(&unpacked);
}

static void tear_down(void)
{
	msgpack_unpacked_destroy(&unpacked);
	msgpack_sbuffer_destroy(&buffer);
}

static const msgpack_object *unpack(const void *bytes, size_t len)
{
	size_t off = 0;

	ck_assert_int_eq(msgpack_unpack_next(&unpacked, bytes, len, &off), MSGPACK_UNPACK_SUCCESS);
	ck_assert_uint_eq(off, len);
	return &unpacked.data;
}

static const msgpack_object *unpack_buffer(void)
{
	return unpack(buffer.data, buffer.size);
}

static const struct golden *find_golden(const char *name)
{
	size_t count;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(vectors[i].name, name) == 0)
			return &vectors[i];
	ck_abort_msg("PROTOCOL.md has no vector '%s'", name);
	return NULL;
}

static void assert_golden(const char *name)
{
	const struct golden *g = find_golden(name);

	ck_assert_uint_eq(buffer.size, g->len);
	ck_assert_mem_eq(buffer.data, g->bytes, g->len);
}

/* ---- names ---------------------------------------------------------------------- */

START_TEST(every_code_has_a_name_that_leads_back_to_it)
{
	for (int code = RUCHE_OK + 1; code < RUCHE_CODE_COUNT; code++) {
		const char *name = message_code_name((enum ruche_code)code);

		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(message_code_from_name(name, strlen(name)), code);
	}
	ck_assert_str_eq(message_code_name(RUCHE_UNKNOWN_FUNCTION), "unknown_function");
	ck_assert_str_eq(message_executed_name(RUCHE_EXECUTED_MAYBE), "maybe");
}
END_TEST

START_TEST(names_out_of_range_are_null_and_unknown_words_are_failed)
{
	ck_assert_ptr_null(message_code_name(RUCHE_CODE_COUNT));
	ck_assert_ptr_null(message_code_name((enum ruche_code) - 1));
	ck_assert_ptr_null(message_executed_name(RUCHE_EXECUTED_COUNT));
	ck_assert_int_eq(message_code_from_name("ok", 2), RUCHE_FAILED);
	ck_assert_int_eq(message_code_from_name("crashe", 6), RUCHE_FAILED);
	ck_assert_int_eq(message_code_from_name("crashedX", 8), RUCHE_FAILED);
	ck_assert_int_eq(message_code_from_name("crashedX", 7), RUCHE_CRASHED);
	ck_assert_int_eq(message_code_from_name("", 0), RUCHE_FAILED);
}
END_TEST

/* ---- frames --------------------------------------------------------------------- */

START_TEST(a_head_has_its_msgid_as_uint_32)
{
	uint8_t head[MESSAGE_HEAD_MAX];

	ck_assert_uint_eq(message_write_head(head, 1, 0x01020304), MESSAGE_HEAD_MAX);
	ck_assert_mem_eq(head, "\x94\x01\xce\x01\x02\x03\x04", MESSAGE_HEAD_MAX);
	ck_assert_uint_eq(message_write_head(head, 0, 0), MESSAGE_HEAD_MAX);
	ck_assert_mem_eq(head, "\x94\x00\xce\x00\x00\x00\x00", MESSAGE_HEAD_MAX);
}
END_TEST

START_TEST(a_request_is_packed_as_the_golden_one)
{
	ck_assert_int_eq(message_pack_request(&pk, 1, "square", 6), 0);
	msgpack_pack_array(&pk, 1);
	msgpack_pack_int(&pk, 12);
	assert_golden("worker.task");
}
END_TEST

START_TEST(a_response_is_packed_as_the_golden_one)
{
	ck_assert_int_eq(message_pack_response(&pk, 1), 0);
	msgpack_pack_nil(&pk);
	msgpack_pack_int(&pk, 144);
	assert_golden("worker.answer");
}
END_TEST

START_TEST(a_notification_is_packed_as_the_golden_one)
{
	ck_assert_int_eq(message_pack_notification(&pk, RUCHE_OUTPUT), 0);
	msgpack_pack_array(&pk, 3);
	ck_assert_int_eq(message_pack_id(&pk, 10), 0);
	msgpack_pack_int(&pk, 1);
	ck_assert_int_eq(message_pack_bin(&pk, "hello\n", 6), 0);
	assert_golden("ruche.output");
}
END_TEST

START_TEST(link_messages_are_packed_as_the_golden_ones)
{
	message_pack_notification(&pk, LINK_FUNCTION);
	msgpack_pack_array(&pk, 4);
	message_pack_str(&pk, "f");
	message_pack_str(&pk, NULL);
	message_pack_str(&pk, NULL);
	message_pack_str(&pk, "bare.so");
	assert_golden("link.function-bare");
}
END_TEST

static int refuse(void *data, const char *buf, size_t len)
{
	(void)buf;
	/* Takes so many bytes and then has no memory. */
	size_t *room = data;

	if (len > *room)
		return -1;
	*room -= len;
	return 0;
}

START_TEST(no_memory_is_told_wherever_it_strikes)
{
	static const struct message_error error = {.code = RUCHE_CRASHED,
		.signal = 11,
		.exit_status = 1,
		.peak_memory = 1,
		.message = "m\xff",
		.message_len = 2,
		.output = "o",
		.output_len = 1,
		.attempts = 1,
		.has_times = true,
		.partial = "\x90",
		.partial_len = 1,
		.partial_count = 1};
	size_t room = SIZE_MAX, need;

	msgpack_packer_init(&pk, &room, refuse);
	ck_assert_int_eq(message_pack_error(&pk, &error), 0);
	need = SIZE_MAX - room;
	for (size_t less = 0; less < need; less++) {
		room = less;
		ck_assert_int_eq(message_pack_error(&pk, &error), -ENOMEM);
	}
	room = 3;
	ck_assert_int_eq(message_pack_request(&pk, 1, "f", 1), -ENOMEM);
	ck_assert_int_eq(message_pack_int128(&pk, (__int128)1 << 100), -ENOMEM);
	ck_assert_int_eq(message_pack_notification(&pk, "long"), -ENOMEM);
}
END_TEST

/* ---- integers ------------------------------------------------------------------- */

static __int128 parse_int128(const char *text)
{
	bool negative = *text == '-';
	__int128 value = 0;

	for (text += negative; *text != '\0'; text++) {
		ck_assert(*text >= '0' && *text <= '9');
		/* Downwards: there is one more below zero than above. */
		value = value * 10 - (*text - '0');
	}
	return negative ? value : -value;
}

static void assert_integer(const struct golden *g)
{
	__int128 meant = parse_int128(g->meaning), value = 0;

	ck_assert_int_eq(message_get_int128(unpack(g->bytes, g->len), &value), 0);
	ck_assert_msg(value == meant, "%s is not read as %s", g->name, g->meaning);
	buffer.size = 0;
	ck_assert_int_eq(message_pack_int128(&pk, meant), 0);
	assert_golden(g->name);
}

START_TEST(golden_integers_are_read_and_packed_byte_for_byte)
{
	size_t count, values = 0;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (golden_is(&vectors[i], "value")) {
			assert_integer(&vectors[i]);
			values++;
		}
	ck_assert_uint_ge(values, 10);
}
END_TEST

START_TEST(integers_of_every_width_come_back)
{
	for (int bit = 0; bit < 127; bit++)
		for (int step = -1; step <= 1; step++)
			for (int sign = -1; sign <= 1; sign += 2) {
				__int128 in = sign * (((__int128)1 << bit) + step), out = 0;

				buffer.size = 0;
				ck_assert_int_eq(message_pack_int128(&pk, in), 0);
				ck_assert_int_eq(message_get_int128(unpack_buffer(), &out), 0);
				ck_assert(in == out);
				ck_assert_uint_le(buffer.size, 18);
			}
}
END_TEST

START_TEST(a_wide_integer_that_would_have_fitted_is_read)
{
	static const uint8_t five[] = {0xd8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
	__int128 value = 0;

	ck_assert_int_eq(message_get_int128(unpack(five, sizeof(five)), &value), 0);
	ck_assert(value == 5);
}
END_TEST

START_TEST(what_is_no_integer_is_refused_and_nothing_touched)
{
	static const struct {
		const char *bytes;
		size_t len;
	} others[] = {
		{"\xc0", 1},
		{"\xc3", 1},
		{"\xa1"
		 "1",
			2},
		{"\xcb\x3f\xf0\0\0\0\0\0\0", 9},
		{"\x90", 1},
		{"\xd8\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 18}, /* another type */
		{"\xd7\x01\0\0\0\0\0\0\0\1", 10},                 /* another size */
		{"\xc7\x00\x01", 3},
	};
	__int128 value = 7;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(message_get_int128(unpack(others[i].bytes, others[i].len), &value),
			-EPROTO);
	ck_assert(value == 7);
}
END_TEST

/* ---- maps ----------------------------------------------------------------------- */

/* Types too, which an integer's sign and a float's width are. */
static void assert_same(const msgpack_object *a, const msgpack_object *b)
{
	msgpack_sbuffer other;
	msgpack_packer packer;

	msgpack_sbuffer_init(&other);
	msgpack_packer_init(&packer, &other, msgpack_sbuffer_write);
	buffer.size = 0;
	ck_assert_int_eq(msgpack_pack_object(&pk, *a), 0);
	ck_assert_int_eq(msgpack_pack_object(&packer, *b), 0);
	ck_assert_uint_eq(buffer.size, other.size);
	ck_assert_mem_eq(buffer.data, other.data, other.size);
	msgpack_sbuffer_destroy(&other);
}

/* Each an array, in hexadecimal. */
static const char *const plain_arrays[] = {
	"90",
	"9f000102030405060708090a0b0c0d0e",
	"93007fe0", /* integers: fixed */
	"94cc00ccffcd00ffcdffff",
	"94ce00000000ceffffffffcf0000000000000001cfffffffffffffffff",
	"96d000d07fd080d1ffffd18000d17fff",
	"93d200000001d2ffffffffd280000000",
	"93d30000000000000001d3ffffffffffffffffd38000000000000000",
	"94c0c2c3ff",
	"93ca3fc00000cbbff8000000000000ca7f800000",
	"94a0a3616263d90161da000162",
	"94db0000000163c400c40164c5000165",
	"91c60000000166",
};

enum { BYTES_MAX = 64 };

static size_t read_hex(const char *text, uint8_t bytes[BYTES_MAX])
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(sscanf(text + 2 * i, "%2hhx", &bytes[i]), 1);
	return len;
}

START_TEST(plain_arrays_are_read_as_msgpack_c_does)
{
	msgpack_object room[MESSAGE_PLAIN_MAX], array;
	uint8_t bytes[BYTES_MAX];
	size_t len = read_hex(plain_arrays[_i], bytes);

	ck_assert_int_eq(message_get_plain_array(bytes, len, room, NULL, &array), 0);
	assert_same(&array, unpack(bytes, len));
}
END_TEST

START_TEST(what_is_no_plain_array_is_left_to_others)
{
	static const struct {
		const char *bytes;
		size_t len;
	} values[] = {
		{"\x91\x90", 2},
		{"\x92\x01\x80", 3},
		{"\x91\xd4\x02\x00", 4}, /* an extension */
		{"\xdc\x00\x01\x01", 4}, /* an array with a longer head */
		{"\x91\x91\x80", 3},
		{"\x81\x01\x01", 3},
		{"\x05", 1},
	};
	msgpack_object room[MESSAGE_PLAIN_MAX], array;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		ck_assert_int_eq(
			message_get_plain_array(values[i].bytes, values[i].len, room, NULL, &array),
			-EPROTO);
}
END_TEST

/* Each an array with arrays inside, in hexadecimal. */
static const char *const nested_arrays[] = {
	"9190",
	"93a1669401ccff03ffc2", /* as a chunk is */
	"93a16692920102920304c3",
	"93a166dc000301cdffffd0ffc2",
	"93a166dd0000000290a161c3",
	"9192920102939192030405c0",
	"919191919191919190",
};

START_TEST(arrays_inside_arrays_are_read_as_msgpack_c_does)
{
	msgpack_object room[MESSAGE_PLAIN_MAX], array;
	msgpack_zone *zone = msgpack_zone_new(64);
	uint8_t bytes[BYTES_MAX];
	size_t len = read_hex(nested_arrays[_i], bytes);

	ck_assert_int_eq(message_get_plain_array(bytes, len, room, NULL, &array), -EPROTO);
	ck_assert_int_eq(message_get_plain_array(bytes, len, room, zone, &array), 0);
	assert_same(&array, unpack(bytes, len));
	msgpack_zone_free(zone);
}
END_TEST

START_TEST(arrays_of_very_many_are_left_to_msgpack_c)
{
	static uint8_t bytes[6 + MESSAGE_PLAIN_INNER_MAX + 1] = {0x91, 0xdd, 0, 1, 0, 0};
	msgpack_object room[MESSAGE_PLAIN_MAX], array;
	msgpack_zone *zone = msgpack_zone_new(64);

	ck_assert_int_eq(message_get_plain_array(bytes, sizeof(bytes) - 1, room, zone, &array), 0);
	ck_assert_uint_eq(array.via.array.ptr[0].via.array.size, MESSAGE_PLAIN_INNER_MAX);
	bytes[5] = 1;
	ck_assert_int_eq(
		message_get_plain_array(bytes, sizeof(bytes), room, zone, &array), -EPROTO);
	msgpack_zone_free(zone);
}
END_TEST

START_TEST(a_maps_value_is_found_by_its_whole_key)
{
	const msgpack_object *map;

	msgpack_pack_map(&pk, 3);
	msgpack_pack_int(&pk, 5);
	msgpack_pack_int(&pk, 6);
	message_pack_str(&pk, "signals");
	msgpack_pack_int(&pk, 7);
	message_pack_str(&pk, "signal");
	msgpack_pack_int(&pk, 8);
	map = unpack_buffer();
	ck_assert_uint_eq(message_map_get(map, "signal")->via.u64, 8);
	ck_assert_ptr_null(message_map_get(map, "sig"));
	ck_assert_ptr_null(message_map_get(map, ""));
	ck_assert_ptr_null(message_map_get(message_map_get(map, "signal"), "signal"));
}
END_TEST

/* ---- errors --------------------------------------------------------------------- */

static void assert_text(const char *text, size_t len, const char *expected)
{
	ck_assert_uint_eq(len, strlen(expected));
	ck_assert_mem_eq(text, expected, len);
}

/* A crash by signal 11 as the golden ones have it, in a response. */
static void pack_crash(struct message_error error)
{
	error.code = RUCHE_CRASHED;
	error.executed = RUCHE_EXECUTED_MAYBE;
	error.signal = 11;
	error.exit_status = -1;
	error.message = "the worker was killed by signal 11";
	error.message_len = strlen(error.message);
	msgpack_pack_array(&pk, 4);
	msgpack_pack_int(&pk, 1);
	msgpack_pack_int(&pk, 10);
	ck_assert_int_eq(message_pack_error(&pk, &error), 0);
	msgpack_pack_nil(&pk);
}

START_TEST(a_tasks_history_is_packed_as_the_golden_one)
{
	pack_crash((struct message_error){
		.attempts = 3, .has_times = true, .queued = 0.5, .ran = 1.25});
	assert_golden("error.crashed-story");
}
END_TEST

START_TEST(what_a_chunk_had_done_is_packed_as_the_golden_one)
{
	pack_crash((struct message_error){
		.partial = "\x92\xc0\x01\x92\xc0\x04", .partial_len = 6, .partial_count = 2});
	assert_golden("error.crashed-partial");
}
END_TEST

/* That is not the same as not to know what it had done. */
START_TEST(a_chunk_that_had_done_nothing_tells_so)
{
	const msgpack_object *error, *partial;

	pack_crash((struct message_error){.partial = ""});
	error = &unpack_buffer()->via.array.ptr[2];
	partial = message_map_get(error, "partial");
	ck_assert_ptr_nonnull(partial);
	ck_assert_int_eq(partial->type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(partial->via.array.size, 0);
}
END_TEST

START_TEST(an_error_is_packed_as_the_golden_one)
{
	static const struct message_error error = {.code = RUCHE_CRASHED,
		.executed = RUCHE_EXECUTED_MAYBE,
		.signal = 11,
		.exit_status = -1,
		.peak_memory = 10485760,
		.message = "the worker was killed by signal 11 (Segmentation fault)",
		.message_len = 55,
		.output = "about to fail\n",
		.output_len = 14};

	msgpack_pack_array(&pk, 4);
	msgpack_pack_int(&pk, 1);
	msgpack_pack_int(&pk, 10);
	ck_assert_int_eq(message_pack_error(&pk, &error), 0);
	msgpack_pack_nil(&pk);
	assert_golden("error.crashed");
}
END_TEST

START_TEST(cause_of_a_death_is_packed_as_the_golden_one)
{
	static const struct message_error error = {.code = RUCHE_CRASHED,
		.executed = RUCHE_EXECUTED_MAYBE,
		.signal = 9,
		.exit_status = -1,
		.peak_memory = 67108864,
		.cause = MESSAGE_OUT_OF_MEMORY,
		.message = "the worker ran out of memory",
		.message_len = 28};
	struct message_error read;

	msgpack_pack_array(&pk, 4);
	msgpack_pack_int(&pk, 1);
	msgpack_pack_int(&pk, 10);
	ck_assert_int_eq(message_pack_error(&pk, &error), 0);
	msgpack_pack_nil(&pk);
	assert_golden("error.crashed-memory");
	message_get_error(&unpack_buffer()->via.array.ptr[2], &read);
	assert_text(read.cause, read.cause_len, "out_of_memory");
}
END_TEST

/* Every vector called error.CODE, or error.CODE-more, is read with that code. */
static bool check_error_vector(const struct golden *g)
{
	struct message_error error;
	const msgpack_object *frame;
	char code[64];

	if (sscanf(g->name, "error.%63[a-z_]", code) != 1)
		return false;
	frame = unpack(g->bytes, g->len);
	message_get_error(&frame->via.array.ptr[2], &error);
	ck_assert_str_eq(message_code_name(error.code), code);
	ck_assert_ptr_nonnull(error.message);
	ck_assert_uint_gt(error.message_len, 0);
	return true;
}

START_TEST(every_code_that_travels_has_a_golden_error)
{
	size_t count;
	const struct golden *vectors = golden_read(&count);
	char name[64];

	for (size_t i = 0; i < count; i++)
		check_error_vector(&vectors[i]);
	for (int code = RUCHE_OK + 1; code < RUCHE_CODE_COUNT; code++) {
		if (code == RUCHE_DISCONNECTED)
			continue;
		snprintf(name, sizeof(name), "error.%s", message_code_name((enum ruche_code)code));
		ck_assert(check_error_vector(find_golden(name)));
	}
}
END_TEST

START_TEST(an_error_comes_back_as_it_was)
{
	static const struct message_error in = {.code = RUCHE_CANCELLED,
		.executed = RUCHE_EXECUTED_YES,
		.signal = 15,
		.exit_status = 0,
		.peak_memory = UINT64_MAX,
		.message = "m",
		.message_len = 1,
		.output = "zwei W\xc3\xb6rter",
		.output_len = 12};
	struct message_error out;

	ck_assert_int_eq(message_pack_error(&pk, &in), 0);
	message_get_error(unpack_buffer(), &out);
	ck_assert_int_eq(out.code, in.code);
	ck_assert_int_eq(out.executed, in.executed);
	ck_assert_int_eq(out.signal, in.signal);
	ck_assert_int_eq(out.exit_status, 0);
	ck_assert(out.peak_memory == in.peak_memory);
	assert_text(out.message, out.message_len, "m");
	assert_text(out.output, out.output_len, in.output);
	ck_assert_uint_eq(out.attempts, 0);
	ck_assert(!out.has_times);
}
END_TEST

/* What a task has come to, by the keys that tell it. */
static const struct {
	struct message_error in;
	uint32_t keys;
} histories[] = {
	{{.attempts = 3, .has_times = true, .queued = 0.25, .ran = 1.5}, 6},
	{{.has_times = true, .queued = 60}, 6}, /* it was never started */
	{{.attempts = 1}, 4},
	{{.queued = 1, .ran = 1}, 3},
};

START_TEST(a_tasks_history_comes_back_as_far_as_it_is_known)
{
	struct message_error in = histories[_i].in, out;
	const msgpack_object *map;

	in.code = RUCHE_TIMEOUT;
	in.exit_status = -1;
	ck_assert_int_eq(message_pack_error(&pk, &in), 0);
	map = unpack_buffer();
	ck_assert_uint_eq(map->via.map.size, histories[_i].keys);
	message_get_error(map, &out);
	ck_assert_uint_eq(out.attempts, in.attempts);
	ck_assert_int_eq(out.has_times, in.has_times);
	ck_assert(out.queued == (in.has_times ? in.queued : 0));
	ck_assert(out.ran == (in.has_times ? in.ran : 0));
}
END_TEST

START_TEST(times_are_read_from_every_number_that_can_be_one)
{
	struct message_error error;

	msgpack_pack_map(&pk, 3);
	message_pack_str(&pk, "code");
	message_pack_str(&pk, "timeout");
	message_pack_str(&pk, "queued");
	msgpack_pack_int(&pk, 2);
	message_pack_str(&pk, "ran");
	msgpack_pack_float(&pk, 0.5F);
	message_get_error(unpack_buffer(), &error);
	ck_assert(error.has_times);
	ck_assert(error.queued == 2);
	ck_assert(error.ran == 0.5);
}
END_TEST

START_TEST(what_is_not_known_of_an_error_is_left_out)
{
	static const struct message_error in = {.code = RUCHE_BUSY, .exit_status = -1};
	struct message_error out;
	const msgpack_object *map;

	ck_assert_int_eq(message_pack_error(&pk, &in), 0);
	map = unpack_buffer();
	ck_assert_uint_eq(map->via.map.size, 3);
	message_get_error(map, &out);
	ck_assert_int_eq(out.code, RUCHE_BUSY);
	ck_assert_int_eq(out.executed, RUCHE_EXECUTED_NO);
	ck_assert_int_eq(out.signal, 0);
	ck_assert_int_eq(out.exit_status, -1);
	assert_text(out.message, out.message_len, "");
	ck_assert_ptr_null(out.output);
}
END_TEST

static const struct {
	const char *in, *out;
} texts[] = {
	{"plain", "plain"},
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d"},
	{"a\xff"
	 "b",
		"a?b"},
	{"\x80\x80", "??"},
	{"cut \xe2\x82", "cut ??"},
	{"cut \xf0\x9f\x90", "cut ???"},
	{"\xc0\xaf", "??"},           /* a longer form of '/' */
	{"\xe0\x80\xaf", "???"},      /* the same */
	{"\xed\xa0\x80", "???"},      /* a surrogate */
	{"\xf4\x90\x80\x80", "????"}, /* above the last character */
	{"\xf5\x80\x80\x80", "????"},
	{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	{"\xc3x\xa9", "?x?"},
	{"", ""},
};

START_TEST(what_is_not_utf8_in_an_error_becomes_a_question_mark)
{
	struct message_error error = {.code = RUCHE_FAILED,
		.exit_status = -1,
		.message = texts[_i].in,
		.message_len = strlen(texts[_i].in)};

	ck_assert_int_eq(message_pack_error(&pk, &error), 0);
	message_get_error(unpack_buffer(), &error);
	assert_text(error.message, error.message_len, texts[_i].out);
}
END_TEST

START_TEST(a_foreign_string_is_the_message_of_a_failure)
{
	struct message_error error;

	message_pack_str(&pk, "oops");
	message_get_error(unpack_buffer(), &error);
	ck_assert_int_eq(error.code, RUCHE_FAILED);
	ck_assert_int_eq(error.executed, RUCHE_EXECUTED_MAYBE);
	ck_assert_int_eq(error.exit_status, -1);
	assert_text(error.message, error.message_len, "oops");
}
END_TEST

START_TEST(a_foreign_value_is_a_failure_that_says_so)
{
	static const char *const values[] = {"\x05", "\xc3", "\x90", "\x80", "\xcb........"};
	struct message_error error;

	message_get_error(unpack(values[_i], strlen(values[_i])), &error);
	ck_assert_int_eq(error.code, RUCHE_FAILED);
	ck_assert_int_eq(error.executed, RUCHE_EXECUTED_MAYBE);
	ck_assert_uint_gt(error.message_len, 0);
}
END_TEST

START_TEST(fields_of_another_type_or_out_of_range_are_as_if_not_there)
{
	struct message_error error;

	msgpack_pack_map(&pk, 10);
	message_pack_str(&pk, "code");
	message_pack_str(&pk, "crashed");
	message_pack_str(&pk, "attempts");
	message_pack_str(&pk, "two");
	message_pack_str(&pk, "queued");
	msgpack_pack_double(&pk, -1);
	message_pack_str(&pk, "ran");
	msgpack_pack_double(&pk, NAN);
	message_pack_str(&pk, "message");
	msgpack_pack_int(&pk, 5);
	message_pack_str(&pk, "executed");
	message_pack_str(&pk, "perhaps");
	message_pack_str(&pk, "signal");
	msgpack_pack_int(&pk, -3);
	message_pack_str(&pk, "exit_status");
	msgpack_pack_uint64(&pk, (uint64_t)INT_MAX + 1);
	message_pack_str(&pk, "peak_memory");
	msgpack_pack_double(&pk, 1.5);
	message_pack_str(&pk, "output");
	msgpack_pack_nil(&pk);
	message_get_error(unpack_buffer(), &error);
	ck_assert_int_eq(error.code, RUCHE_CRASHED);
	ck_assert_int_eq(error.executed, RUCHE_EXECUTED_MAYBE);
	ck_assert_int_eq(error.signal, 0);
	ck_assert_int_eq(error.exit_status, -1);
	ck_assert(error.peak_memory == 0);
	ck_assert_ptr_null(error.message);
	ck_assert_ptr_null(error.output);
	ck_assert_uint_eq(error.attempts, 0);
	ck_assert(!error.has_times);
	ck_assert(error.queued == 0 && error.ran == 0);
}
END_TEST

static TCase *new_case(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	return tc;
}

static TCase *case_frames(void)
{
	TCase *tc = new_case("frames");

	tcase_add_test(tc, every_code_has_a_name_that_leads_back_to_it);
	tcase_add_test(tc, names_out_of_range_are_null_and_unknown_words_are_failed);
	tcase_add_test(tc, a_head_has_its_msgid_as_uint_32);
	tcase_add_test(tc, a_request_is_packed_as_the_golden_one);
	tcase_add_test(tc, a_response_is_packed_as_the_golden_one);
	tcase_add_test(tc, a_notification_is_packed_as_the_golden_one);
	tcase_add_test(tc, link_messages_are_packed_as_the_golden_ones);
	tcase_add_test(tc, no_memory_is_told_wherever_it_strikes);
	return tc;
}

static TCase *case_values(void)
{
	TCase *tc = new_case("values");

	tcase_add_test(tc, golden_integers_are_read_and_packed_byte_for_byte);
	tcase_add_test(tc, integers_of_every_width_come_back);
	tcase_add_test(tc, a_wide_integer_that_would_have_fitted_is_read);
	tcase_add_test(tc, what_is_no_integer_is_refused_and_nothing_touched);
	tcase_add_loop_test(tc, plain_arrays_are_read_as_msgpack_c_does, 0,
		(int)(sizeof(plain_arrays) / sizeof(plain_arrays[0])));
	tcase_add_test(tc, what_is_no_plain_array_is_left_to_others);
	tcase_add_loop_test(tc, arrays_inside_arrays_are_read_as_msgpack_c_does, 0,
		(int)(sizeof(nested_arrays) / sizeof(*nested_arrays)));
	tcase_add_test(tc, arrays_of_very_many_are_left_to_msgpack_c);
	tcase_add_test(tc, a_maps_value_is_found_by_its_whole_key);
	return tc;
}

static TCase *case_errors(void)
{
	TCase *tc = new_case("errors");

	tcase_add_test(tc, an_error_is_packed_as_the_golden_one);
	tcase_add_test(tc, cause_of_a_death_is_packed_as_the_golden_one);
	tcase_add_test(tc, a_tasks_history_is_packed_as_the_golden_one);
	tcase_add_test(tc, what_a_chunk_had_done_is_packed_as_the_golden_one);
	tcase_add_test(tc, a_chunk_that_had_done_nothing_tells_so);
	tcase_add_test(tc, every_code_that_travels_has_a_golden_error);
	tcase_add_test(tc, an_error_comes_back_as_it_was);
	tcase_add_loop_test(tc, a_tasks_history_comes_back_as_far_as_it_is_known, 0,
		(int)(sizeof(histories) / sizeof(histories[0])));
	tcase_add_test(tc, times_are_read_from_every_number_that_can_be_one);
	tcase_add_test(tc, what_is_not_known_of_an_error_is_left_out);
	tcase_add_loop_test(tc, what_is_not_utf8_in_an_error_becomes_a_question_mark, 0,
		(int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_test(tc, a_foreign_string_is_the_message_of_a_failure);
	tcase_add_loop_test(tc, a_foreign_value_is_a_failure_that_says_so, 0, 5);
	tcase_add_test(tc, fields_of_another_type_or_out_of_range_are_as_if_not_there);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("message");

	suite_add_tcase(suite, case_frames());
	suite_add_tcase(suite, case_values());
	suite_add_tcase(suite, case_errors());
	return check_main(suite);
}
