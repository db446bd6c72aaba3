/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_US 1000ULL
#define CLOCK_MS 1000000ULL
#define CLOCK_S 1000000000ULL

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void);

/* The same as of the kernel's last tick, 1 to 10 ms ago at the most, at an eighth of the cost. */
uint64_t clock_tick(void);

/* The same for who asks again and again, at a third of the cost: up to 4 us ago, and never ahead. */
struct clock_glance {
	uint64_t now, ticks; /* zero at first */
};

uint64_t clock_glance(struct clock_glance *glance);

/* As clock_now(), for who glances at it later. */
uint64_t clock_look(struct clock_glance *glance);

/* Nanoseconds of the real-time clock, since 1970. */
uint64_t clock_real(void);

#endif
