/* SPDX-License-Identifier: MIT */
#ifndef WIRE_ARENA_H
#define WIRE_ARENA_H

/*
 * The memory that a client shares with the workers: through it large values travel without being
 * copied from buffer to buffer.  It is a memfd of the daemon's making, that nobody can shrink; the
 * first page is its head, and behind that lie the lanes, each for one packed value at a time:
 * many of one MiB and some as long as a message may be.  Only what has been touched takes memory,
 * and the lowest free lane is always the next, so that memory that is there is used again.
 *
 * Who wants a lane takes its bit in the head by compare-and-swap: the client for an argument, until
 * that call is answered; a worker for a result, until the client is done with that.  In the message itself stands
 * a reference, extension type ARENA_EXT: the lane, where in it, and how long.
 *
 * A worker writes to a lane who it is and for which task.  If it dies before the answer, the
 * supervisor gives the lane back.
 *
 * All that is in here the client and every worker may change at any time; nothing of it is followed
 * without a check, and a client can harm nobody but itself.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ARENA_HEAD_SIZE = 4096,
	ARENA_LANES = 64, /* at the most */
	ARENA_SMALL_LANES = 48,
	ARENA_SMALL_SIZE = 1024 * 1024,
	ARENA_MIN = 32 * 1024, /* bytes; a shorter value travels in its message */
	ARENA_ALIGN = 64,      /* of the first byte of a str or bin */
	ARENA_EXT = 2,         /* the extension type of a reference */
	ARENA_REF_SIZE = 18,   /* of a packed reference */
};

struct arena_head {
	_Atomic uint64_t taken; /* a bit for each lane */
	_Atomic uint64_t ready; /* not 0: the client has it mapped, and takes results from here */
	uint8_t unused[48];
	_Atomic uint64_t owner[ARENA_LANES]; /* arena_owner(); 0: the client */
};

/* As one process sees it. */
struct arena {
	struct arena_head *head;
	uint64_t size, large;       /* bytes: of all, and of a large lane */
	uint64_t usable;            /* the lanes that there are, a bit for each */
	uint64_t seen[ARENA_LANES]; /* bytes of it whose memory is known to be there, and mapped */
};

/* Where a value is: bytes, from the beginning of the lane. */
struct arena_ref {
	uint32_t lane, off;
	uint64_t len;
};

/* The supervisor's packet to a worker, with the memfd. */
struct arena_packet {
	uint64_t id, size, large;
};

/* How large the whole is with so many large lanes. */
uint64_t arena_size(uint64_t large, uint32_t large_lanes);

/* Maps all of it; `fd` is borrowed.  0, or a negative errno: -EINVAL, it is not as it is said to be. */
int arena_map(struct arena *arena, int fd, uint64_t size, uint64_t large);

void arena_unmap(struct arena *arena); /* zeroed memory is allowed */

/* A lane for so many bytes, whose memory is there; negative: none is free, or there is no memory. */
int arena_take(struct arena *arena, uint64_t len, uint64_t owner);
void arena_give(struct arena_head *head, uint32_t lane);

static inline uint64_t arena_owner(uint32_t birth, uint32_t seq)
{
	return (uint64_t)birth << 32 | seq;
}

/* Gives back what this owner has. */
void arena_reclaim(struct arena_head *head, uint64_t owner);

/*
 * A copy of a str (`is_str`) or bin, or of a packed value, in a lane of its own.  The lane, and *ret where
 * in it; or negative: it has to travel in its message.
 */
int arena_put_bytes(struct arena *arena, uint64_t owner, bool is_str, const void *data, size_t len,
	struct arena_ref *ret);
int arena_put_value(
	struct arena *arena, uint64_t owner, const void *data, size_t len, struct arena_ref *ret);

/* Does an arena of this size have a place that it refers to? */
bool arena_has(uint64_t size, uint64_t large, const struct arena_ref *ref);

/* Of one that cannot be mapped, what such a reference refers to: `ref->len` bytes.  False: it cannot be read. */
bool arena_read(int fd, uint64_t large, const struct arena_ref *ref, void *to);

/* The packed value that it refers to; NULL: there is none there. */
const uint8_t *arena_value(struct arena *arena, const struct arena_ref *ref);

/* The body of a reference, without the two bytes of its head. */
void arena_write_ref(uint8_t to[ARENA_REF_SIZE - 2], const struct arena_ref *ref);
void arena_read_ref(const uint8_t from[ARENA_REF_SIZE - 2], struct arena_ref *ret);

/* Is this packed value a reference?  Then to what. */
bool arena_is_ref(const uint8_t *value, size_t len, struct arena_ref *ret);

#endif
