/* SPDX-License-Identifier: MIT */
/*
 * objects.h: the atomic operations on elements of shared values.  An element is handled as the unsigned number of its width, its
 * bits, which each type reads in its own way.
 */
#include <string.h>

#include "client/shared.h"

/* ---- the bits of an element, for each width ------------------------------------------------- */

struct width {
	uint64_t (*load)(const void *at);
	uint64_t (*exchange)(void *at, uint64_t to);
	uint64_t (*add)(void *at, uint64_t by);
	bool (*swap)(void *at, uint64_t *from, uint64_t to); /* false: *from is what is there */
};

#define WIDTH(name, type)                                                                          \
	static uint64_t name##_load(const void *at)                                                \
	{                                                                                          \
		return __atomic_load_n((const type *)at, __ATOMIC_SEQ_CST);                        \
	}                                                                                          \
	static uint64_t name##_exchange(void *at, uint64_t to)                                     \
	{                                                                                          \
		return __atomic_exchange_n((type *)at, (type)to, __ATOMIC_SEQ_CST);                \
	}                                                                                          \
	static uint64_t name##_add(void *at, uint64_t by)                                          \
	{                                                                                          \
		return __atomic_fetch_add((type *)at, (type)by, __ATOMIC_SEQ_CST);                 \
	}                                                                                          \
	static bool name##_swap(void *at, uint64_t *from, uint64_t to)                             \
	{                                                                                          \
		type expected = (type)*from;                                                       \
		bool done = __atomic_compare_exchange_n((type *)at, &expected, (type)to, false,    \
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                                       \
                                                                                                   \
		*from = expected;                                                                  \
		return done;                                                                       \
	}                                                                                          \
	static const struct width name = {name##_load, name##_exchange, name##_add, name##_swap};

WIDTH(width_8, uint8_t)
WIDTH(width_16, uint16_t)
WIDTH(width_32, uint32_t)
WIDTH(width_64, uint64_t)

/* ---- what the types make of them ------------------------------------------------------------- */

struct reading {
	const struct width *width;
	int64_t (*to_int)(uint64_t bits); /* NULL: no type of integers */
	double (*to_double)(uint64_t bits);
	uint64_t (*from_double)(double value);
};

/* A cast from a double that does not fit is undefined: instead the nearest number that there is, and 0 for none at all. */
#define INTEGER(name, type, min, max)                                                              \
	static int64_t name##_to_int(uint64_t bits)                                                \
	{                                                                                          \
		return (int64_t)(type)bits;                                                        \
	}                                                                                          \
	static double name##_to_double(uint64_t bits)                                              \
	{                                                                                          \
		return (double)(type)bits;                                                         \
	}                                                                                          \
	static uint64_t name##_from_double(double value)                                           \
	{                                                                                          \
		if (value >= (double)(max))                                                        \
			return (uint64_t)(max);                                                    \
		return value > (double)(min)    ? (uint64_t)(type)value                            \
		       : value <= (double)(min) ? (uint64_t)(min)                                  \
						: 0;                                               \
	}

INTEGER(int8, int8_t, INT8_MIN, INT8_MAX)
INTEGER(uint8, uint8_t, 0, UINT8_MAX)
INTEGER(int16, int16_t, INT16_MIN, INT16_MAX)
INTEGER(uint16, uint16_t, 0, UINT16_MAX)
INTEGER(int32, int32_t, INT32_MIN, INT32_MAX)
INTEGER(uint32, uint32_t, 0, UINT32_MAX)
INTEGER(int64, int64_t, INT64_MIN, INT64_MAX)
INTEGER(uint64, uint64_t, 0, UINT64_MAX)

static double float_to_double(uint64_t bits)
{
	uint32_t narrow = (uint32_t)bits;
	float value;

	memcpy(&value, &narrow, sizeof(value));
	return (double)value;
}

static uint64_t float_from_double(double value)
{
	float narrow = (float)value;
	uint32_t bits;

	memcpy(&bits, &narrow, sizeof(bits));
	return bits;
}

static double double_to_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t double_from_double(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static const struct reading readings[RUCHE_TYPE_COUNT] = {
	[RUCHE_INT8] = {&width_8, int8_to_int, int8_to_double, int8_from_double},
	[RUCHE_UINT8] = {&width_8, uint8_to_int, uint8_to_double, uint8_from_double},
	[RUCHE_INT16] = {&width_16, int16_to_int, int16_to_double, int16_from_double},
	[RUCHE_UINT16] = {&width_16, uint16_to_int, uint16_to_double, uint16_from_double},
	[RUCHE_INT32] = {&width_32, int32_to_int, int32_to_double, int32_from_double},
	[RUCHE_UINT32] = {&width_32, uint32_to_int, uint32_to_double, uint32_from_double},
	[RUCHE_INT64] = {&width_64, int64_to_int, int64_to_double, int64_from_double},
	[RUCHE_UINT64] = {&width_64, uint64_to_int, uint64_to_double, uint64_from_double},
	[RUCHE_FLOAT] = {&width_32, NULL, float_to_double, float_from_double},
	[RUCHE_DOUBLE] = {&width_64, NULL, double_to_double, double_from_double},
};

/* ---- the operations --------------------------------------------------------------------------- */

/* NULL: no such element. */
static void *find(const struct ruche_value *value, size_t index, const struct reading **ret)
{
	void *at = shared_at(value, index);

	if (at != NULL)
		*ret = &readings[value->type];
	return at;
}

/* The same, of integers alone. */
static void *find_integer(const struct ruche_value *value, size_t index, const struct reading **ret)
{
	void *at = find(value, index, ret);

	return at != NULL && (*ret)->to_int != NULL ? at : NULL;
}

int64_t ruche_value_get(const struct ruche_value *value, size_t index)
{
	const struct reading *reading;
	const void *at = find_integer(value, index, &reading);

	return at == NULL ? 0 : reading->to_int(reading->width->load(at));
}

int64_t ruche_value_set(struct ruche_value *value, size_t index, int64_t to)
{
	const struct reading *reading;
	void *at = find_integer(value, index, &reading);

	return at == NULL ? 0 : reading->to_int(reading->width->exchange(at, (uint64_t)to));
}

int64_t ruche_value_add(struct ruche_value *value, size_t index, int64_t by)
{
	const struct reading *reading;
	void *at = find_integer(value, index, &reading);

	return at == NULL ? 0 : reading->to_int(reading->width->add(at, (uint64_t)by));
}

int ruche_value_swap(struct ruche_value *value, size_t index, int64_t from, int64_t to)
{
	const struct reading *reading;
	void *at = find_integer(value, index, &reading);
	uint64_t bits = (uint64_t)from;

	return at == NULL ? 0 : reading->width->swap(at, &bits, (uint64_t)to);
}

double ruche_value_get_double(const struct ruche_value *value, size_t index)
{
	const struct reading *reading;
	const void *at = find(value, index, &reading);

	return at == NULL ? 0 : reading->to_double(reading->width->load(at));
}

double ruche_value_set_double(struct ruche_value *value, size_t index, double to)
{
	const struct reading *reading;
	void *at = find(value, index, &reading);

	if (at == NULL)
		return 0;
	return reading->to_double(reading->width->exchange(at, reading->from_double(to)));
}

double ruche_value_add_double(struct ruche_value *value, size_t index, double by)
{
	const struct reading *reading;
	void *at = find(value, index, &reading);
	uint64_t bits;
	double before;

	if (at == NULL)
		return 0;
	bits = reading->width->load(at);
	do
		before = reading->to_double(bits);
	while (!reading->width->swap(at, &bits, reading->from_double(before + by)));
	return before;
}
