/* SPDX-License-Identifier: MIT */
#include "client/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/options.h"
#include "client/reply.h"
#include "client/request.h"

#define RUCHE_MAP "ruche.map"

enum { FEED_EVERY = 64 }; /* replies of one chunk */

/* ---- what becomes of chunks */

void map_add(struct ruche_map *map, struct chunk *chunk, struct chunk *after)
{
	if (after == NULL)
		TAILQ_INSERT_TAIL(&map->order, chunk, order);
	else
		TAILQ_INSERT_AFTER(&map->order, after, chunk, order);
}

void map_wait(struct ruche_map *map, struct chunk *chunk)
{
	chunk->state = CHUNK_WAITING;
	map->items_size += chunk->len;
	TAILQ_INSERT_HEAD(&map->waiting, chunk, queue);
}

void map_start(struct ruche_map *map, struct chunk *chunk, struct call *call)
{
	map_take_out(map, chunk);
	chunk->state = CHUNK_UNDER_WAY;
	chunk->call = call;
	call->brings_pairs = chunk->count > 1;
	calls_own(&map->ruche->calls, call, &map_calls, chunk);
	map->items_size += chunk->len;
	map->under_way += chunk->count;
	if (map->calls++ == 0)
		pace_start(&map->pace, clock_now());
}

void map_end(struct ruche_map *map, struct chunk *chunk)
{
	chunk->state = CHUNK_ENDED;
	chunk->size = reply_size(chunk->reply);
	chunk_forget_items(chunk);
	map->replies_size += chunk->size;
	TAILQ_INSERT_TAIL(&map->ended, chunk, queue);
}

void map_excuse(struct ruche_map *map, struct chunk *chunk, struct chunk_excuse excuse)
{
	map_take_out(map, chunk);
	chunk->excuse = excuse;
	map_end(map, chunk);
}

static void take_from_under_way(struct ruche_map *map, struct chunk *chunk)
{
	map->items_size -= chunk->len;
	map->under_way -= chunk->count;
	if (--map->calls == 0)
		pace_stop(&map->pace, clock_now());
	chunk->call = NULL;
}

void map_take_out(struct ruche_map *map, struct chunk *chunk)
{
	if (chunk->state == CHUNK_WAITING) {
		map->items_size -= chunk->len;
		TAILQ_REMOVE(&map->waiting, chunk, queue);
	} else if (chunk->state == CHUNK_UNDER_WAY) {
		take_from_under_way(map, chunk);
	} else if (chunk->state == CHUNK_ENDED) {
		map->replies_size -= chunk->size;
		TAILQ_REMOVE(&map->ended, chunk, queue);
	}
	chunk->state = CHUNK_NEW;
}

static void remove_chunk(struct ruche_map *map, struct chunk *chunk)
{
	map_take_out(map, chunk);
	TAILQ_REMOVE(&map->order, chunk, order);
	chunk_free(chunk);
}

/* ---- the beginning */

/* "pool/function": chunks of it are run by "pool/ruche.map".  NULL: no memory. */
static char *make_method(const char *function)
{
	const char *slash = strchr(function, '/');
	size_t pool_len = slash == NULL ? 0 : (size_t)(slash + 1 - function);
	char *method = malloc(pool_len + sizeof(RUCHE_MAP));

	if (method == NULL)
		return NULL;
	memcpy(method, function, pool_len);
	strcpy(method + pool_len, RUCHE_MAP);
	return method;
}

static void free_map(struct ruche_map *map)
{
	struct chunk *chunk;

	while ((chunk = TAILQ_FIRST(&map->order)) != NULL)
		remove_chunk(map, chunk);
	buf_fini(&map->filling);
	free(map->function);
	free(map->method);
	free(map->options);
	free(map);
}

static int init_map(struct ruche_map *map, struct ruche *ruche,
	const struct ruche_map_options *options, const char *function)
{
	map->ruche = ruche;
	TAILQ_INIT(&map->order);
	TAILQ_INIT(&map->waiting);
	TAILQ_INIT(&map->ended);
	pace_init(&map->pace);
	map->function = strdup(function);
	map->method = make_method(function);
	map->options = options_copy(options->call);
	if (map->function == NULL || map->method == NULL ||
		(options->call != NULL && map->options == NULL))
		return -ENOMEM;
	map->is_star = options->star;
	map->is_unordered = options->unordered;
	map->window = options->window;
	map->chunk = options->chunk;
	map->is_single = strlen(map->method) > SCAN_METHOD_MAX ||
			 (options->chunk == 0 && options_are_for_one(options->call));
	return 0;
}

static int check_map(const struct ruche *ruche, const void *ret, const char *function)
{
	if (ruche == NULL || ret == NULL || function == NULL)
		return -EINVAL;
	if (*function == '\0' || strlen(function) > SCAN_METHOD_MAX)
		return -EINVAL;
	return ruche->broken || ruche->send_error < 0 ? -ECONNRESET : 0;
}

static int create(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function, const struct source *source)
{
	static const struct ruche_map_options defaults;
	struct ruche_map *map;
	int r = check_map(ruche, ret, function);

	if (r < 0)
		return r;
	map = calloc(1, sizeof(*map));
	if (map == NULL)
		return -ENOMEM;
	map->source = *source;
	r = init_map(map, ruche, options == NULL ? &defaults : options, function);
	if (r < 0)
		free_map(map);
	else
		*ret = map;
	return r;
}

int ruche_imap(struct ruche *ruche, struct ruche_map **ret, const struct ruche_map_options *options,
	const char *function, const struct ruche_items *items)
{
	struct source source;

	if (items == NULL || items->next == NULL)
		return -EINVAL;
	source_init(&source, items);
	return create(ruche, ret, options, function, &source);
}

