/* SPDX-License-Identifier: MIT */
#include "supervisor/option_map.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum {
	TEXT_MAX = 255,
	LEN_MAX = 16384, /* msgpack-c takes many times as much memory */
};

#define SECONDS_MAX 1e10 /* some three hundred years: what fits the clock */

/* ---- values ------------------------------------------------------------------------------- */

bool option_is(const msgpack_object *value, const char *word)
{
	return value->type == MSGPACK_OBJECT_STR && strlen(word) == value->via.str.size &&
	       memcmp(word, value->via.str.ptr, value->via.str.size) == 0;
}

bool option_get_text(const msgpack_object *value, void *to)
{
	struct option_text *text = to;

	if (value->type != MSGPACK_OBJECT_STR || value->via.str.size == 0 ||
		value->via.str.size > TEXT_MAX)
		return false;
	*text = (struct option_text){value->via.str.ptr, value->via.str.size};
	return true;
}

bool option_get_seconds(const msgpack_object *value, void *to)
{
	double seconds;

	switch (value->type) {
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		seconds = (double)value->via.u64;
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		seconds = value->via.f64;
		break;
	default:
		return false;
	}
	if (!(seconds >= 0 && seconds <= SECONDS_MAX)) /* nor is it a NaN */
		return false;
	*(double *)to = seconds;
	return true;
}

bool option_get_some_seconds(const msgpack_object *value, void *to)
{
	double seconds;

	if (!option_get_seconds(value, &seconds) || seconds <= 0)
		return false;
	*(double *)to = seconds;
	return true;
}

bool option_get_limit(const msgpack_object *value, void *to)
{
	return value->type == MSGPACK_OBJECT_NIL || option_get_seconds(value, to);
}

bool option_get_truth(const msgpack_object *value, void *to)
{
	if (value->type != MSGPACK_OBJECT_BOOLEAN)
		return false;
	*(bool *)to = value->via.boolean;
	return true;
}

bool option_get_int(const msgpack_object *value, int64_t min, int64_t max, int64_t *to)
{
	if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
		value->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return false;
	if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 > (uint64_t)max)
		return false;
	if (value->via.i64 < min)
		return false;
	*to = value->via.i64;
	return true;
}

/* ---- the map ------------------------------------------------------------------------------- */

static const struct option_key *find(const struct option_key *keys, const msgpack_object *name)
{
	for (; keys->name != NULL; keys++)
		if (option_is(name, keys->name))
			return keys;
	return NULL;
}

static int refuse_unknown(
	const struct option_key *keys, const msgpack_object *name, char error[OPTION_ERROR_MAX])
{
	bool is_text = name->type == MSGPACK_OBJECT_STR;
	char names[OPTION_ERROR_MAX] = "";

	for (const char *comma = ""; keys->name != NULL; keys++, comma = ", ")
		text_format(names + strlen(names), sizeof(names) - strlen(names), "%s%s", comma,
			keys->name);
	text_format(error, OPTION_ERROR_MAX, "there is no option '%.*s'; there are %s",
		is_text ? (int)name->via.str.size : 1, is_text ? name->via.str.ptr : "?", names);
	return -EINVAL;
}

static int read_pair(const struct option_key *keys, void *to, const msgpack_object_kv *pair,
	char error[OPTION_ERROR_MAX])
{
	const struct option_key *key = find(keys, &pair->key);

	if (key == NULL)
		return refuse_unknown(keys, &pair->key, error);
	if (key->get(&pair->val, (char *)to + key->offset))
		return 0;
	text_format(error, OPTION_ERROR_MAX, "the option '%s' takes %s", key->name, key->wanted);
	return -EINVAL;
}

static int read_map(const struct option_key *keys, void *to, const msgpack_object *map,
	char error[OPTION_ERROR_MAX])
{
	int r = 0;

	if (map->type == MSGPACK_OBJECT_NIL)
		return 0;
	if (map->type != MSGPACK_OBJECT_MAP) {
		text_format(error, OPTION_ERROR_MAX, "the options must be a map");
		return -EINVAL;
	}
	for (uint32_t i = 0; r == 0 && i < map->via.map.size; i++)
		r = read_pair(keys, to, &map->via.map.ptr[i], error);
	return r;
}

int option_map_read(const struct option_key *keys, void *to, const void *data, size_t len,
	char error[OPTION_ERROR_MAX])
{
	msgpack_unpacked unpacked;
	size_t off = 0;
	int r = -EINVAL;

	if (len == 0)
		return 0;
	text_format(error, OPTION_ERROR_MAX, "the options cannot be unpacked");
	if (len > LEN_MAX)
		return -EINVAL;
	msgpack_unpacked_init(&unpacked);
	/* Strings are not copied: they lie in `data`. */
	if (msgpack_unpack_next(&unpacked, data, len, &off) == MSGPACK_UNPACK_SUCCESS)
		r = read_map(keys, to, &unpacked.data, error);
	msgpack_unpacked_destroy(&unpacked);
	return r;
}
