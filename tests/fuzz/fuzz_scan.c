/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as a frame: however they come in pieces the scanner says the same of them, and
 * what it passes msgpack-c can unpack, to the same length.
 */

#include <errno.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"
#include "wire/scan.h"

enum { LIMIT = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* In memory of its own that ends with the last byte, so that a read past it is found. */
static int feed_copy(struct scan *scan, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	int r;

	CHECK(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	r = scan_feed(scan, copy, len);
	free(copy);
	return r;
}

static int feed_pieces(struct scan *scan, const uint8_t *data, size_t size, size_t piece)
{
	int r = SCAN_MORE;

	scan_init(scan, LIMIT);
	for (size_t len = 0; r == SCAN_MORE; len += piece) {
		r = feed_copy(scan, data, len < size ? len : size);
		if (len >= size)
			break;
	}
	return r;
}

static bool span_is_equal(struct span a, struct span b)
{
	return a.off == b.off && a.len == b.len;
}

static void check_same(const struct scan *a, const struct scan *b)
{
	CHECK(a->type == b->type && a->len == b->len);
	CHECK(a->type == SCAN_NOTIFICATION || a->msgid == b->msgid);
	if (a->type == SCAN_RESPONSE) {
		CHECK(span_is_equal(a->error, b->error));
		CHECK(span_is_equal(a->result, b->result));
	} else {
		CHECK(span_is_equal(a->method, b->method));
		CHECK(span_is_equal(a->params, b->params));
		CHECK(span_is_equal(a->method_and_params, b->method_and_params));
	}
}

static void check_value(const uint8_t *data, const struct scan *scan, struct span span)
{
	size_t len = 0;

	CHECK(span.off < scan->len && span.len <= scan->len - span.off);
	CHECK(scan_value(data + span.off, span.len, &len) == 0 && len == span.len);
}

static void check_spans(const uint8_t *data, const struct scan *scan)
{
	if (scan->type == SCAN_RESPONSE) {
		check_value(data, scan, scan->error);
		check_value(data, scan, scan->result);
		return;
	}
	check_value(data, scan, scan->params);
	CHECK(scan->method.len >= 1 && scan->method.len <= SCAN_METHOD_MAX);
	CHECK(scan->method.off + scan->method.len == scan->params.off);
	CHECK(scan->method_and_params.off < scan->method.off);
	CHECK(scan->method_and_params.off + scan->method_and_params.len == scan->len);
}

static void check_unpacks(const uint8_t *data, const struct scan *scan)
{
	msgpack_unpacked unpacked;
	struct message_error error;
	size_t off = 0;

	msgpack_unpacked_init(&unpacked);
	CHECK(msgpack_unpack_next(&unpacked, (const char *)data, scan->len, &off) ==
		MSGPACK_UNPACK_SUCCESS);
	CHECK(off == scan->len);
	if (scan->type == SCAN_RESPONSE)
		message_get_error(&unpacked.data.via.array.ptr[2], &error);
	msgpack_unpacked_destroy(&unpacked);
}

/* If it is a plain array too, it is the same as msgpack-c has made of it. */
static void check_plain_array(const uint8_t *data, size_t len, const msgpack_object *same)
{
	msgpack_object room[MESSAGE_PLAIN_MAX], array;
	const msgpack_object *both[] = {same, &array};
	msgpack_zone *zone = msgpack_zone_new(1024);
	msgpack_sbuffer out[2];

	CHECK(zone != NULL);
	if (message_get_plain_array(data, len, room, zone, &array) < 0) {
		msgpack_zone_free(zone);
		return;
	}
	for (int i = 0; i < 2; i++) {
		msgpack_packer pk;

		msgpack_sbuffer_init(&out[i]);
		msgpack_packer_init(&pk, &out[i], msgpack_sbuffer_write);
		CHECK(msgpack_pack_object(&pk, *both[i]) == 0);
	}
	CHECK(out[0].size == out[1].size && memcmp(out[0].data, out[1].data, out[0].size) == 0);
	msgpack_sbuffer_destroy(&out[0]);
	msgpack_sbuffer_destroy(&out[1]);
	msgpack_zone_free(zone);
}

/* A value by itself, with no envelope around: what passes is unpacked to the same length. */
static void check_bare_value(const uint8_t *data, size_t size)
{
	msgpack_unpacked unpacked;
	size_t len = 0, off = 0;
	__int128 value;

	if (scan_value(data, size, &len) < 0)
		return;
	CHECK(len <= size);
	msgpack_unpacked_init(&unpacked);
	CHECK(msgpack_unpack_next(&unpacked, (const char *)data, len, &off) ==
		MSGPACK_UNPACK_SUCCESS);
	CHECK(off == len);
	message_get_int128(&unpacked.data, &value);
	check_plain_array(data, len, &unpacked.data);
	msgpack_unpacked_destroy(&unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 2, 3, 7, 64};
	struct scan whole, split;
	int r;

	scan_init(&whole, LIMIT);
	r = feed_copy(&whole, data, size);
	CHECK(r == SCAN_MORE || r == SCAN_DONE || r == -EPROTO || r == -EMSGSIZE);
	CHECK((r < 0) == (whole.why != NULL));
	CHECK(whole.pos <= LIMIT);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		CHECK(feed_pieces(&split, data, size, pieces[i]) == r);
		CHECK(split.why == whole.why && split.has_msgid == whole.has_msgid);
		if (r == SCAN_DONE)
			check_same(&split, &whole);
	}
	if (r == SCAN_DONE) {
		split = whole;
		CHECK(feed_copy(&split, data, size) == SCAN_DONE); /* asked again */
		check_same(&split, &whole);
		CHECK(whole.len <= size && whole.len <= LIMIT);
		check_spans(data, &whole);
		check_unpacks(data, &whole);
	}
	check_bare_value(data, size);
	return 0;
}
