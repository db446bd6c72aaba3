/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

enum { TICKS_MAX = 4000 };

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

/* Of what counts by itself, at 1 GHz at the least, and is read in a third of the time; else of the clock. */
static inline uint64_t count_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return clock_now();
#endif
}

uint64_t clock_look(struct clock_glance *glance)
{
	glance->ticks = count_ticks();
	glance->now = clock_now();
	return glance->now;
}

uint64_t clock_glance(struct clock_glance *glance)
{
	bool is_old = count_ticks() - glance->ticks > TICKS_MAX || glance->now == 0;

	return is_old ? clock_look(glance) : glance->now;
}

uint64_t clock_real(void)
{
	return read_clock(CLOCK_REALTIME);
}
