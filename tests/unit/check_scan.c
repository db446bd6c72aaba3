/* SPDX-License-Identifier: MIT */
#include "wire/scan.h"

#include <errno.h>
#include <msgpack.h>
#include <stdbool.h>
#include <string.h>

#include "check_main.h"
#include "golden.h"
#include "wire/message.h"

static const char *const type_names[] = {"request", "response", "notification"};

/*
 * Feeds a prefix that lies at the end of memory of its own, in an exact allocation, so that
 * ASan and valgrind see any read past it.
 */
static int feed_copy(struct scan *scan, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	int r;

	memcpy(copy, bytes, len);
	r = scan_feed(scan, copy, len);
	free(copy);
	return r;
}

static int scan_whole(struct scan *scan, const void *bytes, size_t len, size_t limit)
{
	scan_init(scan, limit);
	return feed_copy(scan, bytes, len);
}

static void assert_same_span(struct span a, struct span b)
{
	ck_assert_uint_eq(a.off, b.off);
	ck_assert_uint_eq(a.len, b.len);
}

static void assert_same(const struct scan *a, const struct scan *b)
{
	ck_assert_int_eq(a->type, b->type);
	ck_assert_uint_eq(a->len, b->len);
	if (a->type != SCAN_NOTIFICATION)
		ck_assert_uint_eq(a->msgid, b->msgid);
	if (a->type == SCAN_RESPONSE) {
		assert_same_span(a->error, b->error);
		assert_same_span(a->result, b->result);
	} else {
		assert_same_span(a->method, b->method);
		assert_same_span(a->params, b->params);
		assert_same_span(a->method_and_params, b->method_and_params);
	}
}

/* What msgpack-c makes of it must be as long. */
static void assert_unpacks(const void *bytes, size_t len)
{
	msgpack_unpacked unpacked;
	size_t off = 0;

	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(msgpack_unpack_next(&unpacked, bytes, len, &off), MSGPACK_UNPACK_SUCCESS);
	ck_assert_uint_eq(off, len);
	msgpack_unpacked_destroy(&unpacked);
}

static void assert_value(const uint8_t *frame, struct span span)
{
	size_t len = 0;

	ck_assert_int_eq(scan_value(frame + span.off, span.len, &len), 0);
	ck_assert_uint_eq(len, span.len);
}

static void assert_spans_join(const struct scan *scan, const uint8_t *frame)
{
	if (scan->type == SCAN_RESPONSE) {
		ck_assert_uint_eq(scan->error.off + scan->error.len, scan->result.off);
		ck_assert_uint_eq(scan->result.off + scan->result.len, scan->len);
		assert_value(frame, scan->error);
		assert_value(frame, scan->result);
		return;
	}
	ck_assert_uint_eq(scan->method.off + scan->method.len, scan->params.off);
	ck_assert_uint_eq(scan->params.off + scan->params.len, scan->len);
	ck_assert_uint_eq(scan->method_and_params.off + scan->method_and_params.len, scan->len);
	ck_assert_uint_lt(scan->method_and_params.off, scan->method.off);
	assert_value(frame, scan->params);
}

/* ---- golden vectors ------------------------------------------------------------- */

static void assert_accepted(const struct golden *g)
{
	struct scan scan;

	ck_assert_msg(scan_whole(&scan, g->bytes, g->len, MESSAGE_FRAME_MAX) == SCAN_DONE,
		"%s: refused: %s", g->name, scan.why);
	ck_assert_uint_eq(scan.len, g->len);
	ck_assert_str_eq(type_names[scan.type], g->kind);
	assert_spans_join(&scan, g->bytes);
	assert_unpacks(g->bytes, g->len);
}

START_TEST(golden_messages_are_accepted)
{
	size_t count, messages = 0;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (golden_is_message(&vectors[i])) {
			assert_accepted(&vectors[i]);
			messages++;
		}
	ck_assert_uint_ge(messages, 50);
}
END_TEST

