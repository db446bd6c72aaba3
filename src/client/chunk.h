/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CHUNK_H
#define CLIENT_CHUNK_H

/*
 * A chunk: items of a map that follow each other, from when they are taken in until the reply to
 * the last was handed out.  All that is kept of an item is kept here.
 *
 *	NEW → WAITING → UNDER_WAY → ENDED       one call, of one item or of many
 *	         ↑          │
 *	         └──────────┘                   what a call left over, as a chunk of its own
 */

#include <ruche/ruche.h>
#include <sys/queue.h>

#include "client/call.h"

struct ruche_map;

enum chunk_state { CHUNK_NEW, CHUNK_WAITING, CHUNK_UNDER_WAY, CHUNK_ENDED };

/* Why its items have no answer of the daemon: said by the library, to each. */
struct chunk_excuse {
	enum ruche_code code;
	enum ruche_executed executed;
	const char *message; /* valid as long as the map */
};

/* The packed items, which several chunks may share. */
struct packed {
	size_t refs;
	uint8_t data[];
};

struct chunk {
	TAILQ_ENTRY(chunk) order; /* of the items' indices */
	TAILQ_ENTRY(chunk) queue; /* of those that wait, or of those that have ended */
	struct ruche_map *map;
	size_t first,
		count; /* the index of its first item whose reply was not handed out; how many */
	enum chunk_state state;
	struct call *call; /* under way */
	bool is_cancelled; /* ... and to be stopped */

	struct packed *packed; /* NULL: no longer needed */
	size_t off, len;       /* of its items in there */
	bool has_nested;       /* they may be too deep for a call */

	/* The end: an excuse, or a reply, which is ... */
	struct chunk_excuse excuse;
	struct ruche_reply *reply;
	bool is_pairs; /* an array of a pair [error or nil, result] for each; else that of each */
	size_t at;     /* the next pair */
	size_t size;   /* of the reply, as it came */
};

TAILQ_HEAD(chunk_list, chunk);

/* A copy of `count` packed items; NULL: no memory. */
struct chunk *chunk_new(struct ruche_map *map, size_t first, size_t count, struct piece items);

/* A new chunk of `count` items of another that still has them, `from` on; NULL: no memory. */
struct chunk *chunk_slice(const struct chunk *chunk, size_t from, size_t count);

/* Keeps the first `count` of the items alone. */
void chunk_cut(struct chunk *chunk, size_t count);

void chunk_forget_items(struct chunk *chunk);
void chunk_free(struct chunk *chunk); /* not linked any more; NULL is allowed */

/* The reply to its next item, which is the caller's; NULL: no memory, and nothing has changed. */
struct ruche_reply *chunk_take_reply(struct chunk *chunk);

#endif
