/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_US 1000ULL
#define CLOCK_MS 1000000ULL
#define CLOCK_S 1000000000ULL

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void);

/*
 * The same for who asks again and again, at a third of the cost: it may be that of one of the eight times before, if these
 * came quickly, and no tick of the kernel (1 to 10 ms) has passed since.
 */
struct clock_glance {
	uint64_t now, tick;
	unsigned int left; /* times that `now` will do */
};

uint64_t clock_glance(struct clock_glance *glance);

/* Nanoseconds of the real-time clock, since 1970. */
uint64_t clock_real(void);

#endif