static void assert_rejected(const struct golden *g)
{
	struct scan scan;
	int r = scan_whole(&scan, g->bytes, g->len, MESSAGE_FRAME_MAX);

	ck_assert_msg(r < 0, "%s: not refused", g->name);
	ck_assert_str_eq(scan.why, g->meaning);
}

START_TEST(golden_rejects_are_refused_for_the_reason_given)
{
	size_t count, rejects = 0;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (golden_is(&vectors[i], "reject")) {
			assert_rejected(&vectors[i]);
			rejects++;
		}
	ck_assert_uint_ge(rejects, 30);
}
END_TEST

START_TEST(golden_values_are_single_values)
{
	size_t count;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (golden_is(&vectors[i], "value"))
			assert_value(vectors[i].bytes, (struct span){0, vectors[i].len});
}
END_TEST

/* ---- incremental ---------------------------------------------------------------- */

static void assert_every_split(const uint8_t *bytes, size_t len)
{
	struct scan whole, split;

	ck_assert_int_eq(scan_whole(&whole, bytes, len, len), SCAN_DONE);
	for (size_t at = 0; at < len; at++) {
		scan_init(&split, len);
		ck_assert_int_eq(feed_copy(&split, bytes, at), SCAN_MORE);
		ck_assert_int_eq(feed_copy(&split, bytes, len), SCAN_DONE);
		assert_same(&split, &whole);
	}
	scan_init(&split, len);
	for (size_t at = 0; at < len; at++)
		ck_assert_int_eq(feed_copy(&split, bytes, at), SCAN_MORE);
	ck_assert_int_eq(feed_copy(&split, bytes, len), SCAN_DONE);
	assert_same(&split, &whole);
}

START_TEST(every_split_gives_the_same_spans_and_every_prefix_wants_more)
{
	size_t count;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (golden_is_message(&vectors[i]))
			assert_every_split(vectors[i].bytes, vectors[i].len);
}
END_TEST

static void assert_rejected_at_every_split(const struct golden *g)
{
	struct scan scan;
	int whole = scan_whole(&scan, g->bytes, g->len, MESSAGE_FRAME_MAX);

	for (size_t at = 0; at <= g->len; at++) {
		int r = scan_whole(&scan, g->bytes, at, MESSAGE_FRAME_MAX);

		if (r == SCAN_MORE)
			r = feed_copy(&scan, g->bytes, g->len);
		ck_assert_int_eq(r, whole);
		ck_assert_str_eq(scan.why, g->meaning);
	}
}

START_TEST(every_split_of_a_reject_is_refused_alike)
{
	size_t count;
	const struct golden *vectors = golden_read(&count);

	for (size_t i = 0; i < count; i++)
		if (golden_is(&vectors[i], "reject"))
			assert_rejected_at_every_split(&vectors[i]);
}
END_TEST

START_TEST(bytes_after_a_frame_are_left_alone)
{
	static const uint8_t two[] = {0x94, 0, 1, 0xa1, 'f', 0x90, 0xc1, 0xc1};
	struct scan scan;

	ck_assert_int_eq(scan_whole(&scan, two, sizeof(two), 100), SCAN_DONE);
	ck_assert_uint_eq(scan.len, 6);
}
END_TEST

/* ---- first bytes, types, arity -------------------------------------------------- */

START_TEST(every_first_byte_begins_a_message_or_is_refused)
{
	for (int first = 0; first < 256; first++) {
		uint8_t byte = (uint8_t)first;
		bool begins = byte == 0xdc || byte == 0xdd || byte == 0x93 || byte == 0x94;
		struct scan scan;
		int r = scan_whole(&scan, &byte, 1, 100);

		ck_assert_msg(r == (begins ? SCAN_MORE : -EPROTO), "%02x gives %d", byte, r);
		ck_assert((scan.why == NULL) == begins);
	}
}
END_TEST

