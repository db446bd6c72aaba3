/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PACE_H
#define CLIENT_PACE_H

/*
 * How many items a map should put into one chunk: as many as end in a millisecond at the most, found
 * from how fast they end, all workers together.  One, if they take long.  It has no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_CHUNK_MAX = 4096 };

struct pace {
	size_t chunk;   /* the answer */
	size_t ended;   /* items in the sample */
	uint64_t spent; /* nanoseconds that there was work, in the sample ... */
	uint64_t since; /* ... until here; and there is again, if it runs */
	bool is_running;
};

void pace_init(struct pace *pace);

/* Items have ended.  True: tell the time by pace_look(). */
bool pace_count(struct pace *pace, size_t items);
void pace_look(struct pace *pace, uint64_t now);

/* There is work again, or none: the time in between does not count. */
void pace_start(struct pace *pace, uint64_t now);
void pace_stop(struct pace *pace, uint64_t now);

#endif
