/* SPDX-License-Identifier: MIT */
#include "cli/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ruche/ruche.h>

int value_unpack(const struct ruche_reply *reply, msgpack_unpacked *ret)
{
	const void *data;
	size_t len, at = 0;

	if (ruche_reply_packed(reply, &data, &len) < 0)
		return -EPROTO;
	msgpack_unpacked_init(ret);
	if (msgpack_unpack_next(ret, data, len, &at) == MSGPACK_UNPACK_SUCCESS)
		return 0;
	msgpack_unpacked_destroy(ret);
	return -EPROTO;
}

const msgpack_object *value_get(const msgpack_object *map, const char *key)
{
	size_t len = strlen(key);

	if (map == NULL || map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *kv = &map->via.map.ptr[i];

		if (kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == len &&
			memcmp(kv->key.via.str.ptr, key, len) == 0)
			return &kv->val;
	}
	return NULL;
}

int64_t value_int(const msgpack_object *map, const char *key, int64_t missing)
{
	const msgpack_object *value = value_get(map, key);

	if (value == NULL)
		return missing;
	if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		return value->via.u64 <= INT64_MAX ? (int64_t)value->via.u64 : INT64_MAX;
	return value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ? value->via.i64 : missing;
}

double value_double(const msgpack_object *map, const char *key, double missing)
{
	const msgpack_object *value = value_get(map, key);

	if (value != NULL &&
		(value->type == MSGPACK_OBJECT_FLOAT64 || value->type == MSGPACK_OBJECT_FLOAT32))
		return value->via.f64;
	return (double)value_int(map, key, (int64_t)missing);
}

size_t value_bytes(const msgpack_object *map, const char *key, const char **ret)
{
	const msgpack_object *value = value_get(map, key);

	*ret = "";
	if (value == NULL)
		return 0;
	if (value->type == MSGPACK_OBJECT_STR) {
		*ret = value->via.str.ptr;
		return value->via.str.size;
	}
	if (value->type == MSGPACK_OBJECT_BIN) {
		*ret = value->via.bin.ptr;
		return value->via.bin.size;
	}
	return 0;
}

char *value_string(const msgpack_object *value, const char *missing)
{
	char *text;

	if (value == NULL || value->type != MSGPACK_OBJECT_STR)
		return strdup(missing);
	text = strndup(value->via.str.ptr, value->via.str.size);
	for (char *at = text; at != NULL && *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	return text;
}

char *value_text(const msgpack_object *map, const char *key, const char *missing)
{
	return value_string(value_get(map, key), missing);
}
