/* SPDX-License-Identifier: MIT */
#include "wire/arena.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { BYTES_HEAD = 5 }; /* of a str 32 or bin 32 */

#define SMALL_LANES_END (ARENA_HEAD_SIZE + (uint64_t)ARENA_SMALL_LANES * ARENA_SMALL_SIZE)
#define SMALL_LANES ((UINT64_C(1) << ARENA_SMALL_LANES) - 1)

/* ---- where things are ------------------------------------------------------------------ */

uint64_t arena_size(uint64_t large, uint32_t large_lanes)
{
	return SMALL_LANES_END + large * large_lanes;
}

static uint64_t room_of(const struct arena *arena, uint32_t lane)
{
	return lane < ARENA_SMALL_LANES ? ARENA_SMALL_SIZE : arena->large;
}

static uint64_t offset_of(const struct arena *arena, uint32_t lane)
{
	return lane < ARENA_SMALL_LANES
		       ? ARENA_HEAD_SIZE + (uint64_t)lane * ARENA_SMALL_SIZE
		       : SMALL_LANES_END + (lane - ARENA_SMALL_LANES) * arena->large;
}

static uint8_t *lane_at(const struct arena *arena, uint32_t lane)
{
	return (uint8_t *)arena->head + offset_of(arena, lane);
}

int arena_map(struct arena *arena, int fd, uint64_t size, uint64_t large)
{
	uint64_t lanes = size > SMALL_LANES_END && large > 0 ? (size - SMALL_LANES_END) / large : 0;
	struct stat status;
	void *at;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (size < SMALL_LANES_END || (uint64_t)status.st_size != size || size > SIZE_MAX)
		return -EINVAL;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*arena = (struct arena){.head = at, .size = size, .large = large, .usable = SMALL_LANES};
	for (uint32_t i = ARENA_SMALL_LANES; i < ARENA_LANES && lanes > 0; i++, lanes--)
		arena->usable |= UINT64_C(1) << i;
	return 0;
}

bool arena_has(uint64_t size, uint64_t large, const struct arena_ref *ref)
{
	const struct arena arena = {.large = large};
	uint64_t room = room_of(&arena, ref->lane < ARENA_LANES ? ref->lane : 0);

	if (ref->lane >= ARENA_LANES || ref->len == 0 || ref->off > room ||
		ref->len > room - ref->off)
		return false;
	return offset_of(&arena, ref->lane) + room <= size;
}

bool arena_read(int fd, uint64_t large, const struct arena_ref *ref, void *to)
{
	const struct arena arena = {.large = large};
	uint64_t at = offset_of(&arena, ref->lane) + ref->off, done = 0;

	while (done < ref->len) {
		ssize_t n = pread(fd, (char *)to + done, ref->len - done, (off_t)(at + done));

		if (n <= 0 && (n == 0 || errno != EINTR))
			return false;
		done += n > 0 ? (uint64_t)n : 0;
	}
	return true;
}

void arena_unmap(struct arena *arena)
{
	if (arena->head != NULL)
		munmap(arena->head, arena->size);
	arena->head = NULL;
}

/* ---- taking and giving ------------------------------------------------------------------ */

/*
 * Memory is asked for in one go, so that the pages need no fault each, and a lack of it is mostly an error here and not a
 * signal later (not if the client takes it away again).  A kernel that does not know how gives them as they are touched.
 */
static bool populate(struct arena *arena, uint32_t lane, uint64_t len, int how)
{
	uint64_t seen = arena->seen[lane] & ~(uint64_t)(ARENA_HEAD_SIZE - 1);

	if (len <= arena->seen[lane])
		return true;
	if (madvise(lane_at(arena, lane) + seen, len - seen, how) < 0 && errno != EINVAL)
		return false;
	arena->seen[lane] = len;
	return true;
}

/* The lowest of them that is free; negative: none is. */
static int take_one(struct arena_head *head, uint64_t lanes)
{
	uint64_t taken = atomic_load(&head->taken);

	while ((~taken & lanes) != 0) {
		int lane = __builtin_ctzll(~taken & lanes);

		if (atomic_compare_exchange_weak(&head->taken, &taken, taken | UINT64_C(1) << lane))
			return lane;
	}
	return -1;
}