/* A request with `byte` where its one argument begins: as long as msgpack-c says it is. */
static void assert_as_long_as_msgpack_says(uint8_t byte)
{
	uint8_t frame[64] = {0x94, 0, 1, 0xa1, 'f', 0x91, byte};
	msgpack_unpacked unpacked;
	struct scan scan;
	size_t off = 0;

	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(scan_whole(&scan, frame, sizeof(frame), sizeof(frame)), SCAN_DONE);
	ck_assert_int_eq(msgpack_unpack_next(&unpacked, (char *)frame, sizeof(frame), &off),
		MSGPACK_UNPACK_SUCCESS);
	ck_assert_uint_eq(scan.len, off);
	msgpack_unpacked_destroy(&unpacked);
}

START_TEST(every_first_byte_of_a_value_is_as_long_as_msgpack_says)
{
	for (int byte = 0; byte < 256; byte++)
		if (byte != 0xc1)
			assert_as_long_as_msgpack_says((uint8_t)byte);
}
END_TEST

/* Any byte in the place of any of the envelope's: refused, or what msgpack-c unpacks. */
START_TEST(no_byte_of_an_envelope_can_be_changed_unnoticed)
{
	static const uint8_t good[] = {0x94, 0, 1, 0xa1, 'f', 0x90};
	uint8_t frame[sizeof(good) + 64];
	struct scan scan;

	for (size_t i = 0; i < sizeof(good) * 256; i++) {
		memset(frame, 0, sizeof(frame));
		memcpy(frame, good, sizeof(good));
		frame[i / 256] = (uint8_t)i;
		if (scan_whole(&scan, frame, sizeof(frame), sizeof(frame)) == SCAN_DONE)
			assert_unpacks(frame, scan.len);
		else
			ck_assert_ptr_nonnull(scan.why);
	}
}
END_TEST

START_TEST(type_and_msgid_survive_a_later_fault)
{
	static const uint8_t bad_method[] = {0x94, 0, 0xcd, 0x12, 0x34, 0x05};
	static const uint8_t bad_msgid[] = {0x94, 0, 0xff};
	struct scan scan;

	ck_assert_int_eq(scan_whole(&scan, bad_method, sizeof(bad_method), 100), -EPROTO);
	ck_assert_int_eq(scan.has_msgid, 1);
	ck_assert_int_eq(scan.type, SCAN_REQUEST);
	ck_assert_uint_eq(scan.msgid, 0x1234);
	ck_assert_int_eq(scan_whole(&scan, bad_msgid, sizeof(bad_msgid), 100), -EPROTO);
	ck_assert_int_eq(scan.has_msgid, 0);
}
END_TEST

/* ---- depth ---------------------------------------------------------------------- */

/* A request whose one argument is `depth` - 2 arrays (or maps) inside each other. */
static size_t write_nested(uint8_t *frame, size_t depth, bool maps)
{
	static const uint8_t head[] = {0x94, 0, 1, 0xa1, 'f', 0x91};
	size_t at = sizeof(head);

	memcpy(frame, head, sizeof(head));
	for (size_t i = 2; i < depth; i++) {
		frame[at++] = maps ? 0x81 : 0x91;
		if (maps)
			frame[at++] = 0xc0;
	}
	frame[at++] = 0xc0;
	return at;
}

START_TEST(depth_32_passes_and_msgpack_unpacks_it)
{
	uint8_t frame[128];
	struct scan scan;
	size_t len = write_nested(frame, SCAN_DEPTH_MAX, _i);

	ck_assert_int_eq(scan_whole(&scan, frame, len, len), SCAN_DONE);
	assert_unpacks(frame, len);
	frame[len - 1] = 0x7f;
	assert_unpacks(frame, len);
}
END_TEST

START_TEST(depth_33_is_refused_even_if_empty)
{
	uint8_t frame[128];
	struct scan scan;
	size_t len = write_nested(frame, SCAN_DEPTH_MAX, _i);

	frame[len - 1] = 0x90;
	ck_assert_int_eq(scan_whole(&scan, frame, len, len), -EPROTO);
	ck_assert_str_eq(scan.why, "nested too deeply");
	len = write_nested(frame, SCAN_DEPTH_MAX + 1, _i);
	ck_assert_int_eq(scan_whole(&scan, frame, len, len), -EPROTO);
}
END_TEST

