/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ARENA_H
#define CLIENT_ARENA_H

/*
 * The memory that a connection shares with the daemon's workers, see wire/arena.h.  It is asked for when the
 * first large value has come by, which still travels in its message, as does all that finds no room.
 *
 * Replies refer to it, and may outlive the connection.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "client/value.h"
#include "wire/arena.h"

struct ruche;

struct client_arena {
	_Atomic uint32_t users; /* the connection, and each reply that refers to it */
	pid_t pid; /* whose it is; what a fork of that has is a copy, but not this memory */
	struct arena arena;
};

/* The state of a connection in this regard. */
enum arena_state { ARENA_UNKNOWN, ARENA_ASKED, ARENA_HERE, ARENA_NONE };

/* Asks for it if that has not been done.  Nothing of the caller's is being packed then. */
void arena_want(struct ruche *ruche);

/* The same, and waits until the daemon has answered that. */
void arena_wait(struct ruche *ruche);

void client_arena_hold(struct client_arena *arena);
void client_arena_release(struct client_arena *arena); /* NULL is allowed */

/* Gives back these lanes, a bit for each; `arena` may be NULL if there are none. */
void client_arena_give(struct client_arena *arena, uint64_t lanes);

/*
 * A value that has come.  1: it was a reference and *value is now what that refers to, in the lane
 * *ret_lane.  0: it is itself.  -EPROTO: it refers to nothing.  What is there is one value; but of an array (`is_array`) as is said nothing
 * is known: its elements are to be looked at one by one, and not there, where they can still change.
 */
int client_arena_resolve(
	struct client_arena *arena, struct piece *value, bool is_array, uint32_t *ret_lane);

#endif
