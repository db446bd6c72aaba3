/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_US 1000ULL
#define CLOCK_MS 1000000ULL
#define CLOCK_S 1000000000ULL

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void);

/* The same as of the kernel's last tick, 1 to 10 ms ago at the most, at an eighth of the cost. */
uint64_t clock_tick(void);

/*
 * The same for who asks again and again, at a sixth of the cost: it may be that of one of the sixty-four times before, if these
 * came quickly, and no tick of the kernel has passed since.
 */
struct clock_glance {
	uint64_t now, tick;
	unsigned int left;  /* times that `now` will do ... */
	unsigned int quick; /* ... of so many, which came within some microseconds before */
};

uint64_t clock_glance(struct clock_glance *glance);

/* Have the last ones come very quickly? */
static inline bool clock_is_quick(const struct clock_glance *glance)
{
	return glance->quick > 32;
}

/* Nanoseconds of the real-time clock, since 1970. */
uint64_t clock_real(void);

#endif
