/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_MANAGER_H
#define SUPERVISOR_MANAGER_H

/*
 * What the service manager is told of the daemon, once a second while there is one that wants to hear it: a line for people when
 * it has changed, that it is alive, and when it ends that this takes longer.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/health.h"

struct supervisor;

struct manager {
	struct event timer;
	bool listens;
	uint64_t watchdog; /* ns; 0: it need not be fed */
	bool hungry;       /* it was not fed at the last look, since we make no progress */
	struct health health;
	char status[128]; /* as it was told last */
};

void manager_init(struct supervisor *sup);
void manager_fini(struct supervisor *sup);

/* Calls are taken from now on, or again. */
void manager_ready(struct supervisor *sup);
void manager_reloading(struct supervisor *sup);
void manager_stopping(struct supervisor *sup);

#endif
