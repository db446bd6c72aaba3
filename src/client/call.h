/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

/*
 * The calls of a connection, from ruche_submit() until their reply is fetched.  A call is
 * `open` and then `finished`, once; both are lists, oldest first, and a hash by id finds
 * either in constant time.  Zeroed memory, after calls_init(), is an empty table.
 *
 * Some calls the library makes for its own ends, as those of a map.  They have an owner, who
 * hears of their end at once; the caller never sees them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "client/arena.h"
#include "client/value.h"

struct call;
struct ruche_reply;

/* Both are the last that is said of a call: it is removed when they return. */
struct call_owner {
	/* It was answered.  0, or -ENOMEM: nothing has changed, and the answer comes again. */
	int (*on_end)(struct call *call, struct piece error, struct piece result);
	/* The connection broke; `was_sent`: the daemon may have seen the call. */
	void (*on_lost)(struct call *call, bool was_sent);
};

/* Who hears the output that comes for one call. */
struct call_log {
	void (*on_output)(void *user, int stream, const void *data, size_t len);
	void *user;
};

struct call {
	TAILQ_ENTRY(call) link;
	struct call *bucket_next;
	struct ruche_reply *reply;      /* owned; NULL in a finished call: the connection broke */
	uint64_t end;                   /* where it ends in the stream of all bytes to the daemon */
	uint64_t room;                  /* bytes that its command's stdin still takes */
	const struct call_owner *owner; /* NULL: the caller, by ruche_next() and the like */
	void *owner_data;
	const struct call_log *log; /* borrowed; NULL: the handle's callback */
	uint64_t lanes; /* of the arena, that hold its arguments, until it is answered */
	uint32_t id;
	bool finished;
	bool brings_fd;    /* its answer may have a descriptor beside it */
	bool brings_pairs; /* its result is that of a chunk, and its owner looks at each pair */
	bool is_item;      /* its result is what somebody put into a queue, and refers to nothing */
};

TAILQ_HEAD(call_list, call);

struct calls {
	struct call_list open, finished;
	struct call_list spare; /* records for calls to come, without a reply */
	struct call **buckets;
	size_t bucket_count; /* a power of two, or 0 */
	size_t count;        /* open and finished */
	size_t owned;        /* of them, that have an owner */
	size_t fd_count;     /* of the open ones, that may bring a descriptor */
	size_t spare_count;
	uint32_t last_id;
	struct client_arena *arena; /* owned; NULL: none */
};

void calls_init(struct calls *calls);
void calls_fini(struct calls *calls); /* frees every call with its reply */

/* An id that no call has, never 0.  The same until calls_add() takes it. */
uint32_t calls_next_id(const struct calls *calls);

/* A new open call of an id that no call has; NULL: no memory.  The table owns it. */
struct call *calls_add(struct calls *calls, uint32_t id, uint64_t end);

struct call *calls_find(const struct calls *calls, uint32_t id); /* NULL: none */

/* The same of the calls without an owner. */
struct call *calls_find_public(const struct calls *calls, uint32_t id);
size_t calls_count_public(const struct calls *calls);

/* An open call gets an owner, or another one.  calls_drop(): one who does not care. */
void calls_own(
	struct calls *calls, struct call *call, const struct call_owner *owner, void *owner_data);
void calls_drop(struct calls *calls, struct call *call);

/* The answer to an open call may bring a descriptor, which is looked out for while there is such a call. */
void calls_expect_fd(struct calls *calls, struct call *call);

static inline bool calls_bring_fds(const struct calls *calls)
{
	return calls->fd_count > 0;
}

/* Takes `reply`, which may be NULL, as the end of an open call without an owner. */
void calls_finish(struct calls *calls, struct call *call, struct ruche_reply *reply);

/* Frees the call; its reply, if there is one, is the caller's. */
void calls_remove(struct calls *calls, struct call *call);

#endif
