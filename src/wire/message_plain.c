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

/* What is read into; `left` is how many elements of inner arrays it may still make. */
struct plain {
	msgpack_zone *zone;
	const uint8_t *end;
	uint32_t left;
};

static const uint8_t *get_value(struct plain *plain, const uint8_t *at, msgpack_object *ret);

/* All these: the end of what was read, or NULL. */

static const uint8_t *get_elements(
	struct plain *plain, const uint8_t *at, msgpack_object *to, uint32_t count)
{
	for (uint32_t i = 0; i < count && at != NULL; i++)
		at = get_value(plain, at, &to[i]);
	return at;
}

/* An array inside the array. */
static const uint8_t *get_inner(struct plain *plain, const uint8_t *at, msgpack_object *ret)
{
	struct head head;
	msgpack_object *to;

	if (plain->zone == NULL || !scan_read_head(at, (size_t)(plain->end - at), &head) ||
		head.shape != SHAPE_ARRAY || head.count > plain->left)
		return NULL;
	plain->left -= head.count;
	to = NULL;
	if (head.count > 0) {
		to = msgpack_zone_malloc(plain->zone, head.count * sizeof(*to));
		if (to == NULL)
			return NULL;
	}
	ret->type = MSGPACK_OBJECT_ARRAY;
	ret->via.array.size = head.count;
	ret->via.array.ptr = to;
	return get_elements(plain, at + head.size, to, head.count);
}

static const uint8_t *get_value(struct plain *plain, const uint8_t *at, msgpack_object *ret)
{
	const uint8_t *next = get_leaf(at, plain->end, ret);

	return next != NULL ? next : get_inner(plain, at, ret);
}

int message_get_plain_array(const void *data, size_t len, msgpack_object room[MESSAGE_PLAIN_MAX],
	msgpack_zone *zone, msgpack_object *ret)
{
	struct plain plain = {zone, (const uint8_t *)data + len, MESSAGE_PLAIN_INNER_MAX};
	const uint8_t *at = data;
	uint32_t count = *at & 0x0f;

	if (*at < 0x90 || *at > 0x9f || get_elements(&plain, at + 1, room, count) == NULL)
		return -EPROTO;
	ret->type = MSGPACK_OBJECT_ARRAY;
	ret->via.array.size = count;
	ret->via.array.ptr = room;
	return 0;
}
