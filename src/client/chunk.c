/* SPDX-License-Identifier: MIT */
#include "client/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/reply.h"
#include "wire/scan.h"
#include "wire/scan_head.h"

/* ---- items */

static struct packed *packed_new(struct piece items)
{
	struct packed *packed = malloc(sizeof(*packed) + items.len);

	if (packed == NULL)
		return NULL;
	packed->refs = 1;
	if (items.len > 0)
		memcpy(packed->data, items.data, items.len);
	return packed;
}

static void packed_unref(struct packed *packed)
{
	if (packed != NULL && --packed->refs == 0)
		free(packed);
}

struct chunk *chunk_new(struct ruche_map *map, size_t first, size_t count, struct piece items)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (chunk == NULL)
		return NULL;
	chunk->packed = packed_new(items);
	if (chunk->packed == NULL) {
		free(chunk);
		return NULL;
	}
	chunk->map = map;
	chunk->first = first;
	chunk->count = count;
	chunk->len = items.len;
	return chunk;
}

/* The bytes of its first `count` items. */
static size_t measure(const struct chunk *chunk, size_t count)
{
	size_t at = 0, len = 0;

	if (count >= chunk->count)
		return chunk->len;
	for (; count > 0; count--, at += len) {
		int r = scan_value(chunk->packed->data + chunk->off + at, chunk->len - at, &len);

		assert(r == 0); /* each was looked at when it came */
		(void)r;
	}
	return at;
}

struct chunk *chunk_slice(const struct chunk *chunk, size_t from, size_t count)
{
	struct chunk *slice = calloc(1, sizeof(*slice));
	size_t off = measure(chunk, from);

	if (slice == NULL)
		return NULL;
	slice->map = chunk->map;
	slice->first = chunk->first + from;
	slice->count = count;
	slice->packed = chunk->packed;
	slice->packed->refs++;
	slice->off = chunk->off + off;
	slice->has_nested = chunk->has_nested;
	slice->len = measure(chunk, from + count) - off;
	return slice;
}

void chunk_cut(struct chunk *chunk, size_t count)
{
	chunk->len = measure(chunk, count);
	chunk->count = count;
}

void chunk_forget_items(struct chunk *chunk)
{
	packed_unref(chunk->packed);
	chunk->packed = NULL;
}

void chunk_free(struct chunk *chunk)
{
	if (chunk == NULL)
		return;
	chunk_forget_items(chunk);
	ruche_reply_free(chunk->reply);
	free(chunk);
}

/* ---- replies */

static struct ruche_reply *make_excuse(const struct chunk *chunk)
{
	const struct chunk_excuse *excuse = &chunk->excuse;

	return reply_new_own(0, excuse->code, excuse->executed, excuse->message);
}

/* The last item gets the reply itself. */
static struct ruche_reply *take_alike(struct chunk *chunk)
{
	struct ruche_reply *reply = chunk->reply;

	if (chunk->count > 1)
		return reply_copy(reply);
	chunk->reply = NULL;
	return reply;
}

/* The rest of the answer cannot be followed any more. */
static struct ruche_reply *refuse_pairs(struct chunk *chunk)
{
	chunk->excuse = (struct chunk_excuse){RUCHE_PROTOCOL, RUCHE_EXECUTED_MAYBE,
		"the answer to a chunk has no pair for this item"};
	ruche_reply_free(chunk->reply);
	chunk->reply = NULL;
	return make_excuse(chunk);
}

/* The result of the pair of an item that is done, if that is short and plain as most are; NULL: look at it more closely. */
static const uint8_t *find_result(const uint8_t *pair, const uint8_t *end, const uint8_t **ret_end)
{
	if (end - pair < 3 || pair[0] != 0x92 || pair[1] != 0xc0)
		return NULL;
	*ret_end = scan_leaf(pair + 2, end);
	return *ret_end == NULL ? NULL : pair + 2;
}

static struct ruche_reply *take_any_pair(struct chunk *chunk, struct piece rest)
{
	struct ruche_reply *reply;
	struct piece parts[2];

	if (value_split(rest, 2, parts) < 0)
		return refuse_pairs(chunk);
	reply = value_is_nil(parts[0]) ? reply_new_result(0, parts[1].data, parts[1].len)
				       : reply_new_error(0, parts[0].data, parts[0].len);
	if (reply != NULL)
		chunk->at += (size_t)(parts[1].data + parts[1].len - rest.data);
	return reply;
}

static struct ruche_reply *take_pair(struct chunk *chunk)
{
	const struct piece pairs = reply_piece(chunk->reply);
	const uint8_t *at = pairs.data + chunk->at, *end = pairs.data + pairs.len, *result_end;
	const uint8_t *result = find_result(at, end, &result_end);
	struct ruche_reply *reply;

	if (result == NULL)
		return take_any_pair(chunk, (struct piece){at, (size_t)(end - at)});
	reply = reply_new_result(0, result, (size_t)(result_end - result));
	if (reply != NULL)
		chunk->at += (size_t)(result_end - at);
	return reply;
}

struct ruche_reply *chunk_take_reply(struct chunk *chunk)
{
	struct ruche_reply *reply;

	if (chunk->reply == NULL)
		reply = make_excuse(chunk);
	else
		reply = chunk->is_pairs ? take_pair(chunk) : take_alike(chunk);
	if (reply == NULL)
		return NULL;
	chunk->first++;
	chunk->count--;
	return reply;
}
