/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "wire/message.h"
#include "worker/task.h"

static const char *type_name(const msgpack_object *object)
{
	static const struct {
		msgpack_object_type type;
		const char *name;
	} names[] = {
		{MSGPACK_OBJECT_NIL, "nil"},
		{MSGPACK_OBJECT_BOOLEAN, "a boolean"},
		{MSGPACK_OBJECT_POSITIVE_INTEGER, "an integer"},
		{MSGPACK_OBJECT_NEGATIVE_INTEGER, "an integer"},
		{MSGPACK_OBJECT_FLOAT32, "a float"},
		{MSGPACK_OBJECT_FLOAT64, "a float"},
		{MSGPACK_OBJECT_STR, "a string"},
		{MSGPACK_OBJECT_BIN, "binary"},
		{MSGPACK_OBJECT_ARRAY, "an array"},
		{MSGPACK_OBJECT_MAP, "a map"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].type == object->type)
			return names[i].name;
	return "an extension";
}

/* "n", or "argument 2" if the function's params do not tell; `buf` holds the answer. */
static const char *parameter(const struct ruche_task *task, size_t index, char buf[64])
{
	const char *name;
	size_t len = params_name(task->function->params, index, &name);

	if (len > 0)
		snprintf(buf, 64, "%.*s", (int)(len < 63 ? len : 63), name);
	else
		snprintf(buf, 64, "argument %zu", index + 1);
	return buf;
}

static int refuse(struct ruche_task *task, size_t index, const char *must)
{
	const msgpack_object *object = ruche_arg(task, index);
	char name[64];

	parameter(task, index, name);
	if (object == NULL)
		ruche_refuse(task, "%s: %s is missing", task->function->name, name);
	else
		ruche_refuse(task, "%s: %s must be %s, not %s", task->function->name, name, must,
			type_name(object));
	return -EINVAL;
}

RUCHE_PLUGIN_EXPORT size_t ruche_arg_count(const struct ruche_task *task)
{
	return task->arg_count;
}

RUCHE_PLUGIN_EXPORT const msgpack_object *ruche_arg(const struct ruche_task *task, size_t index)
{
	return index < task->arg_count ? &task->args[index] : NULL;
}

/* An integer within [min, max]. */
static int get_integer(
	struct ruche_task *task, size_t index, __int128 min, __int128 max, __int128 *ret)
{
	const msgpack_object *object = ruche_arg(task, index);
	__int128 value;
	char name[64];

	if (object == NULL || message_get_int128(object, &value) < 0)
		return refuse(task, index, "an integer");
	if (value < min || value > max) {
		ruche_refuse(task, "%s: %s is out of range: it must be %s", task->function->name,
			parameter(task, index, name),
			min == 0 ? "from 0 to 2^64 - 1" : "from -2^63 to 2^63 - 1");
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

RUCHE_PLUGIN_EXPORT int ruche_arg_int64(struct ruche_task *task, size_t index, int64_t *ret)
{
	__int128 value = 0;
	int r = get_integer(task, index, INT64_MIN, INT64_MAX, &value);

	if (r == 0)
		*ret = (int64_t)value;
	return r;
}

RUCHE_PLUGIN_EXPORT int ruche_arg_uint64(struct ruche_task *task, size_t index, uint64_t *ret)
{
	__int128 value = 0;
	int r = get_integer(task, index, 0, UINT64_MAX, &value);

	if (r == 0)
		*ret = (uint64_t)value;
	return r;
}

RUCHE_PLUGIN_EXPORT int ruche_arg_int128(struct ruche_task *task, size_t index, __int128 *ret)
{
	const msgpack_object *object = ruche_arg(task, index);

	if (object == NULL || message_get_int128(object, ret) < 0)
		return refuse(task, index, "an integer");
	return 0;
}

RUCHE_PLUGIN_EXPORT int ruche_arg_double(struct ruche_task *task, size_t index, double *ret)
{
	const msgpack_object *object = ruche_arg(task, index);
	__int128 integer;

	if (object != NULL &&
		(object->type == MSGPACK_OBJECT_FLOAT64 || object->type == MSGPACK_OBJECT_FLOAT32))
		*ret = object->via.f64;
	else if (object != NULL && message_get_int128(object, &integer) == 0)
		*ret = (double)integer;
	else
		return refuse(task, index, "a number");
	return 0;
}

RUCHE_PLUGIN_EXPORT int ruche_arg_bool(struct ruche_task *task, size_t index, bool *ret)
{
	const msgpack_object *object = ruche_arg(task, index);

	if (object == NULL || object->type != MSGPACK_OBJECT_BOOLEAN)
		return refuse(task, index, "a boolean");
	*ret = object->via.boolean;
	return 0;
}

RUCHE_PLUGIN_EXPORT int ruche_arg_bytes(
	struct ruche_task *task, size_t index, const char **ret, size_t *ret_len)
{
	const msgpack_object *object = ruche_arg(task, index);

	if (object != NULL && object->type == MSGPACK_OBJECT_STR) {
		*ret = object->via.str.ptr;
		*ret_len = object->via.str.size;
	} else if (object != NULL && object->type == MSGPACK_OBJECT_BIN) {
		*ret = object->via.bin.ptr;
		*ret_len = object->via.bin.size;
	} else {
		return refuse(task, index, "a string or binary");
	}
	if (*ret_len == 0)
		*ret = ""; /* msgpack-c may have NULL here */
	return 0;
}
