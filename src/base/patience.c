/* SPDX-License-Identifier: MIT */
#include "base/patience.h"

#include <sched.h>

#include "base/clock.h"

#define SOON (50 * CLOCK_US)   /* about what it takes to be woken */
#define SWITCH (5 * CLOCK_US)  /* who let others go first and came back sooner is alone */
#define SLICE (500 * CLOCK_US) /* whoever ran for so long computes */
#define PAUSE_MIN (50 * CLOCK_MS)
#define PAUSE_MAX CLOCK_S

enum {
	HOPE_MAX = 16,
	HOPE_NEEDED = 8,
	HOPE_LOST = 4, /* by one that came late, which costs as much as some that came soon bring */
};

void patience_begin(struct patience *patience)
{
	patience->began = clock_now();
	patience->looks = 0;
	patience->is_over =
		patience->hope < HOPE_NEEDED || patience->began < patience->paused_until;
}

/* Each time costs a slice, so it is tried again less and less often. */
static void pause_from(struct patience *patience, uint64_t now)
{
	uint64_t pause = patience->pause * 2;

	patience->pause = pause < PAUSE_MIN ? PAUSE_MIN : pause > PAUSE_MAX ? PAUSE_MAX : pause;
	patience->paused_until = now + patience->pause;
}

static void let_others_go_first(struct patience *patience)
{
	uint64_t before = clock_now(), now;

	sched_yield();
	now = clock_now();
	patience->is_over = now - before > SWITCH || now - patience->began > SOON;
	if (now - before > SLICE)
		pause_from(patience, now);
}

bool patience_lasts(struct patience *patience)
{
	if (patience->is_over)
		return false;
	if (patience->looks++ > 0)
		let_others_go_first(patience);
	return true;
}

void patience_end(struct patience *patience)
{
	unsigned int hope = patience->hope;

	if (clock_now() - patience->began > SOON) {
		patience->hope = hope > HOPE_LOST ? hope - HOPE_LOST : 0;
		return;
	}
	patience->hope = hope < HOPE_MAX ? hope + 1 : hope;
	if (patience->looks > 1)
		patience->pause = 0;
}
