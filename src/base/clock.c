/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

#define QUICK (10 * CLOCK_US)

enum { GLANCES_MAX = 64 };

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_S + (uint64_t)ts.tv_nsec;
}

uint64_t clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_tick(void)
{
	return read_clock(CLOCK_MONOTONIC_COARSE);
}

uint64_t clock_glance(struct clock_glance *glance)
{
	uint64_t tick = clock_tick(), now;

	if (glance->left > 0 && tick == glance->tick) {
		glance->left--;
		return glance->now;
	}
	now = clock_now();
	if (now - glance->now >= QUICK)
		glance->quick = 0;
	else if (glance->quick < GLANCES_MAX / 2)
		glance->quick += 1 + glance->quick;
	glance->left = glance->quick;
	glance->now = now;
	glance->tick = tick;
	return now;
}

uint64_t clock_real(void)
{
	return read_clock(CLOCK_REALTIME);
}
