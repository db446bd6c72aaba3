/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_TERMS_H
#define SUPERVISOR_TERMS_H

/*
 * What a caller may ask of a call: the options of ruche.call and ruche.submit, as they came.
 * Strings lie in the request and live as long as it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/option_map.h"

struct terms {
	struct option_text pool, key, tag;
	int64_t priority, attempts;
	double timeout, deadline, expires, delay, at, backoff, key_window,
		keep;          /* s; < 0: not given */
	unsigned int retry_on; /* a bit for each code */
	bool detach, wait, process;
};

/* Nothing asked for. */
void terms_init(struct terms *terms);

/*
 * From one packed value: a map, or nil for nothing.  0, or -EINVAL with what is wrong with it in
 * `error`.
 */
int terms_read(struct terms *terms, const void *data, size_t len, char error[OPTION_ERROR_MAX]);

/* They ask for something that only a plan can tell (core/plan.h). */
bool terms_need_plan(const struct terms *terms);

struct plan;

/* Sets a zeroed plan, `now` being the monotonic clock and `real_now` the other one, ns. */
void terms_make_plan(const struct terms *terms, struct plan *plan, uint64_t now, uint64_t real_now);

#endif
