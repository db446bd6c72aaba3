/* SPDX-License-Identifier: MIT */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

/*
 * What goes to the supervisor, in order.  The answers to tiny tasks are held back, so that many go out
 * in one write: they lie in the claim page meanwhile, where the supervisor finds them if this process
 * dies, or works on the next task for long.
 *
 * A process that a task has forked has the same pipe, and may write notes to it; what is held is not its own.
 */

#include <stdbool.h>
#include <stddef.h>

#include "wire/claim.h"

struct outbox {
	int fd; /* borrowed, as is the page */
	struct claim_page *page;
	size_t held; /* bytes */
};

/* Holds a whole answer back.  False: there is no room. */
bool outbox_hold(struct outbox *outbox, const void *data, size_t len);

/* Writes what is held back.  Blocks until all of it was taken.  0 or a negative errno. */
int outbox_flush(struct outbox *outbox);

/* The same, and then this. */
int outbox_write(struct outbox *outbox, const void *data, size_t len);

#endif
