/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ARENAS_H
#define WORKER_ARENAS_H

/*
 * The arenas of clients that this worker has had tasks of, see wire/arena.h.  They come over a socket of their own,
 * which is read when a task needs one that is not there yet.
 */

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/arena.h"
#include "wire/scan.h"

struct known_arena {
	uint32_t id;
	int fd; /* if it cannot be mapped, as with rlimit_as: it is read from there; else negative */
	uint64_t size, large;
	struct arena arena;
};

struct arenas {
	int fd; /* borrowed */
	struct known_arena *all;
	size_t count, cap;
};

void arenas_fini(struct arenas *arenas);

/* Has it come? */
bool arenas_have(struct arenas *arenas, uint32_t id);

/* Valid until the next call here; NULL: there is none, or it cannot be mapped. */
struct arena *arenas_find(struct arenas *arenas, uint32_t id);

/* A copy from one that cannot be mapped, in the zone; NULL: there is none, or no memory. */
const uint8_t *arenas_read(
	struct arenas *arenas, uint32_t id, const struct arena_ref *ref, msgpack_zone *zone);

/* A notification that may say that a client has gone: its arena is then unmapped. */
void arenas_notice(struct arenas *arenas, const uint8_t *frame, const struct scan *scan);

#endif