START_TEST(depth_100000_is_refused_without_being_followed)
{
	size_t len;
	uint8_t *frame = malloc(300000);
	struct scan scan;

	len = write_nested(frame, 100000, _i);
	ck_assert_int_eq(scan_whole(&scan, frame, len, len), -EPROTO);
	ck_assert_uint_lt(scan.pos, 128);
	free(frame);
}
END_TEST

START_TEST(depth_is_counted_alike_in_both_halves_of_a_response)
{
	uint8_t frame[256] = {0x94, 1, 1};
	struct scan scan;
	size_t at = 3;

	for (int half = 0; half < 2; half++) {
		memset(frame + at, 0x91, SCAN_DEPTH_MAX - 1);
		at += SCAN_DEPTH_MAX - 1;
		frame[at++] = 0xc0;
	}
	ck_assert_int_eq(scan_whole(&scan, frame, at, at), SCAN_DONE);
	assert_unpacks(frame, at);
	frame[at - 1] = 0x80;
	ck_assert_int_eq(scan_whole(&scan, frame, at, at), -EPROTO);
}
END_TEST

/* ---- limits --------------------------------------------------------------------- */

START_TEST(a_frame_of_the_limit_passes_and_one_byte_more_does_not)
{
	size_t count;
	const struct golden *vectors = golden_read(&count);
	struct scan scan;

	for (size_t i = 0; i < count; i++) {
		const struct golden *g = &vectors[i];

		if (!golden_is_message(g))
			continue;
		ck_assert_int_eq(scan_whole(&scan, g->bytes, g->len, g->len), SCAN_DONE);
		for (size_t limit = 0; limit < g->len; limit++)
			ck_assert_int_eq(scan_whole(&scan, g->bytes, g->len, limit), -EMSGSIZE);
	}
}
END_TEST

/* Many values of a kind, in hexadecimal: the array is one of the params, of which another follows. */
static const char *const many_alike[] = {
	"07",
	"cdffff",
	"d3ffffffffffffffff",
	"c0",
	"cb3ff0000000000000",
	"a161",
	"92c0ce00000001",
	"93a16101c3",
	"90",
	"91da000161",
	"92c091c0",
	"81c0c0",
};

static size_t build_many(uint8_t *frame, const char *hex, size_t count)
{
	static const uint8_t head[] = {0x94, 0, 1, 0xa1, 'f', 0x93, 0xc0, 0xdc, 0};
	size_t at = sizeof(head), len = strlen(hex) / 2;

	memcpy(frame, head, at);
	frame[at++] = (uint8_t)count;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < len; k++)
			ck_assert_int_eq(sscanf(hex + 2 * k, "%2hhx", &frame[at++]), 1);
	frame[at++] = 0xcc;
	frame[at++] = 0x80;
	return at;
}

START_TEST(many_values_alike_are_passed_in_any_limit_and_split_as_one_is)
{
	uint8_t frame[1024];
	size_t len = build_many(frame, many_alike[_i], 50);
	struct scan scan;

	ck_assert_int_eq(scan_whole(&scan, frame, len, len), SCAN_DONE);
	ck_assert_uint_eq(scan.len, len);
	assert_unpacks(frame, len);
	for (size_t limit = 0; limit < len; limit++)
		ck_assert_int_eq(scan_whole(&scan, frame, len, limit), -EMSGSIZE);
	for (size_t split = 0; split < len; split++) {
		scan_init(&scan, len);
		ck_assert_int_eq(feed_copy(&scan, frame, split), SCAN_MORE);
		ck_assert_int_eq(feed_copy(&scan, frame, len), SCAN_DONE);
		ck_assert_uint_eq(scan.len, len);
	}
}
END_TEST

