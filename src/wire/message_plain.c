/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include <errno.h>

#include "wire/scan_head.h"

static void get_unsigned(const uint8_t *at, unsigned int width, msgpack_object *ret)
{
	ret->type = MSGPACK_OBJECT_POSITIVE_INTEGER;
	ret->via.u64 = width == 0 ? *at : scan_load(at + 1, width);
}

static void get_signed(const uint8_t *at, unsigned int width, msgpack_object *ret)
{
	const unsigned int unused = 64 - 8 * (width == 0 ? 1 : width);
	const uint64_t bits = width == 0 ? *at : scan_load(at + 1, width);

	ret->via.i64 = (int64_t)(bits << unused) >> unused;
	ret->type = ret->via.i64 < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER
				     : MSGPACK_OBJECT_POSITIVE_INTEGER;
}

static void get_scalar(const uint8_t *at, size_t len, msgpack_object *ret)
{
	double value = 0;

	if (*at == 0xc0) {
		ret->type = MSGPACK_OBJECT_NIL;
	} else if (*at <= 0xc3) {
		ret->type = MSGPACK_OBJECT_BOOLEAN;
		ret->via.boolean = *at == 0xc3;
	} else {
		ret->type = *at == 0xca ? MSGPACK_OBJECT_FLOAT32 : MSGPACK_OBJECT_FLOAT64;
		(void)scan_number(at, len, &value);
		ret->via.f64 = value;
	}
}

/* The end of a leaf that is no extension; NULL: it is something else. */
static const uint8_t *get_leaf(const uint8_t *at, const uint8_t *end, msgpack_object *ret)
{
	struct head head;

	if (!scan_read_head(at, (size_t)(end - at), &head))
		return NULL;
	switch (head.shape) {
	case SHAPE_UINT:
		get_unsigned(at, head.size - 1, ret);
		break;
	case SHAPE_INT:
		get_signed(at, head.size - 1, ret);
		break;
	case SHAPE_SCALAR:
		get_scalar(at, head.size, ret);
		break;
	case SHAPE_STR:
	case SHAPE_BIN:
		ret->type = head.shape == SHAPE_STR ? MSGPACK_OBJECT_STR : MSGPACK_OBJECT_BIN;
		ret->via.bin.size = head.count; /* that of a str has the same form */
		ret->via.bin.ptr = (const char *)at + head.size;
		break;
	default:
		return NULL;
	}
	return at + head.size + head.count;
}

int message_get_plain_array(
	const void *data, size_t len, msgpack_object room[MESSAGE_PLAIN_MAX], msgpack_object *ret)
{
	const uint8_t *at = data, *end = at + len;
	uint32_t count = *at & 0x0f;

	if (*at < 0x90 || *at > 0x9f)
		return -EPROTO;
	at++;
	for (uint32_t i = 0; i < count && at != NULL; i++)
		at = get_leaf(at, end, &room[i]);
	if (at == NULL)
		return -EPROTO;
	ret->type = MSGPACK_OBJECT_ARRAY;
	ret->via.array.size = count;
	ret->via.array.ptr = room;
	return 0;
}
