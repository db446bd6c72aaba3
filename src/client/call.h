/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

/*
 * The calls of a connection, from ruche_submit() until their reply is fetched.  A call is
 * `open` and then `finished`, once; both are lists, oldest first, and a hash by id finds
 * either in constant time.  Zeroed memory, after calls_init(), is an empty table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct ruche_reply;

struct call {
	TAILQ_ENTRY(call) link;
	struct call *bucket_next;
	struct ruche_reply *reply; /* owned; NULL in a finished call: the connection broke */
	uint64_t start;            /* where it begins in the stream of all bytes to the daemon */
	uint64_t room;             /* bytes that its command's stdin still takes */
	uint32_t id;
	bool finished;
};

TAILQ_HEAD(call_list, call);

struct calls {
	struct call_list open, finished;
	struct call **buckets;
	size_t bucket_count; /* a power of two, or 0 */
	size_t count;        /* open and finished */
	uint32_t last_id;
};

void calls_init(struct calls *calls);
void calls_fini(struct calls *calls); /* frees every call with its reply */

/* An id that no call has, never 0.  The same until calls_add() takes it. */
uint32_t calls_next_id(const struct calls *calls);

/* A new open call of an id that no call has; NULL: no memory.  The table owns it. */
struct call *calls_add(struct calls *calls, uint32_t id, uint64_t start);

struct call *calls_find(const struct calls *calls, uint32_t id); /* NULL: none */

/* Takes `reply`, which may be NULL, as the end of an open call. */
void calls_finish(struct calls *calls, struct call *call, struct ruche_reply *reply);

/* Frees the call; its reply, if there is one, is the caller's. */
void calls_remove(struct calls *calls, struct call *call);

#endif
