/* SPDX-License-Identifier: MIT */
#include "worker/chunk.h"

#include <errno.h>

#include "base/clock.h"
#include "wire/claim.h"
#include "worker/call.h"
#include "worker/returns.h"
#include "worker/stop.h"
#include "worker/task.h"

#define CHUNK_TIME (20 * CLOCK_MS)

enum {
	ANSWER_REST = 32, /* of the response, what is not a pair */
	ITEM_MIN = 4096,  /* a failure must fit, however short frames are */
};

struct chunk {
	struct ruche_task *task; /* the whole */
	const struct function *function;
	const msgpack_object *items; /* borrowed from the task's arguments */
	uint32_t count;
	bool star;
	struct ruche_task item; /* the one that runs */
	struct buf pairs;       /* of those that have ended */
	size_t pairs_max;       /* with so many bytes the chunk ends */
	uint32_t done;
};

static int chunk_run(struct ruche_task *task);

/* ---- what is asked for */

static int read_function(struct ruche_task *task, struct chunk *ret)
{
	const char *name;
	size_t len;

	if (ruche_arg_bytes(task, 0, &name, &len) < 0)
		return -1;
	ret->function = call_find(task, name, len);
	if (ret->function == NULL)
		return -1;
	if (ret->function->run == chunk_run)
		return ruche_refuse(task, "ruche.map: a chunk cannot be an item of a chunk");
	return 0;
}

static int read_items(struct ruche_task *task, struct chunk *ret)
{
	const msgpack_object *items = ruche_arg(task, 1);

	if (items->type != MSGPACK_OBJECT_ARRAY)
		return ruche_refuse(task, "ruche.map: items must be an array");
	ret->items = items->via.array.ptr;
	ret->count = items->via.array.size;
	if (ruche_arg_count(task) > 2 && ruche_arg_bool(task, 2, &ret->star) < 0)
		return -1;
	return 0;
}

/*
 * A result may be as long as one of a call, but for the pairs that may have come before it, so
 * that what has run is never lost because it does not fit.
 */
static int open_chunk(struct ruche_task *task, struct chunk *ret)
{
	const size_t frame_max = task->frame_max;
	size_t item_max;

	*ret = (struct chunk){.task = task};
	ret->pairs_max = frame_max / 4 < CLAIM_PARTIAL_MAX ? frame_max / 4 : CLAIM_PARTIAL_MAX;
	item_max = frame_max - ret->pairs_max;
	item_max = item_max > ANSWER_REST + ITEM_MIN ? item_max - ANSWER_REST : ITEM_MIN;
	if (read_function(task, ret) < 0 || read_items(task, ret) < 0)
		return -1;
	if (task_init_item(&ret->item, task, item_max) < 0)
		return task_fail(task, RUCHE_FAILED, RUCHE_EXECUTED_NO,
			"the worker has no memory for a chunk");
	return 0;
}

static void close_chunk(struct chunk *chunk)
{
	task_fini(&chunk->item);
	buf_fini(&chunk->pairs);
}

/* ---- one item */

static int run_item(struct chunk *chunk, const msgpack_object *object)
{
	struct ruche_task *item = &chunk->item;

	task_begin(item, chunk->task->seq);
	item->function = chunk->function;
	item->args = object;
	item->arg_count = 1;
	if (chunk->star && object->type != MSGPACK_OBJECT_ARRAY)
		return ruche_refuse(item, "ruche.map: each item must be an array of arguments");
	if (chunk->star) {
		item->args = object->via.array.ptr;
		item->arg_count = object->via.array.size;
	}
	return call_run(item);
}

/* 1: there is room for another one; 0: there is not; or -ENOMEM. */
static int keep_pair(struct chunk *chunk)
{
	const uint8_t *pair;
	size_t len;
	bool fits;

	pair = task_item_pair(&chunk->item, &len);
	fits = claim_partial_add(chunk->task->page, pair, len);
	if (buf_append(&chunk->pairs, pair, len) < 0)
		return -ENOMEM;
	chunk->done++;
	return fits && buf_len(&chunk->pairs) < chunk->pairs_max;
}

/* As keep_pair(). */
static int take_item(struct chunk *chunk)
{
	int returned = run_item(chunk, &chunk->items[chunk->done]);
	int r = task_complete(&chunk->item, returned);

	if (r == 0)
		r = keep_pair(chunk);
	task_end(&chunk->item);
	return r;
}

/* ---- all of them */

static int run_items(struct chunk *chunk)
{
	const uint64_t end = clock_now() + CHUNK_TIME;
	int r;

	claim_partial_begin(chunk->task->page, chunk->task->seq);
	if (stop_is_asked())
		return task_fail(chunk->task, RUCHE_CANCELLED, RUCHE_EXECUTED_NO,
			"the chunk was cancelled before its first item");
	do
		r = chunk->done < chunk->count ? take_item(chunk) : 0;
	while (r > 0 && !stop_is_asked() && clock_now() < end);
	if (r < 0)
		return task_fail(chunk->task, RUCHE_FAILED, RUCHE_EXECUTED_MAYBE,
			"the worker has no memory for the results of a chunk");
	return 0;
}

static int chunk_run(struct ruche_task *task)
{
	struct chunk chunk;
	int r;

	if (open_chunk(task, &chunk) < 0)
		return -1;
	r = run_items(&chunk);
	if (r == 0)
		returns_pairs(task, chunk.done, &chunk.pairs);
	close_chunk(&chunk);
	return r;
}

const struct ruche_function chunk_functions[] = {
	{.name = "ruche.map", .run = chunk_run, .params = "function items [star]"},
	{0},
};
