/* SPDX-License-Identifier: MIT */

/* What became of a chunk's call. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/map.h"
#include "client/reply.h"
#include "wire/message.h"

/* How far a chunk came. */
struct outcome {
	size_t done;               /* items that have a pair ... */
	struct ruche_reply *pairs; /* ... in this array; NULL if it is none */
	struct ruche_reply *error; /* of the item behind them; NULL: that was not started either */
};

/*
 * Takes the outcome, or -ENOMEM and nothing has changed.  The items that have ended stay in the
 * chunk, the one with the error gets one of its own, those that were not started wait.
 */
static int end_in_parts(struct chunk *chunk, const struct outcome *outcome)
{
	struct ruche_map *map = chunk->map;
	size_t begun = outcome->done + (outcome->error != NULL);
	bool has_failed = outcome->done > 0 && outcome->error != NULL;
	bool has_rest = begun < chunk->count;
	struct chunk *failed = has_failed ? chunk_slice(chunk, outcome->done, 1) : NULL;
	struct chunk *rest = has_rest ? chunk_slice(chunk, begun, chunk->count - begun) : NULL;

	if (has_failed != (failed != NULL) || has_rest != (rest != NULL)) {
		chunk_free(failed);
		chunk_free(rest);
		return -ENOMEM;
	}
	map_take_out(map, chunk);
	chunk_cut(chunk, has_failed ? outcome->done : begun);
	chunk->is_pairs = outcome->done > 0;
	chunk->reply = chunk->is_pairs ? outcome->pairs : outcome->error;
	if (has_rest) {
		map_add(map, rest, chunk);
		map_wait(map, rest);
	}
	map_end(map, chunk);
	if (has_failed) {
		failed->reply = outcome->error;
		map_add(map, failed, chunk);
		map_end(map, failed);
	}
	return 0;
}

static int end_alike(struct chunk *chunk, struct ruche_reply *reply)
{
	if (reply == NULL)
		return -ENOMEM;
	map_take_out(chunk->map, chunk);
	chunk->reply = reply;
	map_end(chunk->map, chunk);
	return 0;
}

/* ---- answers */

/* How many elements are in an array; 0: it is none. */
static uint32_t count_elements(struct piece array, size_t *ret_head)
{
	uint32_t count;

	return scan_array(array.data, array.len, &count, ret_head) < 0 ? 0 : count;
}

/* `done` pairs, and the error of the next item, which may be NULL and is taken. */
static int end_by_pairs(
	struct chunk *chunk, struct piece pairs, size_t done, struct ruche_reply *error)
{
	struct outcome outcome = {.done = done, .error = error};
	int r = 0;

	if (done > 0) {
		outcome.pairs = reply_new_result(0, pairs.data, pairs.len);
		r = outcome.pairs == NULL ? -ENOMEM : 0;
	}
	if (r == 0)
		r = end_in_parts(chunk, &outcome);
	if (r < 0) {
		ruche_reply_free(outcome.pairs);
		ruche_reply_free(error);
	}
	return r;
}

static int end_by_result(struct chunk *chunk, struct piece result)
{
	static const struct chunk_excuse nonsense = {RUCHE_PROTOCOL, RUCHE_EXECUTED_MAYBE,
		"the answer to a chunk is not an array of pairs"};
	uint32_t done = count_elements(result, &chunk->at);

	if (done >= 1 && done <= chunk->count)
		return end_by_pairs(chunk, result, done, NULL);
	map_excuse(chunk->map, chunk, nonsense);
	return 0;
}

/* The error without what it has in `partial`, which may be long.  NULL: no memory. */
static struct ruche_reply *make_error(struct piece error, struct piece partial)
{
	size_t before = (size_t)(partial.data - error.data);
	size_t after = error.len - before - partial.len;
	uint8_t *copy = malloc(before + 1 + after);
	struct ruche_reply *reply;

	if (copy == NULL)
		return NULL;
	memcpy(copy, error.data, before);
	copy[before] = 0xc0;
	memcpy(copy + before + 1, partial.data + partial.len, after);
	reply = reply_new_error(0, copy, before + 1 + after);
	free(copy);
	return reply;
}

/* The daemon tells which items had ended: the next one is to blame, the others never started. */
static int end_by_partial(struct chunk *chunk, struct piece error, struct piece partial)
{
	uint32_t done = count_elements(partial, &chunk->at);
	struct ruche_reply *reply;

	if (done == chunk->count)
		return end_by_pairs(chunk, partial, done, NULL);
	reply = make_error(error, partial);
	return reply == NULL ? -ENOMEM : end_by_pairs(chunk, partial, done, reply);
}

/* Its pool does not know chunks. */
static bool is_not_known(const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);

	return error->code == RUCHE_UNKNOWN_FUNCTION && error->executed == RUCHE_EXECUTED_NO;
}

static int end_by_error(struct chunk *chunk, struct piece error)
{
	struct ruche_reply *reply;
	struct piece partial;
	uint32_t done;
	size_t head;

	if (chunk->count > 1 && value_find(error, "partial", &partial) == 0 &&
		scan_array(partial.data, partial.len, &done, &head) == 0 && done <= chunk->count)
		return end_by_partial(chunk, error, partial);
	reply = reply_new_error(0, error.data, error.len);
	if (reply == NULL || chunk->count == 1 || !is_not_known(reply))
		return end_alike(chunk, reply);
	ruche_reply_free(reply);
	chunk->map->is_single = true;
	map_take_out(chunk->map, chunk);
	map_wait(chunk->map, chunk);
	return 0;
}

/* ---- the owner of a map's calls */

static void look_at_pace(struct ruche_map *map, size_t items)
{
	if (map->chunk == 0 && !map->is_single && pace_count(&map->pace, items))
		pace_look(&map->pace, clock_now());
}

static int on_end(struct call *call, struct piece error, struct piece result)
{
	struct chunk *chunk = call->owner_data;
	struct ruche_map *map = chunk->map;
	size_t under_way = map->under_way;
	int r;

	if (!value_is_nil(error))
		r = end_by_error(chunk, error);
	else if (chunk->count == 1)
		r = end_alike(chunk, reply_new_result(0, result.data, result.len));
	else
		r = end_by_result(chunk, result);
	if (r < 0)
		return r;
	look_at_pace(map, under_way - map->under_way);
	/* Should there be no memory now, the next answer or ruche_map_next() sees to it. */
	(void)(map->is_eager ? map_feed(map) : map_send(map));
	return 0;
}

static void on_lost(struct call *call, bool was_sent)
{
	struct chunk *chunk = call->owner_data;
	struct ruche_map *map = chunk->map;
	const struct chunk_excuse lost = {RUCHE_DISCONNECTED,
		was_sent ? RUCHE_EXECUTED_MAYBE : RUCHE_EXECUTED_NO, map->ruche->why};

	map_excuse(map, chunk, lost);
	(void)(map->is_eager ? map_feed(map) : map_send(map));
}

const struct call_owner map_calls = {on_end, on_lost};
