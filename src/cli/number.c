/* SPDX-License-Identifier: MIT */
#include "cli/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"

enum { FLOAT_TEXT_MAX = 32 };

static const struct kind {
	int64_t min;  /* of an integer */
	uint64_t max; /* likewise */
	const char *wanted;
} kinds[RUCHE_TYPE_COUNT] = {
	[RUCHE_INT8] = {INT8_MIN, INT8_MAX, "must be an integer from -128 to 127"},
	[RUCHE_UINT8] = {0, UINT8_MAX, "must be an integer from 0 to 255"},
	[RUCHE_INT16] = {INT16_MIN, INT16_MAX, "must be an integer from -32768 to 32767"},
	[RUCHE_UINT16] = {0, UINT16_MAX, "must be an integer from 0 to 65535"},
	[RUCHE_INT32] = {INT32_MIN, INT32_MAX, "must be an integer of 32 bits"},
	[RUCHE_UINT32] = {0, UINT32_MAX, "must be an integer of 32 bits, at least 0"},
	[RUCHE_INT64] = {INT64_MIN, INT64_MAX, "must be an integer of 64 bits"},
	[RUCHE_UINT64] = {0, UINT64_MAX, "must be an integer of 64 bits, at least 0"},
	[RUCHE_FLOAT] = {0, 0, "must be a number"},
	[RUCHE_DOUBLE] = {0, 0, "must be a number"},
};

static bool is_real(enum ruche_type type)
{
	return type == RUCHE_FLOAT || type == RUCHE_DOUBLE;
}

static bool parse_real(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return *text != '\0' && *end == '\0';
}

static bool parse_integer(const char *text, const struct kind *kind, int64_t *ret)
{
	bool negative = *text == '-';
	/* One more below zero than above. */
	uint64_t value, max = negative ? -(uint64_t)kind->min : kind->max;
	char *end;

	text += negative;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || value > max)
		return false;
	*ret = (int64_t)(negative ? -value : value);
	return true;
}

const char *number_parse(enum ruche_type type, const char *text, struct number *ret)
{
	*ret = (struct number){0};
	if (type >= RUCHE_TYPE_COUNT || kinds[type].wanted == NULL)
		return "is for a type that this program does not know";
	if (is_real(type) ? parse_real(text, &ret->real)
			  : parse_integer(text, &kinds[type], &ret->integer))
		return NULL;
	return kinds[type].wanted;
}

/* ---- in memory */

void number_store(enum ruche_type type, const struct number *number, void *to)
{
	union {
		uint8_t bits8;
		uint16_t bits16;
		uint32_t bits32;
		uint64_t bits64;
		float real32;
		double real64;
	} element = {0};
	size_t size = ruche_type_size(type);

	if (type == RUCHE_FLOAT)
		element.real32 = (float)number->real;
	else if (type == RUCHE_DOUBLE)
		element.real64 = number->real;
	else if (size == sizeof(element.bits8))
		element.bits8 = (uint8_t)number->integer;
	else if (size == sizeof(element.bits16))
		element.bits16 = (uint16_t)number->integer;
	else if (size == sizeof(element.bits32))
		element.bits32 = (uint32_t)number->integer;
	else
		element.bits64 = (uint64_t)number->integer;
	memcpy(to, &element, size);
}

void number_get(const struct ruche_value *value, size_t index, struct number *ret)
{
	*ret = (struct number){0};
	if (is_real(ruche_value_type(value)))
		ret->real = ruche_value_get_double(value, index);
	else
		ret->integer = ruche_value_get(value, index);
}

void number_set(struct ruche_value *value, size_t index, const struct number *to)
{
	if (is_real(ruche_value_type(value)))
		ruche_value_set_double(value, index, to->real);
	else
		ruche_value_set(value, index, to->integer);
}

/* The sum as the type has it, which wraps around. */
static int64_t sum(enum ruche_type type, int64_t a, int64_t b)
{
	uint64_t bits = (uint64_t)a + (uint64_t)b;
	size_t unused = 64 - 8 * ruche_type_size(type);

	if (kinds[type].min < 0)
		return (int64_t)(bits << unused) >> unused;
	return (int64_t)(bits << unused >> unused);
}

void number_add(
	struct ruche_value *value, size_t index, const struct number *by, struct number *ret)
{
	enum ruche_type type = ruche_value_type(value);

	*ret = (struct number){0};
	if (!is_real(type)) {
		ret->integer = sum(type, ruche_value_add(value, index, by->integer), by->integer);
		return;
	}
	ret->real = ruche_value_add_double(value, index, by->real) + by->real;
	if (type == RUCHE_FLOAT)
		ret->real = (float)ret->real;
}

/* ---- in words */

/* No more digits than tell it from its neighbours, which are further away than a double's. */
static int append_float(struct buf *out, double real)
{
	char text[FLOAT_TEXT_MAX];

	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, real);
		if (strtof(text, NULL) == (float)real)
			break;
	}
	return cli_append(out, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

int number_append(struct buf *out, enum ruche_type type, const struct number *number)
{
	msgpack_object object = {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = number->real};

	if (type == RUCHE_FLOAT && isfinite(number->real))
		return append_float(out, number->real);
	if (!is_real(type)) {
		bool is_negative = number->integer < 0 && type != RUCHE_UINT64;

		object.type = is_negative ? MSGPACK_OBJECT_NEGATIVE_INTEGER
					  : MSGPACK_OBJECT_POSITIVE_INTEGER;
		object.via.i64 = number->integer;
	}
	return json_append(out, &object);
}
