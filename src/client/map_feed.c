/* SPDX-License-Identifier: MIT */

/* Items become chunks, and chunks calls. */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "client/apply.h"
#include "client/map.h"
#include "wire/message.h"

enum {
	UNDER_WAY_MIN = 1024, /* so many items may be, or ... */
	CHUNKS_UNDER_WAY = 64,
	UNDER_WAY_ENOUGH = 65536,            /* ... but no more in chunks whose size is chosen */
	CHUNK_OF_TINY = 64,                  /* has so many items at the least */
	CHUNKS_IN_A_ROW = 4,                 /* of these */
	CHUNK_SHARE = 16,                    /* a chunk that is chosen is no more of the window */
	CHUNK_SIZE_CHOSEN = 64 * 1024,       /* bytes of the items in one chunk */
	CHUNK_SIZE_MAX = 1024 * 1024,        /* ... whose number is given */
	ITEMS_SIZE_MAX = 32 * 1024 * 1024,   /* bytes that wait or are under way */
	REPLIES_SIZE_MAX = 64 * 1024 * 1024, /* bytes that wait to be handed out */
	FEW_CALLS = 16,   /* when no more are under way, none waits for company */
	FEW_ITEMS = 8,    /* that a source gave in a slice: it is slow */
	QUICK_LOOKS = 16, /* at the clock, between which it took no time: it is quick */
};

/* After so long, replies are looked for. */
#define SLICE (100 * CLOCK_US)

/* For four items. */
#define QUICK (10 * CLOCK_US)

/* ---- how much */

static size_t chunk_size(const struct ruche_map *map)
{
	size_t size = map->chunk;

	if (map->is_single)
		return 1;
	if (size == 0) {
		size_t share = map->window / CHUNK_SHARE;

		size = map->pace.chunk;
		if (map->window > 0 && size > share)
			size = share > 0 ? share : 1;
	}
	return map->window > 0 && size > map->window ? map->window : size;
}

static size_t chunk_bytes(const struct ruche_map *map)
{
	return map->chunk == 0 ? CHUNK_SIZE_CHOSEN : CHUNK_SIZE_MAX;
}

/* Items that may be under way. */
static size_t under_way_max(const struct ruche_map *map)
{
	size_t size = chunk_size(map);

	if (size > SIZE_MAX / CHUNKS_UNDER_WAY)
		return SIZE_MAX;
	size *= CHUNKS_UNDER_WAY;
	if (map->chunk == 0 && size > UNDER_WAY_ENOUGH)
		size = UNDER_WAY_ENOUGH;
	return size > UNDER_WAY_MIN ? size : UNDER_WAY_MIN;
}

/*
 * Of tiny items several chunks are sent in a row, which several workers then begin with at once: so a map that was full
 * is so until there is room for them.
 */
static size_t room_wanted(const struct ruche_map *map, size_t size)
{
	bool is_tiny = map->chunk == 0 && size >= CHUNK_OF_TINY;

	return map->is_full && is_tiny ? CHUNKS_IN_A_ROW * size : size;
}

static bool has_room(struct ruche_map *map, size_t size)
{
	size_t under_way = under_way_max(map), wanted = room_wanted(map, size);
	size_t window = map->window > 0 ? map->window : under_way;

	if (!TAILQ_EMPTY(&map->waiting) || map->items_size >= ITEMS_SIZE_MAX)
		return false;
	if (map->window != SIZE_MAX && map->replies_size >= REPLIES_SIZE_MAX)
		return false;
	map->is_full =
		map->taken - map->given + wanted > window || map->under_way + wanted > under_way;
	return !map->is_full;
}

/* ---- sending */

static int pack_bytes(struct request *request, const struct chunk *chunk)
{
	const uint8_t *items = chunk->packed->data + chunk->off;

	return request->pk.callback(request->pk.data, (const char *)items, chunk->len);
}

/* The arguments of a call of the function itself. */
static int pack_single(struct request *request, const struct chunk *chunk)
{
	int r = chunk->map->is_star ? 0 : msgpack_pack_array(&request->pk, 1);

	return r == 0 ? pack_bytes(request, chunk) : r;
}