int ruche_imap_unordered(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function,
	const struct ruche_items *items)
{
	int r = ruche_imap(ruche, ret, options, function, items);

	if (r == 0)
		(*ret)->is_unordered = true;
	return r;
}

int map_new_over_array(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len)
{
	struct source source;
	int r = items == NULL ? -EINVAL : source_init_array(&source, items, items_len);

	return r < 0 ? r : create(ruche, ret, options, function, &source);
}

int ruche_map_async(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len)
{
	struct ruche_map *map;
	int r;

	if (ret == NULL)
		return -EINVAL;
	r = map_new_over_array(ruche, &map, options, function, items, items_len);
	if (r < 0)
		return r;
	map->is_eager = true;
	if (map->window == 0)
		map->window = SIZE_MAX;
	(void)map_feed(map); /* should there be no memory now, ruche_map_next() sees to it */
	*ret = map;
	return 0;
}

/* ---- replies */

/* Nothing is left to hand out. */
static int finish(const struct ruche_map *map)
{
	return map->source.error < 0 ? map->source.error : -ENOENT;
}

/* The chunk whose reply is the next; NULL: there is none yet. */
static struct chunk *find_ready(const struct ruche_map *map)
{
	struct chunk *chunk = TAILQ_FIRST(&map->order);

	if (map->is_unordered)
		return TAILQ_FIRST(&map->ended);
	return chunk != NULL && chunk->state == CHUNK_ENDED ? chunk : NULL;
}

static bool is_all_taken(const struct ruche_map *map)
{
	return map->source.ended && !map->source.has_item && map->filled == 0;
}

/* 1 or -ENOMEM. */
static int hand_out(
	struct ruche_map *map, struct chunk *chunk, size_t *ret_index, struct ruche_reply **ret)
{
	size_t index = chunk->first;
	struct ruche_reply *reply = chunk_take_reply(chunk);

	if (ret_index != NULL)
		*ret_index = index;
	if (reply == NULL)
		return -ENOMEM;
	if (chunk->count == 0)
		remove_chunk(map, chunk);
	map->given++;
	*ret = reply;
	return 1;
}

/* To look for room before its reply is handed out would gain nothing: a chunk of so many makes room for as many when it is handed out. */
static bool may_feed_later(const struct ruche_map *map, const struct chunk *ready)
{
	return map->is_slow || (ready->count > FEED_EVERY && ready->count % FEED_EVERY != 0);
}

/* Takes items in.  1; 0: there is no reply yet; or what ruche_map_next() says. */
static int feed_and_hand_out(struct ruche_map *map, size_t *ret_index, struct ruche_reply **ret)
{
	int r = map_feed(map);
	struct chunk *ready = find_ready(map);

	if (ready != NULL)
		return hand_out(map, ready, ret_index, ret);
	if (TAILQ_EMPTY(&map->order) && is_all_taken(map))
		return finish(map);
	return r < 0 ? r : 0;
}

/* The same, but items have to wait if that would keep a reply waiting which is here. */
static int step(struct ruche_map *map, size_t *ret_index, struct ruche_reply **ret)
{
	struct chunk *ready = find_ready(map);

	if (ready != NULL && may_feed_later(map, ready))
		return hand_out(map, ready, ret_index, ret);
	return feed_and_hand_out(map, ret_index, ret);
}

/* Nothing will come before the caller has another item. */
static bool waits_for_caller(const struct ruche_map *map)
{
	return map->source.is_dry && map->calls == 0 && TAILQ_EMPTY(&map->waiting);
}

int ruche_map_next(
	struct ruche_map *map, int timeout_ms, size_t *ret_index, struct ruche_reply **ret)
{
	uint64_t deadline;
	bool is_late = false;
	int r;

	if (map == NULL || ret == NULL)
		return -EINVAL;
	if (map->ruche->dispatching || map->source.is_asking)
		return -EBUSY;
	r = step(map, ret_index, ret);
	if (r != 0) {
		connection_send_due(map->ruche);
		return r;
	}
	deadline = connection_deadline(timeout_ms);
	while (r == 0 && !is_late && !waits_for_caller(map)) {
		r = connection_poll(map->ruche, map->has_more ? 0 : deadline);
		if (r > 0)
			r = connection_process(map->ruche);
		is_late = clock_now() >= deadline;
		if (r == 0)
			r = step(map, ret_index, ret);
	}
	return r;
}

int ruche_map_ready(const struct ruche_map *map)
{
	if (map == NULL)
		return -EINVAL;
	return map->calls == 0 && TAILQ_EMPTY(&map->waiting) && is_all_taken(map);
}

/* ---- the end */

static void cancel_calls(struct ruche_map *map)
{
	struct chunk *chunk;

	TAILQ_FOREACH (chunk, &map->order, order)
		if (chunk->call != NULL && !chunk->is_cancelled)
			chunk->is_cancelled = request_cancel(map->ruche, chunk->call->id, 0) == 0;
	connection_send(map->ruche);
}

void ruche_map_cancel(struct ruche_map *map)
{
	if (map == NULL)
		return;
	map->is_cancelled = true;
	cancel_calls(map);
	(void)map_feed(map);
}

void ruche_map_free(struct ruche_map *map)
{
	struct chunk *chunk;

	if (map == NULL)
		return;
	cancel_calls(map);
	TAILQ_FOREACH (chunk, &map->order, order)
		if (chunk->call != NULL)
			calls_drop(&map->ruche->calls, chunk->call);
	free_map(map);
}
