/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include <ruche/ruche.h>

enum { PACKED_INTEGER_MAX = 18 }; /* what ruche_pack_int128() writes at the most */

enum number { NUMBER_NOT, NUMBER_INTEGER, NUMBER_REAL };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static bool skip_digits(const char **at, const char *end)
{
	const char *start = *at;

	while (is_digit(*at, end))
		++*at;
	return *at > start;
}

static bool skip_one_of(const char **at, const char *end, const char *chars)
{
	if (*at == end || **at == '\0' || strchr(chars, **at) == NULL)
		return false;
	++*at;
	return true;
}

/* What JSON's grammar says of a text without spaces around it. */
static enum number number_kind(const char *at, const char *end)
{
	enum number kind = NUMBER_INTEGER;

	skip_one_of(&at, end, "-");
	if (!skip_one_of(&at, end, "0") && !skip_digits(&at, end))
		return NUMBER_NOT;
	if (skip_one_of(&at, end, ".")) {
		kind = NUMBER_REAL;
		if (!skip_digits(&at, end))
			return NUMBER_NOT;
	}
	if (skip_one_of(&at, end, "eE")) {
		kind = NUMBER_REAL;
		skip_one_of(&at, end, "+-");
		if (!skip_digits(&at, end))
			return NUMBER_NOT;
	}
	return at == end ? kind : NUMBER_NOT;
}

static int read_int128(const char *at, const char *end, __int128 *ret)
{
	bool negative = skip_one_of(&at, end, "-");
	__int128 value = 0;

	/* Counted downwards, because there is one more below zero than above. */
	for (; at < end; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, *at - '0', &value))
			return -ERANGE;
	if (!negative && __builtin_sub_overflow((__int128)0, value, &value))
		return -ERANGE;
	*ret = value;
	return 0;
}

static int pack_raw(msgpack_packer *pk, const void *data, size_t len)
{
	return pk->callback(pk->data, data, len) < 0 ? -ENOMEM : 0;
}

static int pack_integer(msgpack_packer *pk, const char *at, const char *end, const char **ret_why)
{
	char packed[PACKED_INTEGER_MAX];
	__int128 value;

	if (read_int128(at, end, &value) == 0)
		return pack_raw(pk, packed, ruche_pack_int128(value, packed));
	*ret_why = "an integer of more than 128 bits (in double quotes it would be a string)";
	return -EINVAL;
}

static int pack_str(msgpack_packer *pk, const char *text, size_t len)
{
	if (msgpack_pack_str(pk, len) < 0)
		return -ENOMEM;
	return msgpack_pack_str_body(pk, text, len) < 0 ? -ENOMEM : 0;
}

static int pack_not_json(msgpack_packer *pk, const char *text, size_t len)
{
	if (json_is_text(text, len))
		return pack_str(pk, text, len);
	if (msgpack_pack_bin(pk, len) < 0)
		return -ENOMEM;
	return msgpack_pack_bin_body(pk, text, len) < 0 ? -ENOMEM : 0;
}

static int pack_json(msgpack_packer *pk, json_t *json);

static int pack_json_array(msgpack_packer *pk, json_t *json)
{
	if (msgpack_pack_array(pk, json_array_size(json)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(json); i++)
		if (pack_json(pk, json_array_get(json, i)) < 0)
			return -ENOMEM;
	return 0;
}

static int pack_json_object(msgpack_packer *pk, json_t *json)
{
	if (msgpack_pack_map(pk, json_object_size(json)) < 0)
		return -ENOMEM;
	for (void *i = json_object_iter(json); i != NULL; i = json_object_iter_next(json, i)) {
		const char *key = json_object_iter_key(i);

		if (pack_str(pk, key, strlen(key)) < 0 ||
			pack_json(pk, json_object_iter_value(i)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Recursion is bounded: is_too_deep() was asked before. */
static int pack_json(msgpack_packer *pk, json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return pack_json_object(pk, json);
	case JSON_ARRAY:
		return pack_json_array(pk, json);
	case JSON_STRING:
		return pack_str(pk, json_string_value(json), json_string_length(json));
	case JSON_INTEGER:
		return msgpack_pack_int64(pk, json_integer_value(json));
	case JSON_REAL:
		return msgpack_pack_double(pk, json_real_value(json));
	case JSON_TRUE:
		return msgpack_pack_true(pk);
	case JSON_FALSE:
		return msgpack_pack_false(pk);
	default:
		return msgpack_pack_nil(pk);
	}
}

static bool is_too_deep(json_t *json, int left)
{
	if ((json_is_array(json) || json_is_object(json)) && left-- == 0)
		return true;
	for (size_t i = 0; i < json_array_size(json); i++)
		if (is_too_deep(json_array_get(json, i), left))
			return true;
	for (void *it = json_object_iter(json); it != NULL; it = json_object_iter_next(json, it))
		if (is_too_deep(json_object_iter_value(it), left))
			return true;
	return false;
}

static const char too_deep[] = "nested deeper than 30 arrays or objects";

/* Why a text that is JSON cannot be taken; NULL: it is no JSON. */
static const char *complaint_about(const json_error_t *error, enum number kind)
{
	switch (json_error_code(error)) {
	case json_error_numeric_overflow:
		if (kind == NUMBER_REAL)
			return "a number beyond the range of a double (in double quotes it would"
			       " be a string)";
		return "a number inside an array or object that does not fit in 64 bits";
	case json_error_stack_overflow:
		return too_deep;
	case json_error_null_byte_in_key:
		return "an object's key with a NUL character";
	default:
		return NULL;
	}
}

/* Whether the text can be a JSON value, by its first character. */
static bool is_json_like(const char *at, const char *end, enum number kind)
{
	if (is_digit(at, end) || (at < end && *at == '-'))
		return kind != NUMBER_NOT;
	return at < end && *at != '\0' && strchr("{[\"tfn", *at) != NULL;
}

static int pack_by_jansson(
	msgpack_packer *pk, const char *text, size_t len, enum number kind, const char **ret_why)
{
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	const char *why = NULL;
	int status;

	if (json == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		why = complaint_about(&error, kind);
		if (why == NULL)
			return pack_not_json(pk, text, len);
	} else if (is_too_deep(json, JSON_DEPTH_MAX)) {
		why = too_deep;
	}
	status = why != NULL ? -EINVAL : pack_json(pk, json) < 0 ? -ENOMEM : 0;
	if (why != NULL)
		*ret_why = why;
	json_decref(json);
	return status;
}

int json_arg_pack(msgpack_packer *pk, const char *text, size_t len, const char **ret_why)
{
	const char *at = text, *end = text + len;
	enum number kind;

	while (at < end && is_space(*at))
		at++;
	while (end > at && is_space(end[-1]))
		end--;
	kind = number_kind(at, end);
	if (kind == NUMBER_INTEGER)
		return pack_integer(pk, at, end, ret_why);
	if (!is_json_like(at, end, kind))
		return pack_not_json(pk, text, len);
	return pack_by_jansson(pk, text, len, kind, ret_why);
}