/* [function, items, star] */
static int pack_many(struct request *request, const struct chunk *chunk)
{
	const struct ruche_map *map = chunk->map;
	const char *slash = strchr(map->function, '/');
	int r = msgpack_pack_array(&request->pk, 3);

	if (r == 0)
		r = message_pack_str(&request->pk, slash == NULL ? map->function : slash + 1);
	if (r == 0)
		r = msgpack_pack_array(&request->pk, chunk->count);
	if (r == 0)
		r = pack_bytes(request, chunk);
	if (r == 0)
		r = map->is_star ? msgpack_pack_true(&request->pk)
				 : msgpack_pack_false(&request->pk);
	return r;
}

static int start_call(struct ruche_map *map, struct chunk *chunk)
{
	bool is_single = chunk->count == 1;
	const struct apply apply = {
		.function = is_single ? map->function : map->method, .options = map->options};
	struct request request;
	int r = apply_begin(&request, map->ruche, &apply);

	if (r < 0)
		return r;
	request.is_foreign = chunk->has_nested;
	r = is_single ? pack_single(&request, chunk) : pack_many(&request, chunk);
	r = apply_end(&request, &apply, r);
	if (r < 0)
		return r;
	map_start(map, chunk, calls_find(&map->ruche->calls, request.id));
	if (is_single)
		chunk_forget_items(chunk);
	if (map->calls <= FEW_CALLS)
		connection_send(map->ruche);
	return 0;
}

/* The items behind the first `count` wait as a chunk of their own, next in line. */
static int split(struct ruche_map *map, struct chunk *chunk, size_t count)
{
	struct chunk *rest = chunk_slice(chunk, count, chunk->count - count);

	if (rest == NULL)
		return -ENOMEM;
	map_take_out(map, chunk);
	chunk_cut(chunk, count);
	map_add(map, rest, chunk);
	map_wait(map, rest);
	map_wait(map, chunk);
	return 0;
}

/* What cannot be sent together may go one by one; what cannot be sent at all is told so. */
static int refuse(struct ruche_map *map, struct chunk *chunk, int error)
{
	static const struct chunk_excuse too_large = {
		RUCHE_TOO_LARGE, RUCHE_EXECUTED_NO, "the item is over the limit of one request"};
	static const struct chunk_excuse too_deep = {
		RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO, "the item is nested too deeply"};

	if (chunk->count > 1)
		return split(map, chunk, chunk->count / 2);
	map_excuse(map, chunk, error == -EMSGSIZE ? too_large : too_deep);
	return 0;
}

/* 0; 1: it has to wait; or -ENOMEM. */
static int send_first(struct ruche_map *map, struct chunk *chunk)
{
	size_t size = chunk_size(map);
	int r = 0;

	if (size > chunk->count)
		size = chunk->count;
	if (map->calls > 0 && map->under_way + size > under_way_max(map))
		return 1;
	if (chunk->count > size)
		r = split(map, chunk, size);
	if (r == 0)
		r = start_call(map, chunk);
	if (r == -ECONNRESET)
		return 1; /* the end of the connection will be noticed */
	return r == 0 || r == -ENOMEM ? r : refuse(map, chunk, r);
}

int map_send(struct ruche_map *map)
{
	const struct chunk_excuse cancelled = {RUCHE_CANCELLED, RUCHE_EXECUTED_NO,
		"the map was cancelled before this item was started"};
	const struct chunk_excuse lost = {RUCHE_DISCONNECTED, RUCHE_EXECUTED_NO, map->ruche->why};
	struct chunk *chunk;
	int r = 0;

	while (r == 0 && (chunk = TAILQ_FIRST(&map->waiting)) != NULL) {
		if (map->is_cancelled)
			map_excuse(map, chunk, cancelled);
		else if (map->ruche->broken)
			map_excuse(map, chunk, lost);
		else
			r = send_first(map, chunk);
	}
	return r < 0 ? r : 0;
}

/* ---- taking items in */

static bool is_array(struct piece item)
{
	uint32_t count;
	size_t head;

	return scan_array(item.data, item.len, &count, &head) == 0;
}

/* It is no list of arguments: no worker will see it. */
static bool is_refused(const struct ruche_map *map, struct piece item)
{
	return map->is_star && !is_array(item);
}