/* The head of a value that would end exactly at, or one byte behind, a limit of 64 MiB. */
START_TEST(a_declared_length_is_refused_by_its_head_alone)
{
	/* After 6 bytes of envelope and params, and 5 of the head itself. */
	static const struct {
		uint8_t first;
		uint32_t fits;
	} heads[] = {
		{0xdb, 67108864 - 11},
		{0xc6, 67108864 - 11},
		{0xc9, 67108864 - 12},
		{0xdd, 67108864 - 11},
		{0xdf, (67108864 - 11) / 2},
	};
	struct scan scan;

	for (uint32_t more = 0; more < 2; more++) {
		uint32_t n = heads[_i].fits + more;
		uint8_t frame[] = {0x94, 0, 1, 0xa1, 'f', 0x91, heads[_i].first, (uint8_t)(n >> 24),
			(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

		ck_assert_int_eq(scan_whole(&scan, frame, sizeof(frame), MESSAGE_FRAME_MAX),
			more ? -EMSGSIZE : SCAN_MORE);
	}
}
END_TEST

START_TEST(what_is_open_already_counts_against_the_limit)
{
	/* Eight more values are owed when the string comes, and ten bytes are left. */
	static const uint8_t frame[] = {0x94, 0, 1, 0xa1, 'f', 0x99, 0xd9, 0x03};
	struct scan scan;

	ck_assert_int_eq(scan_whole(&scan, frame, sizeof(frame), 19), SCAN_MORE);
	ck_assert_int_eq(scan_whole(&scan, frame, sizeof(frame), 18), -EMSGSIZE);
}
END_TEST

START_TEST(a_nested_bomb_is_refused_before_its_counts_add_up_to_the_limit)
{
	uint8_t bomb[155];
	uint8_t frame[5 + sizeof(bomb)] = {0x94, 0, 1, 0xa1, 'f'};
	struct scan scan;

	for (size_t i = 0; i < sizeof(bomb); i += 5)
		memcpy(bomb + i, (uint8_t[]){0xdd, 0x03, 0x00, 0x00, 0x00}, 5);
	memcpy(frame + 5, bomb, sizeof(bomb));
	ck_assert_int_eq(scan_whole(&scan, frame, sizeof(frame), MESSAGE_FRAME_MAX), -EMSGSIZE);
	ck_assert_uint_eq(scan.pos, 10);
	ck_assert_int_eq(scan_whole(&scan, bomb, sizeof(bomb), MESSAGE_FRAME_MAX), -EPROTO);
}
END_TEST

START_TEST(a_long_string_is_not_looked_into)
{
	uint8_t frame[100] = {0x94, 0, 1, 0xa1, 'f', 0x91, 0xda, 0x10, 0x00};
	struct scan scan;

	scan_init(&scan, 100000);
	ck_assert_int_eq(scan_feed(&scan, frame, sizeof(frame)), SCAN_MORE);
	ck_assert_uint_eq(scan.pos, 9 + 0x1000);
	/* No byte of it is read: there is no memory where it is said to be. */
	ck_assert_int_eq(scan_feed(&scan, (void *)16, 9 + 0x1000 - 1), SCAN_MORE);
	ck_assert_int_eq(scan_feed(&scan, (void *)16, 9 + 0x1000), SCAN_DONE);
}
END_TEST

/* ---- single values -------------------------------------------------------------- */

START_TEST(uints_of_every_encoding_are_read)
{
	static const struct {
		uint8_t bytes[9];
		uint8_t len;
		uint64_t value;
	} uints[] = {
		{{0x00}, 1, 0},
		{{0x7f}, 1, 127},
		{{0xcc, 0xff}, 2, 255},
		{{0xcd, 0x12, 0x34}, 3, 0x1234},
		{{0xce, 0xff, 0, 0, 1}, 5, 0xff000001},
		{{0xcf, 0xff, 0, 0, 0, 0, 0, 0, 2}, 9, 0xff00000000000002},
		{{0xd0, 0x7f}, 2, 127},
		{{0xd1, 0x7f, 0xff}, 3, 0x7fff},
		{{0xd2, 0x7f, 0, 0, 1}, 5, 0x7f000001},
		{{0xd3, 0x7f, 0, 0, 0, 0, 0, 0, 1}, 9, 0x7f00000000000001},
	};
	size_t len = 0;
	uint64_t value;

	for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
		ck_assert_int_eq(scan_uint(uints[i].bytes, uints[i].len, &value, &len), 0);
		ck_assert_uint_eq(value, uints[i].value);
		ck_assert_uint_eq(len, uints[i].len);
		for (size_t cut = 0; cut < uints[i].len; cut++)
			ck_assert_int_eq(scan_uint(uints[i].bytes, cut, &value, &len), -EPROTO);
	}
}
END_TEST

START_TEST(what_is_no_uint_is_refused_and_nothing_touched)
{
	static const uint8_t others[][9] = {{0xff}, {0xe0}, {0xd0, 0x80}, {0xd1, 0xff},
		{0xd3, 0x80}, {0xc0}, {0xa1, '1'}, {0xca}};
	uint64_t value = 7;
	size_t len = 8;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(scan_uint(others[i], 9, &value, &len), -EPROTO);
	ck_assert_uint_eq(value, 7);
	ck_assert_uint_eq(len, 8);
}
END_TEST

START_TEST(heads_tell_their_count)
{
	uint32_t count = 0;
	size_t head = 0;

	ck_assert_int_eq(scan_array("\x93", 1, &count, &head), 0);
	ck_assert(count == 3 && head == 1);
	ck_assert_int_eq(scan_array("\xdd\x00\x01\x00\x02", 5, &count, &head), 0);
	ck_assert(count == 0x10002 && head == 5);
	ck_assert_int_eq(scan_map("\xde\x01\x00", 3, &count, &head), 0);
	ck_assert(count == 256 && head == 3);
	ck_assert_int_eq(scan_str("\xd9\x20", 2, &count, &head), 0);
	ck_assert(count == 32 && head == 2);
	ck_assert_int_eq(scan_str("\xbf", 1, &count, &head), 0);
	ck_assert(count == 31 && head == 1);
}
END_TEST

START_TEST(heads_of_another_type_or_cut_short_are_refused)
{
	uint32_t count = 7;
	size_t head = 8;

	ck_assert_int_eq(scan_array("\x80", 1, &count, &head), -EPROTO);
	ck_assert_int_eq(scan_map("\x90", 1, &count, &head), -EPROTO);
	ck_assert_int_eq(scan_str("\xc4\x01", 2, &count, &head), -EPROTO);
	ck_assert_int_eq(scan_array("", 0, &count, &head), -EPROTO);
	ck_assert_int_eq(scan_array("\xdd\0\0\0", 4, &count, &head), -EPROTO);
	ck_assert(count == 7 && head == 8);
}
END_TEST

START_TEST(a_value_that_is_cut_short_is_refused)
{
	static const char value[] = "\x92\x81\xa1k\xc4\x02xy\xd8\x01"
				    "0123456789abcdef";
	size_t len = 0;

	for (size_t cut = 0; cut < sizeof(value) - 1; cut++)
		ck_assert_int_eq(scan_value(value, cut, &len), -EPROTO);
	ck_assert_int_eq(scan_value(value, sizeof(value), &len), 0);
	ck_assert_uint_eq(len, sizeof(value) - 1);
}
END_TEST

START_TEST(a_value_may_be_32_deep)
{
	char value[64];
	size_t len = 0;

	memset(value, 0x91, sizeof(value));
	value[SCAN_DEPTH_MAX] = 0;
	ck_assert_int_eq(scan_value(value, sizeof(value), &len), 0);
	ck_assert_uint_eq(len, SCAN_DEPTH_MAX + 1);
	assert_unpacks(value, len);
	value[SCAN_DEPTH_MAX] = (char)0x90;
	ck_assert_int_eq(scan_value(value, sizeof(value), &len), -EPROTO);
}
END_TEST

START_TEST(a_value_inside_others_may_be_so_much_less_deep)
{
	char value[64];
	size_t len = 0;

	memset(value, 0x91, sizeof(value));
	value[SCAN_DEPTH_MAX - 3] = 0;
	ck_assert_int_eq(scan_value_inside(value, sizeof(value), 3, &len), 0);
	ck_assert_uint_eq(len, SCAN_DEPTH_MAX - 2);
	ck_assert_int_eq(scan_value_inside(value, sizeof(value), 4, &len), -EPROTO);
	ck_assert_int_eq(scan_value_inside(value, SCAN_DEPTH_MAX - 3, 3, &len), -EPROTO);
	ck_assert_int_eq(scan_value_inside(value + SCAN_DEPTH_MAX - 3, 1, 32, &len), 0);
	ck_assert_int_eq(scan_value_inside(value, 0, 3, &len), -EPROTO);
}
END_TEST

/* ---- random --------------------------------------------------------------------- */

/* xorshift: the same on every machine. */
static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void pack_random(msgpack_packer *pk, uint32_t *state, int depth);

static void pack_random_leaf(msgpack_packer *pk, uint32_t *state)
{
	static const char zeros[70000];
	uint32_t kind = random_next(state) % 7;
	size_t len = random_next(state) >> (random_next(state) % 16 + 15);

	if (kind == 0)
		msgpack_pack_nil(pk);
	else if (kind == 1)
		msgpack_pack_double(pk, random_next(state));
	else if (kind == 2)
		msgpack_pack_uint64(pk, random_next(state) >> (random_next(state) % 32));
	else if (kind == 3)
		msgpack_pack_int64(pk, -(int64_t)(random_next(state) >> (random_next(state) % 32)));
	else if (kind == 4)
		msgpack_pack_str_with_body(pk, zeros, len % sizeof(zeros));
	else if (kind == 5)
		msgpack_pack_bin_with_body(pk, zeros, len % sizeof(zeros));
	else
		msgpack_pack_ext_with_body(pk, zeros, len % sizeof(zeros), 5);
}

static void pack_random_container(msgpack_packer *pk, uint32_t *state, int depth)
{
	bool map = random_next(state) % 2 == 0;
	uint32_t count = random_next(state) % (depth < 4 ? 20 : 2);

	if (map)
		msgpack_pack_map(pk, count);
	else
		msgpack_pack_array(pk, count);
	for (uint32_t i = 0; i < (map ? count * 2 : count); i++)
		pack_random(pk, state, depth + 1);
}

static void pack_random(msgpack_packer *pk, uint32_t *state, int depth)
{
	if (depth < SCAN_DEPTH_MAX && random_next(state) % 3 == 0)
		pack_random_container(pk, state, depth);
	else
		pack_random_leaf(pk, state);
}

static void pack_random_frame(msgpack_packer *pk, uint32_t *state)
{
	if (random_next(state) % 2 == 0) {
		message_pack_response(pk, random_next(state));
		pack_random(pk, state, 1);
		pack_random(pk, state, 1);
		return;
	}
	if (random_next(state) % 2 == 0)
		message_pack_request(pk, random_next(state), "echo", 4);
	else
		message_pack_notification(pk, "echo");
	pack_random_container(pk, state, 20); /* may be a map, which must then be refused */
}

static void check_random_frame(uint32_t *state)
{
	msgpack_sbuffer buffer;
	msgpack_packer pk;
	struct scan scan;
	int r;

	msgpack_sbuffer_init(&buffer);
	msgpack_packer_init(&pk, &buffer, msgpack_sbuffer_write);
	pack_random_frame(&pk, state);
	r = scan_whole(&scan, buffer.data, buffer.size, buffer.size);
	if (r == SCAN_DONE) {
		ck_assert_uint_eq(scan.len, buffer.size);
		assert_unpacks(buffer.data, buffer.size);
		assert_spans_join(&scan, (uint8_t *)buffer.data);
	} else {
		ck_assert_int_eq(r, -EPROTO);
		ck_assert_str_eq(scan.why, "the params must be an array");
	}
	msgpack_sbuffer_destroy(&buffer);
}

START_TEST(random_frames_are_as_long_as_msgpack_says)
{
	uint32_t state = (uint32_t)_i + 1;

	for (int round = 0; round < 50; round++)
		check_random_frame(&state);
}
END_TEST

/* Half of them begin well, so that the garbage is reached. */
START_TEST(random_garbage_is_never_read_past_its_end)
{
	static const uint8_t good[] = {0x94, 0, 1, 0xa1, 'f', 0x9f};
	uint32_t state = (uint32_t)_i + 1;
	uint8_t bytes[96];
	struct scan scan;

	for (int round = 0; round < 1000; round++) {
		int r = SCAN_MORE;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random_next(&state);
		if (round % 2 == 0)
			memcpy(bytes, good, sizeof(good));
		scan_init(&scan, 1000);
		for (size_t len = 0; r == SCAN_MORE && len <= sizeof(bytes); len += 1 + len / 8)
			r = feed_copy(&scan, bytes, len);
		ck_assert(r == SCAN_MORE || r == SCAN_DONE || scan.why != NULL);
		if (r == SCAN_DONE)
			assert_unpacks(bytes, scan.len);
	}
}
END_TEST

static TCase *case_golden(void)
{
	TCase *tc = tcase_create("golden");

	tcase_add_test(tc, golden_messages_are_accepted);
	tcase_add_test(tc, golden_rejects_are_refused_for_the_reason_given);
	tcase_add_test(tc, golden_values_are_single_values);
	tcase_add_test(tc, every_split_gives_the_same_spans_and_every_prefix_wants_more);
	tcase_add_test(tc, every_split_of_a_reject_is_refused_alike);
	tcase_add_test(tc, bytes_after_a_frame_are_left_alone);
	return tc;
}

static TCase *case_refusals(void)
{
	TCase *tc = tcase_create("refusals");

	tcase_add_test(tc, every_first_byte_begins_a_message_or_is_refused);
	tcase_add_test(tc, every_first_byte_of_a_value_is_as_long_as_msgpack_says);
	tcase_add_test(tc, no_byte_of_an_envelope_can_be_changed_unnoticed);
	tcase_add_test(tc, type_and_msgid_survive_a_later_fault);
	tcase_add_loop_test(tc, depth_32_passes_and_msgpack_unpacks_it, 0, 2);
	tcase_add_loop_test(tc, depth_33_is_refused_even_if_empty, 0, 2);
	tcase_add_loop_test(tc, depth_100000_is_refused_without_being_followed, 0, 2);
	tcase_add_test(tc, depth_is_counted_alike_in_both_halves_of_a_response);
	tcase_add_test(tc, a_frame_of_the_limit_passes_and_one_byte_more_does_not);
	tcase_add_loop_test(tc, many_values_alike_are_passed_in_any_limit_and_split_as_one_is, 0,
		(int)(sizeof(many_alike) / sizeof(*many_alike)));
	tcase_add_loop_test(tc, a_declared_length_is_refused_by_its_head_alone, 0, 5);
	tcase_add_test(tc, what_is_open_already_counts_against_the_limit);
	tcase_add_test(tc, a_nested_bomb_is_refused_before_its_counts_add_up_to_the_limit);
	tcase_add_test(tc, a_long_string_is_not_looked_into);
	return tc;
}

static TCase *case_values(void)
{
	TCase *tc = tcase_create("values");

	tcase_add_test(tc, uints_of_every_encoding_are_read);
	tcase_add_test(tc, what_is_no_uint_is_refused_and_nothing_touched);
	tcase_add_test(tc, heads_tell_their_count);
	tcase_add_test(tc, heads_of_another_type_or_cut_short_are_refused);
	tcase_add_test(tc, a_value_that_is_cut_short_is_refused);
	tcase_add_test(tc, a_value_may_be_32_deep);
	tcase_add_test(tc, a_value_inside_others_may_be_so_much_less_deep);
	tcase_add_loop_test(tc, random_frames_are_as_long_as_msgpack_says, 0, 8);
	tcase_add_loop_test(tc, random_garbage_is_never_read_past_its_end, 0, 8);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("scan");

	suite_add_tcase(suite, case_golden());
	suite_add_tcase(suite, case_refusals());
	suite_add_tcase(suite, case_values());
	return check_main(suite);
}
