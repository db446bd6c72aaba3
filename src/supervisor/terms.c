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

enum { ATTEMPTS_MAX = 100 };

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

static bool get_priority(const msgpack_object *value, void *to)
{
	return option_get_int(value, QUEUE_PRIORITY_MIN, QUEUE_PRIORITY_MAX, to);
}

static bool get_attempts(const msgpack_object *value, void *to)
{
	return option_get_int(value, 1, ATTEMPTS_MAX, to);
}

static bool get_code(const msgpack_object *value, unsigned int *to)
{
	static const enum ruche_code codes[] = {RUCHE_CRASHED, RUCHE_TIMEOUT, RUCHE_FAILED};

	for (size_t i = 0; i < 3; i++)
		if (option_is(value, message_code_name(codes[i]))) {
			*to |= 1U << codes[i];
			return true;
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

static const struct option_key keys[] = {
	{"pool", offsetof(struct terms, pool), option_get_text, "a pool's name"},
	{"priority", offsetof(struct terms, priority), get_priority, "an integer from -10 to 10"},
	{"timeout", offsetof(struct terms, timeout), option_get_some_seconds,
		"seconds, more than 0"},
	{"deadline", offsetof(struct terms, deadline), option_get_seconds, "seconds since 1970"},
	{"expires", offsetof(struct terms, expires), option_get_some_seconds,
		"seconds, more than 0"},
	{"delay", offsetof(struct terms, delay), option_get_seconds, "seconds, at least 0"},
	{"at", offsetof(struct terms, at), option_get_seconds, "seconds since 1970"},
	{"attempts", offsetof(struct terms, attempts), get_attempts, "an integer from 1 to 100"},
	{"retry_on", offsetof(struct terms, retry_on), get_codes,
		"one or an array of crashed, timeout, failed"},
	{"backoff", offsetof(struct terms, backoff), option_get_seconds, "seconds, at least 0"},
	{"key", offsetof(struct terms, key), option_get_text, "a string of 1 to 255 bytes"},
	{"key_window", offsetof(struct terms, key_window), option_get_seconds,
		"seconds, at least 0"},
	{"keep", offsetof(struct terms, keep), option_get_seconds, "seconds, at least 0"},
	{"detach", offsetof(struct terms, detach), option_get_truth, "true or false"},
	{"wait", offsetof(struct terms, wait), option_get_truth, "true or false"},
	{"process", offsetof(struct terms, process), option_get_truth, "true or false"},
	{"tag", offsetof(struct terms, tag), option_get_text, "a string of 1 to 255 bytes"},
	{NULL, 0, NULL, NULL},
};

static int check(const struct terms *terms, char error[OPTION_ERROR_MAX])
{
	if (terms->delay < 0 || terms->at < 0)
		return 0;
	text_format(error, OPTION_ERROR_MAX, "the options 'delay' and 'at' exclude each other");
	return -EINVAL;
}

int terms_read(struct terms *terms, const void *data, size_t len, char error[OPTION_ERROR_MAX])
{
	int r;

	terms_init(terms);
	r = option_map_read(keys, terms, data, len, error);
	return r < 0 ? r : check(terms, error);
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
