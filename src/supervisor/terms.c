/* SPDX-License-Identifier: MIT */
#include "supervisor/terms.h"

#include <errno.h>
#include <msgpack.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/plan.h"
#include "core/queue.h"
#include "wire/message.h"

enum {
	TEXT_MAX = 255,
	ATTEMPTS_MAX = 100,
};

#define SECONDS_MAX 1e10 /* some three hundred years: what fits the clock */

void terms_init(struct terms *terms)
{
	*terms = (struct terms){.timeout = -1,
		.deadline = -1,
		.expires = -1,
		.delay = -1,
		.at = -1,
		.backoff = -1,
		.key_window = -1,
		.keep = -1,
		.attempts = 1,
		.wait = true};
}

/* ---- values: false if this one is not to be had ---------------------------------------- */

static bool get_text(const msgpack_object *value, void *to)
{
	struct term_text *text = to;

	if (value->type != MSGPACK_OBJECT_STR || value->via.str.size == 0 ||
		value->via.str.size > TEXT_MAX)
		return false;
	*text = (struct term_text){value->via.str.ptr, value->via.str.size};
	return true;
}

static bool get_number(const msgpack_object *value, double *to)
{
	switch (value->type) {
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		*to = (double)value->via.u64;
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		*to = value->via.f64;
		break;
	default:
		return false;
	}
	return *to >= 0 && *to <= SECONDS_MAX; /* and is no NaN */
}

static bool get_seconds(const msgpack_object *value, void *to)
{
	return get_number(value, to);
}

static bool get_some_seconds(const msgpack_object *value, void *to)
{
	double seconds;

	if (!get_number(value, &seconds) || seconds <= 0)
		return false;
	*(double *)to = seconds;
	return true;
}

static bool get_truth(const msgpack_object *value, void *to)
{
	if (value->type != MSGPACK_OBJECT_BOOLEAN)
		return false;
	*(bool *)to = value->via.boolean;
	return true;
}

static bool get_int(const msgpack_object *value, int64_t min, int64_t max, int64_t *to)
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

static bool get_priority(const msgpack_object *value, void *to)
{
	return get_int(value, QUEUE_PRIORITY_MIN, QUEUE_PRIORITY_MAX, to);
}

static bool get_attempts(const msgpack_object *value, void *to)
{
	return get_int(value, 1, ATTEMPTS_MAX, to);
}

static bool get_code(const msgpack_object *value, unsigned int *to)
{
	static const enum ruche_code codes[] = {RUCHE_CRASHED, RUCHE_TIMEOUT, RUCHE_FAILED};

	for (size_t i = 0; value->type == MSGPACK_OBJECT_STR && i < 3; i++) {
		const char *name = message_code_name(codes[i]);

		if (strlen(name) == value->via.str.size &&
			memcmp(name, value->via.str.ptr, value->via.str.size) == 0) {
			*to |= 1U << codes[i];
			return true;
		}
	}
	return false;
}

static bool get_codes(const msgpack_object *value, void *to)
{
	const msgpack_object_array *array = &value->via.array;

	if (value->type != MSGPACK_OBJECT_ARRAY)
		return get_code(value, to);
	for (uint32_t i = 0; i < array->size; i++)
		if (!get_code(&array->ptr[i], to))
			return false;
	return array->size > 0;
}

/* ---- the map --------------------------------------------------------------------------- */

static const struct term {
	const char *key;
	size_t offset;
	bool (*get)(const msgpack_object *value, void *to);
	const char *wanted;
} all_terms[] = {
	{"pool", offsetof(struct terms, pool), get_text, "a pool's name"},
	{"priority", offsetof(struct terms, priority), get_priority, "an integer from -10 to 10"},
	{"timeout", offsetof(struct terms, timeout), get_some_seconds, "seconds, more than 0"},
	{"deadline", offsetof(struct terms, deadline), get_seconds, "seconds since 1970"},
	{"expires", offsetof(struct terms, expires), get_some_seconds, "seconds, more than 0"},
	{"delay", offsetof(struct terms, delay), get_seconds, "seconds, at least 0"},
	{"at", offsetof(struct terms, at), get_seconds, "seconds since 1970"},
	{"attempts", offsetof(struct terms, attempts), get_attempts, "an integer from 1 to 100"},
	{"retry_on", offsetof(struct terms, retry_on), get_codes,
		"one or an array of crashed, timeout, failed"},
	{"backoff", offsetof(struct terms, backoff), get_seconds, "seconds, at least 0"},
	{"key", offsetof(struct terms, key), get_text, "a string of 1 to 255 bytes"},
	{"key_window", offsetof(struct terms, key_window), get_seconds, "seconds, at least 0"},
	{"keep", offsetof(struct terms, keep), get_seconds, "seconds, at least 0"},
	{"detach", offsetof(struct terms, detach), get_truth, "true or false"},
	{"wait", offsetof(struct terms, wait), get_truth, "true or false"},
	{"tag", offsetof(struct terms, tag), get_text, "a string of 1 to 255 bytes"},
};

