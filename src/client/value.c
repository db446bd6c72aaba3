/* SPDX-License-Identifier: MIT */
#include "client/value.h"

#include <errno.h>
#include <string.h>

#include "wire/message.h"
#include "wire/scan.h"

/* What it gives holds no pointers: the scalars that callers take from it need no zone. */
static int unpack_scalar(const void *data, size_t len, msgpack_object *ret)
{
	uint8_t first = *(const uint8_t *)data;
	msgpack_unpacked unpacked;
	size_t off = 0;
	int r;

	if ((first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf))
		return -EINVAL; /* a map or an array */
	msgpack_unpacked_init(&unpacked);
	r = msgpack_unpack_next(&unpacked, data, len, &off);
	*ret = unpacked.data;
	msgpack_unpacked_destroy(&unpacked);
	return r == MSGPACK_UNPACK_SUCCESS ? 0 : -EINVAL;
}

int value_get_int128(const void *data, size_t len, __int128 *ret)
{
	msgpack_object object;

	/* An extension's body is borrowed from `data`, not from the zone that is gone. */
	if (unpack_scalar(data, len, &object) < 0 || message_get_int128(&object, ret) < 0)
		return -EINVAL;
	return 0;
}

int value_get_double(const void *data, size_t len, double *ret)
{
	msgpack_object object;
	__int128 integer;

	if (unpack_scalar(data, len, &object) < 0)
		return -EINVAL;
	if (object.type == MSGPACK_OBJECT_FLOAT32 || object.type == MSGPACK_OBJECT_FLOAT64)
		*ret = object.via.f64;
	else if (message_get_int128(&object, &integer) == 0)
		*ret = (double)integer;
	else
		return -EINVAL;
	return 0;
}

int value_get_bool(const void *data, size_t len, bool *ret)
{
	msgpack_object object;

	if (unpack_scalar(data, len, &object) < 0 || object.type != MSGPACK_OBJECT_BOOLEAN)
		return -EINVAL;
	*ret = object.via.boolean;
	return 0;
}

/* The bytes before the body of a str or bin that begins with `first`; 0: it is neither. */
static size_t bytes_head(uint8_t first)
{
	static const uint8_t heads[256] = {
		[0xa0 ... 0xbf] = 1, /* str, its length in the same byte */
		[0xc4] = 2,
		[0xc5] = 3,
		[0xc6] = 5, /* bin */
		[0xd9] = 2,
		[0xda] = 3,
		[0xdb] = 5, /* str */
	};

	return heads[first];
}

int value_get_bytes(const void *data, size_t len, const char **ret, size_t *ret_len)
{
	size_t head = bytes_head(*(const uint8_t *)data);

	if (head == 0)
		return -EINVAL;
	*ret = (const char *)data + head;
	*ret_len = len - head;
	return 0;
}

int value_split(struct piece array, uint32_t count, struct piece *ret)
{
	uint32_t there;
	size_t at, len;

	if (scan_array(array.data, array.len, &there, &at) < 0 || there < count)
		return -EPROTO;
	for (uint32_t i = 0; i < count; i++, at += len) {
		if (scan_value(array.data + at, array.len - at, &len) < 0)
			return -EPROTO;
		ret[i] = (struct piece){array.data + at, len};
	}
	return 0;
}

static bool is_key(const uint8_t *at, size_t len, const char *key)
{
	uint32_t str_len;
	size_t head;

	return scan_str(at, len, &str_len, &head) == 0 && str_len == strlen(key) &&
	       memcmp(at + head, key, str_len) == 0;
}

int value_find(struct piece map, const char *key, struct piece *ret)
{
	uint32_t pairs;
	size_t at, len;

	if (scan_map(map.data, map.len, &pairs, &at) < 0)
		return -ENOENT;
	for (; pairs > 0; pairs--, at += len) {
		bool found = is_key(map.data + at, map.len - at, key);

		if (scan_value(map.data + at, map.len - at, &len) < 0)
			return -ENOENT;
		at += len;
		if (scan_value(map.data + at, map.len - at, &len) < 0)
			return -ENOENT;
		if (!found)
			continue;
		*ret = (struct piece){map.data + at, len};
		return 0;
	}
	return -ENOENT;
}
