/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_US 1000ULL
#define CLOCK_MS 1000000ULL
#define CLOCK_S 1000000000ULL

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void);

/* Nanoseconds of the real-time clock, since 1970. */
uint64_t clock_real(void);

#endif
