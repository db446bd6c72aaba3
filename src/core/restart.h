/* SPDX-License-Identifier: MIT */
#ifndef CORE_RESTART_H
#define CORE_RESTART_H

/*
 * When to start again what has died: a worker or the fork server.  What has been of use
 * is replaced at once.  What dies before it was ready is tried again after 0, 50, 100, 200,
 * 400 ms … and given up at the RESTART_TRIES-th death in a row.  What was ready but dies
 * before it did anything waits likewise, up to RESTART_DELAY_MAX, but is never given up.
 */

#include <stdint.h>

enum { RESTART_TRIES = 6 };

#define RESTART_DELAY_FIRST 50000000ULL /* ns */
#define RESTART_DELAY_MAX 1000000000ULL

enum restart_life { RESTART_NEVER_READY, RESTART_USELESS, RESTART_USEFUL };

enum restart_verdict { RESTART_NOW, RESTART_LATER, RESTART_GIVE_UP };

struct restart {
	unsigned int stillborn; /* deaths in a row before being ready */
	unsigned int useless;   /* deaths in a row without having been of use */
};

/* What to do after a life of this kind; with RESTART_LATER, *ret_delay in ns. */
enum restart_verdict restart_decide(
	struct restart *restart, enum restart_life life, uint64_t *ret_delay);

#endif
