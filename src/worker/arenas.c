/* SPDX-License-Identifier: MIT */
#include "worker/arenas.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "wire/link.h"

static void close_one(struct known_arena *one)
{
	arena_unmap(&one->arena);
	fd_close(&one->fd);
}

void arenas_fini(struct arenas *arenas)
{
	for (size_t i = 0; i < arenas->count; i++)
		close_one(&arenas->all[i]);
	free(arenas->all);
	*arenas = (struct arenas){.fd = -1};
}

static struct known_arena *find(const struct arenas *arenas, uint32_t id)
{
	for (size_t i = 0; i < arenas->count; i++)
		if (arenas->all[i].id == id)
			return &arenas->all[i];
	return NULL;
}

static int reserve(struct arenas *arenas)
{
	size_t cap = arenas->cap == 0 ? 4 : arenas->cap * 2;
	struct known_arena *all;

	if (arenas->count < arenas->cap)
		return 0;
	all = realloc(arenas->all, cap * sizeof(*all));
	if (all == NULL)
		return -1;
	arenas->all = all;
	arenas->cap = cap;
	return 0;
}

/* One packet; false: there is none. */
static bool receive(struct arenas *arenas)
{
	struct known_arena *next;
	struct arena_packet packet;
	size_t nfds = 0;
	int fd = -1;
	ssize_t n = fd_recv_packet(arenas->fd, 0, &packet, sizeof(packet), &fd, 1, &nfds);

	if (n <= 0)
		return false;
	if (n == sizeof(packet) && nfds == 1 && reserve(arenas) == 0) {
		next = &arenas->all[arenas->count];
		*next = (struct known_arena){.id = (uint32_t)packet.id,
			.fd = -1,
			.size = packet.size,
			.large = packet.large};
		if (arena_map(&next->arena, fd, packet.size, packet.large) < 0) {
			next->fd = fd;
			fd = -1;
		}
		arenas->count++;
	}
	fd_close(&fd);
	return true;
}

static struct known_arena *find_or_receive(struct arenas *arenas, uint32_t id)
{
	struct known_arena *found = find(arenas, id);

	if (id == 0)
		return NULL;
	while (found == NULL && receive(arenas))
		found = find(arenas, id);
	return found;
}

bool arenas_have(struct arenas *arenas, uint32_t id)
{
	return find_or_receive(arenas, id) != NULL;
}

struct arena *arenas_find(struct arenas *arenas, uint32_t id)
{
	struct known_arena *found = find_or_receive(arenas, id);

	return found != NULL && found->arena.head != NULL ? &found->arena : NULL;
}

const uint8_t *arenas_read(
	struct arenas *arenas, uint32_t id, const struct arena_ref *ref, msgpack_zone *zone)
{
	struct known_arena *found = find_or_receive(arenas, id);
	void *copy = NULL;

	if (found != NULL && found->fd >= 0 && arena_has(found->size, found->large, ref))
		copy = msgpack_zone_malloc(zone, (size_t)ref->len);
	if (copy == NULL || !arena_read(found->fd, found->large, ref, copy))
		return NULL;
	return copy;
}

static void drop(struct arenas *arenas, uint32_t id)
{
	struct known_arena *found;

	while (receive(arenas)) /* it may be among those that have not been needed */
		;
	found = find(arenas, id);
	if (found == NULL)
		return;
	close_one(found);
	*found = arenas->all[--arenas->count];
}

/* [id] */
void arenas_notice(struct arenas *arenas, const uint8_t *frame, const struct scan *scan)
{
	const uint8_t *params = frame + scan->params.off;
	uint64_t id;
	size_t len;

	if (scan->method.len == strlen(WORKER_ARENA_GONE) &&
		memcmp(frame + scan->method.off, WORKER_ARENA_GONE, scan->method.len) == 0 &&
		scan_uint(params + 1, scan->params.len - 1, &id, &len) == 0)
		drop(arenas, (uint32_t)id);
}
