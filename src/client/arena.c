/* SPDX-License-Identifier: MIT */
#include "client/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire/scan.h"

/* ---- its life ---------------------------------------------------------------------------- */

void client_arena_hold(struct client_arena *arena)
{
	atomic_fetch_add(&arena->users, 1);
}

void client_arena_release(struct client_arena *arena)
{
	if (arena == NULL || atomic_fetch_sub(&arena->users, 1) > 1)
		return;
	arena_unmap(&arena->arena);
	free(arena);
}

void client_arena_give(struct client_arena *arena, uint64_t lanes)
{
	if (lanes == 0 || arena->pid != getpid())
		return;
	for (; lanes != 0; lanes &= lanes - 1)
		arena_give(arena->arena.head, (uint32_t)__builtin_ctzll(lanes));
}

/* ---- what comes ---------------------------------------------------------------------------- */

static bool is_one_value(struct piece piece)
{
	size_t len;

	return scan_value(piece.data, piece.len, &len) == 0 && len == piece.len;
}

int client_arena_resolve(
	struct client_arena *arena, struct piece *value, bool is_array, uint32_t *ret_lane)
{
	struct arena_ref ref;
	struct piece there;

	if (arena == NULL || !arena_is_ref(value->data, value->len, &ref))
		return 0;
	there = (struct piece){arena_value(&arena->arena, &ref), (size_t)ref.len};
	if (there.data == NULL || (!is_array && !is_one_value(there)))
		return -EPROTO;
	*value = there;
	*ret_lane = ref.lane;
	return 1;
}