static bool is_over(const struct ruche_map *map)
{
	return map->is_cancelled || map->ruche->broken;
}

static bool is_over_slice(const struct ruche_map *map, uint64_t now, uint64_t since)
{
	return map->source.items.next != NULL && now >= since + SLICE;
}

/* Has the caller's function taken so long?  As long as it is quick, the clock is looked at after every fourth item. */
static bool is_late(struct ruche_map *map, uint64_t since)
{
	struct clock_glance *clock = &map->ruche->clock;
	const bool is_quick = map->quick_looks >= QUICK_LOOKS;
	uint64_t before = clock->now, now;

	if (map->source.items.next == NULL || (is_quick && map->filled % 4 != 0))
		return false;
	now = clock_glance(clock);
	map->quick_looks = now - before < QUICK ? map->quick_looks + !is_quick : 0;
	return is_over_slice(map, now, since);
}

/* Takes items for one chunk. */
static int fill(struct ruche_map *map, size_t size)
{
	const uint64_t since = clock_glance(&map->ruche->clock);
	const size_t bytes = chunk_bytes(map);
	struct source *source = &map->source;

	while (map->filled < size && !is_over(map) && source_look(source)) {
		struct piece item = source->item;
		bool is_alone = is_refused(map, item);

		if (map->filled > 0 && (is_alone || buf_len(&map->filling) + item.len > bytes))
			break;
		if (buf_append(&map->filling, item.data, item.len) < 0)
			return -ENOMEM;
		source_pass(source);
		map->filled++;
		map->has_nested |= !source->is_leaf;
		if (is_alone || (map->chunk == 0 && is_late(map, since)))
			break; /* of a size that was given, it is filled */
	}
	return 0;
}

static int add_chunk(struct ruche_map *map, size_t count, struct piece items)
{
	static const struct chunk_excuse no_array = {
		RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO, "the item is not an array of arguments"};
	struct chunk *chunk = chunk_new(map, map->taken, count, items);

	if (chunk == NULL)
		return -ENOMEM;
	map->taken += count;
	chunk->has_nested = map->has_nested;
	map_add(map, chunk, NULL);
	map_wait(map, chunk);
	if (items.len > 0 && is_refused(map, items))
		map_excuse(map, chunk, no_array);
	return 0;
}

/* 1: there was one; 0: there are no more items; or -ENOMEM. */
static int take_chunk(struct ruche_map *map)
{
	struct buf *filling = &map->filling;
	int r = fill(map, chunk_size(map));

	if (r == 0 && map->filled == 0)
		return 0;
	if (r == 0)
		r = add_chunk(
			map, map->filled, (struct piece){buf_data(filling), buf_len(filling)});
	if (r < 0)
		return r;
	map->filled = 0;
	map->has_nested = false;
	buf_consume(filling, buf_len(filling));
	return 1;
}

/*
 * Nothing more will run.  What was taken already, and what is left of an array when the connection
 * broke, is answered all the same.
 */
static int close_source(struct ruche_map *map)
{
	struct source *source = &map->source;
	size_t count = map->filled + source->has_item;
	int r = 0;

	if (source->items.next == NULL && !map->is_cancelled)
		count += source->left;
	else if (!source->ended && !map->is_cancelled)
		source->error = -ECONNRESET;
	if (count > 0)
		r = add_chunk(map, count, (struct piece){NULL, 0});
	if (r < 0)
		return r;
	map->filled = 0;
	buf_fini(&map->filling);
	source_pass(source);
	source_end(source);
	return 0;
}

int map_feed(struct ruche_map *map)
{
	uint64_t since = 0;
	size_t taken = map->taken;
	int r = is_over(map) ? close_source(map) : 0;

	map->has_more = false;
	if (r == 0)
		r = map_send(map);
	while (r == 0 && !map->has_more && !is_over(map) &&
		(map->filled > 0 || has_room(map, chunk_size(map)))) {
		if (since == 0) /* the clock is for who takes something */
			since = clock_now();
		r = take_chunk(map);
		if (r == 0)
			break;
		map->has_more = is_over_slice(map, clock_glance(&map->ruche->clock), since);
		if (r == 1)
			r = map_send(map);
	}
	map->is_slow = map->has_more && map->taken - taken < FEW_ITEMS;
	return r;
}
