/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_HEALTH_H
#define SUPERVISOR_HEALTH_H

/*
 * Does the daemon make progress?  Asked from time to time by whoever feeds the watchdog: what stood still at
 * two looks running, and should not have, is a fault of ours that only a restart can end.  The time that tasks
 * take is no fault.
 */

#include <stdbool.h>
#include <stdint.h>

struct supervisor;

/* As it was at the last look. */
struct health {
	uint64_t ended; /* tasks */
	const char *suspect;
};

/* NULL: all is well; or what stands still, a constant sentence. */
const char *health_look(struct health *health, const struct supervisor *sup);

#endif
