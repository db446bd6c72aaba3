/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ruche/ruche.h>

enum {
	DOUBLE_TEXT_MAX = 32,
	INT128_TEXT_MAX = 41, /* a sign, 39 digits, a NUL */
	WIDE_TYPE = 1,        /* MessagePack's extension type of a wide integer, */
	WIDE_SIZE = 16,       /* and the bytes of its body; see ruche-protocol(7) */
};

bool json_is_text(const char *data, size_t len)
{
	json_t *string = json_stringn(len > 0 ? data : "", len);

	json_decref(string);
	return string != NULL;
}

/* The text that a string or binary value is, if it is UTF-8. */
static bool text_of(const msgpack_object *value, const char **ret, size_t *ret_len)
{
	if (value->type != MSGPACK_OBJECT_STR && value->type != MSGPACK_OBJECT_BIN)
		return false;
	*ret = value->type == MSGPACK_OBJECT_STR ? value->via.str.ptr : value->via.bin.ptr;
	*ret_len = value->type == MSGPACK_OBJECT_STR ? value->via.str.size : value->via.bin.size;
	return json_is_text(*ret, *ret_len);
}

static int append_text(struct buf *out, const char *text)
{
	return buf_append(out, text, strlen(text));
}

static int append_int128(struct buf *out, __int128 value)
{
	unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
	char text[INT128_TEXT_MAX], *at = text + sizeof(text) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + (int)(rest % 10));
	while ((rest /= 10) != 0);
	if (value < 0)
		*--at = '-';
	return append_text(out, at);
}

static int append_double(struct buf *out, double value)
{
	char text[DOUBLE_TEXT_MAX];

	if (!isfinite(value))
		return append_text(out, "null");
	/* 15 digits read back as they were typed; 17 are enough for any number. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (append_text(out, text) < 0)
		return -ENOMEM;
	return strpbrk(text, ".e") == NULL ? append_text(out, ".0") : 0;
}

static int append_base64(struct buf *out, const char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *from = (const uint8_t *)data;
	uint8_t *to = buf_reserve(out, (len + 2) / 3 * 4);

	if (to == NULL && len > 0)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += 3, to += 4) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)from[i] << 16;

		bits |= left > 1 ? (uint32_t)from[i + 1] << 8 : 0;
		bits |= left > 2 ? from[i + 2] : 0;
		to[0] = (uint8_t)digits[bits >> 18];
		to[1] = (uint8_t)digits[bits >> 12 & 63];
		to[2] = (uint8_t)(left > 1 ? digits[bits >> 6 & 63] : '=');
		to[3] = (uint8_t)(left > 2 ? digits[bits & 63] : '=');
	}
	buf_commit(out, (len + 2) / 3 * 4);
	return 0;
}

static int append_dumped(const char *text, size_t len, void *user)
{
	return buf_append(user, text, len);
}

int json_append_bytes(struct buf *out, const char *data, size_t len)
{
	json_t *string = json_stringn(len > 0 ? data : "", len);
	int broken;

	if (string == NULL) {
		if (append_text(out, "{\"base64\": \"") < 0 || append_base64(out, data, len) < 0)
			return -ENOMEM;
		return append_text(out, "\"}");
	}
	broken = json_dump_callback(string, append_dumped, out, JSON_ENCODE_ANY);
	json_decref(string);
	return broken < 0 ? -ENOMEM : 0;
}

static int append_ext(struct buf *out, const msgpack_object_ext *ext)
{
	uint8_t wide[2 + WIDE_SIZE] = {0xd8, WIDE_TYPE};
	char head[48];
	__int128 value;

	if (ext->type == WIDE_TYPE && ext->size == WIDE_SIZE) {
		memcpy(wide + 2, ext->ptr, WIDE_SIZE);
		if (ruche_unpack_int128(wide, sizeof(wide), &value) == 0)
			return append_int128(out, value);
	}
	snprintf(head, sizeof(head), "{\"ext\": %d, \"base64\": \"", ext->type);
	if (append_text(out, head) < 0 || append_base64(out, ext->ptr, ext->size) < 0)
		return -ENOMEM;
	return append_text(out, "\"}");
}

static int append_key(struct buf *out, const msgpack_object *key)
{
	struct buf text = {0};
	const char *data;
	size_t len;
	int broken;

	if (text_of(key, &data, &len))
		return json_append_bytes(out, data, len);
	broken = json_append(&text, key);
	if (broken == 0)
		broken = json_append_bytes(out, (const char *)buf_data(&text), buf_len(&text));
	buf_fini(&text);
	return broken;
}

static int append_array(struct buf *out, const msgpack_object_array *array)
{
	for (uint32_t i = 0; i < array->size; i++)
		if (append_text(out, i > 0 ? ", " : "[") < 0 ||
			json_append(out, &array->ptr[i]) < 0)
			return -ENOMEM;
	return append_text(out, array->size > 0 ? "]" : "[]");
}

static int append_map(struct buf *out, const msgpack_object_map *map)
{
	for (uint32_t i = 0; i < map->size; i++)
		if (append_text(out, i > 0 ? ", " : "{") < 0 ||
			append_key(out, &map->ptr[i].key) < 0 || append_text(out, ": ") < 0 ||
			json_append(out, &map->ptr[i].val) < 0)
			return -ENOMEM;
	return append_text(out, map->size > 0 ? "}" : "{}");
}

/* Recursion is bounded: msgpack-c unpacks no more than 32 containers inside each other. */
int json_append(struct buf *out, const msgpack_object *value)
{
	switch (value->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return append_text(out, value->via.boolean ? "true" : "false");
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return append_int128(out, value->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return append_int128(out, value->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return append_double(out, value->via.f64);
	case MSGPACK_OBJECT_STR:
		return json_append_bytes(out, value->via.str.ptr, value->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return json_append_bytes(out, value->via.bin.ptr, value->via.bin.size);
	case MSGPACK_OBJECT_ARRAY:
		return append_array(out, &value->via.array);
	case MSGPACK_OBJECT_MAP:
		return append_map(out, &value->via.map);
	case MSGPACK_OBJECT_EXT:
		return append_ext(out, &value->via.ext);
	default:
		return append_text(out, "null");
	}
}

static int append_packed(struct buf *out, const void *data, size_t len, bool plain)
{
	msgpack_unpacked unpacked;
	const char *text;
	size_t at = 0, text_len;
	int broken = -EPROTO;

	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, data, len, &at) == MSGPACK_UNPACK_SUCCESS && at == len) {
		if (plain && text_of(&unpacked.data, &text, &text_len))
			broken = buf_append(out, text, text_len);
		else
			broken = json_append(out, &unpacked.data);
	}
	msgpack_unpacked_destroy(&unpacked);
	return broken;
}

int json_append_packed(struct buf *out, const void *data, size_t len)
{
	return append_packed(out, data, len, false);
}

int json_append_plain(struct buf *out, const void *data, size_t len)
{
	return append_packed(out, data, len, true);
}
