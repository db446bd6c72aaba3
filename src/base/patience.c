/* SPDX-License-Identifier: MIT */
#include "base/patience.h"

#include <sched.h>

#include "base/clock.h"

#define SOON (50 * CLOCK_US)  /* about what it takes to be woken */
#define SWITCH (5 * CLOCK_US) /* who let others go first and came back sooner is alone */

enum {
	HOPE_MAX = 16,
	HOPE_NEEDED = 8,
	HOPE_LOST =
		4, /* by what came late: one of them costs as much as some that came soon bring */
};

void patience_begin(struct patience *patience)
{
	patience->began = clock_now();
	patience->has_looked = false;
	patience->is_over = patience->hope < HOPE_NEEDED;
}

bool patience_lasts(struct patience *patience)
{
	uint64_t before, now;

	if (patience->is_over)
		return false;
	if (!patience->has_looked) {
		patience->has_looked = true;
		return true;
	}
	before = clock_now();
	sched_yield();
	now = clock_now();
	patience->is_over = now - before > SWITCH || now - patience->began > SOON;
	return true;
}

void patience_end(struct patience *patience)
{
	unsigned int hope = patience->hope;

	if (clock_now() - patience->began <= SOON)
		patience->hope = hope < HOPE_MAX ? hope + 1 : hope;
	else
		patience->hope = hope > HOPE_LOST ? hope - HOPE_LOST : 0;
}