int arena_take(struct arena *arena, uint64_t len, uint64_t owner)
{
	uint64_t fits = len <= ARENA_SMALL_SIZE ? ~UINT64_C(0)
			: len <= arena->large   ? ~SMALL_LANES
						: 0;
	int lane = take_one(arena->head, arena->usable & fits);

	if (lane < 0)
		return lane;
	atomic_store(&arena->head->owner[lane], owner);
	if (populate(arena, (uint32_t)lane, len, MADV_POPULATE_WRITE))
		return lane;
	arena_give(arena->head, (uint32_t)lane);
	return -1;
}

void arena_give(struct arena_head *head, uint32_t lane)
{
	if (lane >= ARENA_LANES)
		return;
	atomic_store(&head->owner[lane], 0);
	atomic_fetch_and(&head->taken, ~(UINT64_C(1) << lane));
}

void arena_reclaim(struct arena_head *head, uint64_t owner)
{
	for (uint32_t i = 0; i < ARENA_LANES; i++)
		if (atomic_load(&head->owner[i]) == owner)
			arena_give(head, i);
}

/* ---- values ------------------------------------------------------------------------------ */

int arena_put_bytes(struct arena *arena, uint64_t owner, bool is_str, const void *data, size_t len,
	struct arena_ref *ret)
{
	uint32_t be;
	uint8_t *at;
	int lane;

	if (len > UINT32_MAX)
		return -1;
	lane = arena_take(arena, ARENA_ALIGN + (uint64_t)len, owner);
	if (lane < 0)
		return lane;
	*ret = (struct arena_ref){(uint32_t)lane, ARENA_ALIGN - BYTES_HEAD, BYTES_HEAD + len};
	at = lane_at(arena, ret->lane) + ret->off;
	memmove(at + BYTES_HEAD, data,
		len); /* from the same lane, if the client says that it is free */
	at[0] = is_str ? 0xdb : 0xc6;
	be = htobe32((uint32_t)len);
	memcpy(at + 1, &be, sizeof(be));
	return lane;
}

int arena_put_value(
	struct arena *arena, uint64_t owner, const void *data, size_t len, struct arena_ref *ret)
{
	int lane = arena_take(arena, len, owner);

	if (lane < 0)
		return lane;
	*ret = (struct arena_ref){(uint32_t)lane, 0, len};
	memmove(lane_at(arena, ret->lane), data, len);
	return lane;
}

const uint8_t *arena_value(struct arena *arena, const struct arena_ref *ref)
{
	if (!arena_has(arena->size, arena->large, ref) ||
		!populate(arena, ref->lane, ref->off + ref->len, MADV_POPULATE_READ))
		return NULL;
	return lane_at(arena, ref->lane) + ref->off;
}

void arena_write_ref(uint8_t to[ARENA_REF_SIZE - 2], const struct arena_ref *ref)
{
	const uint32_t lane = htobe32(ref->lane), off = htobe32(ref->off);
	const uint64_t len = htobe64(ref->len);

	memcpy(to, &lane, 4);
	memcpy(to + 4, &off, 4);
	memcpy(to + 8, &len, 8);
}

void arena_read_ref(const uint8_t from[ARENA_REF_SIZE - 2], struct arena_ref *ret)
{
	uint32_t lane, off;
	uint64_t len;

	memcpy(&lane, from, 4);
	memcpy(&off, from + 4, 4);
	memcpy(&len, from + 8, 8);
	*ret = (struct arena_ref){be32toh(lane), be32toh(off), be64toh(len)};
}

bool arena_is_ref(const uint8_t *value, size_t len, struct arena_ref *ret)
{
	if (len != ARENA_REF_SIZE || value[0] != 0xd8 || value[1] != ARENA_EXT)
		return false;
	arena_read_ref(value + 2, ret);
	return true;
}
