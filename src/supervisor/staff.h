/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_STAFF_H
#define SUPERVISOR_STAFF_H

/*
 * How many workers a pool has, and which: between its min and its max, as many as are busy or
 * asked for and `spare` more; one more for each that lends its place while it waits for calls of its
 * own; and for each worker that is worn out, or runs old code, another, which is ready
 * before the first one leaves.
 */

#include <stdbool.h>

struct pool;
struct worker;

void staff_init(struct pool *pool);
void staff_fini(struct pool *pool);

/* Makes the workers that are wanted and not there, and begins to replace those that are outdated. */
void staff_balance(struct pool *pool);

/* This worker is ready: whom it replaces may leave. */
void staff_on_ready(struct worker *worker);
/* The first worker of new code has proved good: the first of the old ones leaves for it. */
void staff_admit(struct worker *trial);

/* It was given up: whom it was to replace stays.  True if it was to replace somebody. */
bool staff_on_given_up(struct worker *worker);

/* Somebody works with code or settings that are not the pool's any more, and gets tasks. */
bool staff_is_outdated(const struct pool *pool);

/* Looks at the workers in a while, as something may have to be done about them. */
void staff_look_soon(struct pool *pool);

#endif
