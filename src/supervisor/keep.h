/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_KEEP_H
#define SUPERVISOR_KEEP_H

/*
 * The answers of ended tasks that somebody may still ask for: kept for their time, and as far as
 * there is room: [limits] keep_bytes for all, a quarter of it for one user.  The oldest go first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct errors_gist;
struct handle;
struct supervisor;

/*
 * Keeps a copy of the body with the handle of a task that has just ended, and with it the
 * task.  False: it is not to be kept, and the handle is gone.
 */
bool keep_answer(struct supervisor *sup, struct handle *handle, const struct errors_gist *gist,
	const void *body, size_t len);

/* One that an earlier daemon has kept, until `alarm`; the oldest first.  0 or -ENOMEM. */
int keep_restore(struct supervisor *sup, struct handle *handle, uint64_t alarm);

/* Drops an ended task with its handle. */
void keep_drop(struct supervisor *sup, struct handle *handle);

#endif
