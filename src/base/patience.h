/* SPDX-License-Identifier: MIT */
#ifndef BASE_PATIENCE_H
#define BASE_PATIENCE_H

/*
 * Whether to look again before one sleeps.  To be woken on another processor can take tens of microseconds, on a virtual machine
 * above all, many times what it takes to answer.  So who has lately been answered within that time stays awake for so long,
 * and looks, and each time lets others of its processor go first.  Where answers take longer, or others want the processor,
 * nobody looks twice; and where others compute, nobody does so for a while.
 *
 *	patience_begin(&patience);
 *	while (!there && patience_lasts(&patience))
 *		there = look();
 *	if (!there)
 *		sleep();
 *	patience_end(&patience);
 */

#include <stdbool.h>
#include <stdint.h>

struct patience {
	uint64_t began;               /* on clock_now(), as all times here */
	uint64_t pause, paused_until; /* since somebody else wanted the processor */
	unsigned int hope;            /* grows with what came soon; zero at first */
	unsigned int looks;           /* this time */
	bool is_over;                 /* of this time */
};

void patience_begin(struct patience *patience);

/* true: look now.  Others may have run before it says so. */
bool patience_lasts(struct patience *patience);

/* What was waited for is there. */
void patience_end(struct patience *patience);

#endif
