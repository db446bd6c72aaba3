/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* `size` bytes of these bits, the most significant first.  Behind them is rubbish, for which there is room. */
static size_t write_bits(uint8_t *out, uint8_t first, uint64_t bits, unsigned int size)
{
	bits = htobe64(bits << (64 - 8 * size));
	out[0] = first;
	memcpy(out + 1, &bits, sizeof(bits));
	return 1 + size;
}

static size_t write_wide(uint8_t *out, unsigned __int128 bits)
{
	out[0] = 0xd8;
	out[1] = MESSAGE_WIDE_TYPE;
	for (int i = MESSAGE_WIDE_SIZE + 1; i > 1; i--, bits >>= 8)
		out[i] = (uint8_t)bits;
	return MESSAGE_WIDE_SIZE + 2;
}

static size_t write_positive(uint8_t *out, uint64_t value)
{
	if (value < 0x80) {
		out[0] = (uint8_t)value;
		return 1;
	}
	if (value <= UINT8_MAX)
		return write_bits(out, 0xcc, value, 1);
	if (value <= UINT16_MAX)
		return write_bits(out, 0xcd, value, 2);
	if (value <= UINT32_MAX)
		return write_bits(out, 0xce, value, 4);
	return write_bits(out, 0xcf, value, 8);
}

static size_t write_negative(uint8_t *out, int64_t value)
{
	if (value >= -32) {
		out[0] = (uint8_t)value;
		return 1;
	}
	if (value >= INT8_MIN)
		return write_bits(out, 0xd0, (uint64_t)value, 1);
	if (value >= INT16_MIN)
		return write_bits(out, 0xd1, (uint64_t)value, 2);
	if (value >= INT32_MIN)
		return write_bits(out, 0xd2, (uint64_t)value, 4);
	return write_bits(out, 0xd3, (uint64_t)value, 8);
}

size_t message_write_int128(uint8_t out[MESSAGE_INT_MAX], __int128 value)
{
	if (value >= 0 && value <= UINT64_MAX)
		return write_positive(out, (uint64_t)value);
	if (value < 0 && value >= INT64_MIN)
		return write_negative(out, (int64_t)value);
	return write_wide(out, (unsigned __int128)value);
}

int message_pack_int128(msgpack_packer *pk, __int128 value)
{
	uint8_t bytes[MESSAGE_INT_MAX];
	size_t len = message_write_int128(bytes, value);

	return pk->callback(pk->data, (const char *)bytes, len) == 0 ? 0 : -ENOMEM;
}

static int get_wide(const msgpack_object_ext *ext, __int128 *ret)
{
	unsigned __int128 bits = 0;

	if (ext->type != MESSAGE_WIDE_TYPE || ext->size != MESSAGE_WIDE_SIZE)
		return -EPROTO;
	for (int i = 0; i < MESSAGE_WIDE_SIZE; i++)
		bits = bits << 8 | (uint8_t)ext->ptr[i];
	*ret = (__int128)bits;
	return 0;
}

int message_get_int128(const msgpack_object *object, __int128 *ret)
{
	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		*ret = object->via.u64;
	else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		*ret = object->via.i64;
	else if (object->type == MSGPACK_OBJECT_EXT)
		return get_wide(&object->via.ext, ret);
	else
		return -EPROTO;
	return 0;
}
