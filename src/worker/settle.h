/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SETTLE_H
#define WORKER_SETTLE_H

/* How a fork of the fork server becomes a worker: what a process has besides its memory. */

#include "wire/claim.h"
#include "worker/worker.h"

/*
 * What needs no order: a session of its own, the signal handlers, its descriptors in their places.
 * Takes birth->go, which is WORKER_GO_FD then, and the LINK_WORKER_FDS first of birth->fds.  0 and the claim page, CLAIM_SHARED_SIZE
 * bytes and the caller's to unmap; or a negative errno: the system refused something, which was told on stderr.
 */
int settle_ahead(struct worker_birth *birth, struct claim_page **ret_page);

/*
 * The rest: its control groups, its core.  Takes the other descriptors, and WORKER_GO_FD.  0; or a negative errno, and then the worker has
 * no business here: its supervisor has gone, or the system refused something, which was told on stderr.
 */
int settle(struct worker_birth *birth);

/* Moves a descriptor to `lowest` or above unless it lies there; close-on-exec then.  0 or a negative errno. */
int settle_lift(int *fd, int lowest);

/* Every signal to its default, none blocked.  Async-signal-safe. */
void settle_reset_signals(void);

#endif
