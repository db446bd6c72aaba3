/* SPDX-License-Identifier: MIT */
#ifndef CORE_THROTTLE_H
#define CORE_THROTTLE_H

/*
 * How often something may be said: a bucket of THROTTLE_BURST, into which one comes back each THROTTLE_STEP.  Once it
 * is empty it is closed for THROTTLE_PAUSE, so that what goes on and on comes in batches with one account of what was
 * left out between them, and not with one for each.
 */

#include <stdbool.h>
#include <stdint.h>

enum { THROTTLE_BURST = 20 };

#define THROTTLE_STEP 1000000000ULL /* ns */
#define THROTTLE_PAUSE (10 * THROTTLE_STEP)

/* Zeroed it is full. */
struct throttle {
	uint64_t full_at;  /* when all have come back */
	uint64_t opens_at; /* it is closed until then */
	uint64_t left_out; /* since that was asked last */
};

/* May it be said now?  If not it counts as left out. */
bool throttle_take(struct throttle *throttle, uint64_t now);

static inline bool throttle_is_closed(const struct throttle *throttle, uint64_t now)
{
	return now < throttle->opens_at;
}

/* How many were left out since the last time. */
uint64_t throttle_collect(struct throttle *throttle);

#endif