static const struct term *find(const msgpack_object *key)
{
	for (size_t i = 0; i < sizeof(all_terms) / sizeof(all_terms[0]); i++)
		if (key->type == MSGPACK_OBJECT_STR &&
			strlen(all_terms[i].key) == key->via.str.size &&
			memcmp(all_terms[i].key, key->via.str.ptr, key->via.str.size) == 0)
			return &all_terms[i];
	return NULL;
}

static int read_pair(
	struct terms *terms, const msgpack_object_kv *pair, char error[TERMS_ERROR_MAX])
{
	const struct term *term = find(&pair->key);

	if (term == NULL) {
		bool is_text = pair->key.type == MSGPACK_OBJECT_STR;

		text_format(error, TERMS_ERROR_MAX, "there is no option '%.*s'; see ruche-tasks(7)",
			is_text ? (int)pair->key.via.str.size : 1,
			is_text ? pair->key.via.str.ptr : "?");
		return -EINVAL;
	}
	if (!term->get(&pair->val, (char *)terms + term->offset)) {
		text_format(error, TERMS_ERROR_MAX, "the option '%s' takes %s", term->key,
			term->wanted);
		return -EINVAL;
	}
	return 0;
}

static int check(const struct terms *terms, char error[TERMS_ERROR_MAX])
{
	if (terms->delay < 0 || terms->at < 0)
		return 0;
	text_format(error, TERMS_ERROR_MAX, "the options 'delay' and 'at' exclude each other");
	return -EINVAL;
}

static int read_map(struct terms *terms, const msgpack_object *map, char error[TERMS_ERROR_MAX])
{
	int r = 0;

	if (map->type == MSGPACK_OBJECT_NIL)
		return 0;
	if (map->type != MSGPACK_OBJECT_MAP) {
		text_format(error, TERMS_ERROR_MAX, "the options must be a map");
		return -EINVAL;
	}
	for (uint32_t i = 0; r == 0 && i < map->via.map.size; i++)
		r = read_pair(terms, &map->via.map.ptr[i], error);
	return r < 0 ? r : check(terms, error);
}

int terms_read(struct terms *terms, const void *data, size_t len, char error[TERMS_ERROR_MAX])
{
	enum { LEN_MAX = 16384 }; /* msgpack-c takes many times as much memory */
	msgpack_unpacked unpacked;
	size_t off = 0;
	int r = -EINVAL;

	terms_init(terms);
	text_format(error, TERMS_ERROR_MAX, "the options cannot be unpacked");
	if (len > LEN_MAX)
		return -EINVAL;
	msgpack_unpacked_init(&unpacked);
	/* Strings are not copied: they lie in `data`. */
	if (msgpack_unpack_next(&unpacked, data, len, &off) == MSGPACK_UNPACK_SUCCESS)
		r = read_map(terms, &unpacked.data, error);
	msgpack_unpacked_destroy(&unpacked);
	return r;
}

/* ---- the plan -------------------------------------------------------------------------- */

bool terms_need_plan(const struct terms *terms)
{
	return terms->timeout >= 0 || terms->deadline >= 0 || terms->expires >= 0 ||
	       terms->delay > 0 || terms->at >= 0 || terms->attempts > 1;
}

static uint64_t to_ns(double seconds)
{
	return (uint64_t)(seconds * (double)CLOCK_S);
}

/* A point of real time on the monotonic clock; never 0, which is none. */
static uint64_t to_clock(double seconds, uint64_t now, uint64_t real_now)
{
	uint64_t at = to_ns(seconds);

	if (at < real_now && real_now - at >= now)
		return 1;
	return now + (at - real_now);
}

void terms_make_plan(const struct terms *terms, struct plan *plan, uint64_t now, uint64_t real_now)
{
	if (terms->timeout >= 0)
		plan->timeout = to_ns(terms->timeout) + 1;
	if (terms->deadline >= 0)
		plan->deadline = to_clock(terms->deadline, now, real_now);
	if (terms->expires >= 0)
		plan->expires = now + to_ns(terms->expires);
	if (terms->delay > 0)
		plan->not_before = now + to_ns(terms->delay);
	if (terms->at >= 0)
		plan->not_before = to_clock(terms->at, now, real_now);
	plan->attempts = (unsigned int)terms->attempts;
	plan->retry_on = terms->retry_on != 0 ? terms->retry_on : 1U << RUCHE_CRASHED;
	plan->backoff = terms->backoff >= 0 ? to_ns(terms->backoff) : PLAN_BACKOFF_DEFAULT;
}
