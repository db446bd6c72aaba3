/* SPDX-License-Identifier: MIT */
#include "worker/chunk.h"

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
	size_t pairs_max;       /* with so many bytes the chunk ends */
	/* Of those that have ended, on the claim page; the last may still be in `item`. */
	struct returns_pairs pairs;
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

/* True: there is room for another one. */
static bool keep_pair(struct chunk *chunk)
{
	struct returns_pairs *pairs = &chunk->pairs;
	size_t len;
	const uint8_t *pair = task_item_pair(&chunk->item, &len);

	pairs->count++;
	if (!claim_partial_add(chunk->task->page, pair, len)) {
		pairs->last = pair;
		pairs->last_len = len;
		return false;
	}
	pairs->len += len;
	return pairs->len < chunk->pairs_max;
}

/* 1: there may be another one; 0: this was the last that fits, which has not ended; or -ENOMEM. */
static int take_item(struct chunk *chunk)
{
	int returned = run_item(chunk, &chunk->items[chunk->pairs.count]), r;

	if (returned != 0 || !task_item_is_complete(&chunk->item)) {
		r = task_complete(&chunk->item, returned);
		if (r < 0)
			return r;
	}
	if (!keep_pair(chunk))
		return 0;
	task_end(&chunk->item);
	return 1;
}

/* ---- all of them */

static int run_items(struct chunk *chunk)
{
	/* The exact time would take as long as a tiny item. */
	const uint64_t end = clock_tick() + CHUNK_TIME;
	int r;

	claim_partial_begin(chunk->task->page, chunk->task->seq);
	chunk->pairs.data = claim_partial_of(chunk->task->page)->bytes;
	if (stop_is_asked())
		return task_fail(chunk->task, RUCHE_CANCELLED, RUCHE_EXECUTED_NO,
			"the chunk was cancelled before its first item");
	do
		r = chunk->pairs.count < chunk->count ? take_item(chunk) : 0;
	while (r > 0 && !stop_is_asked() && clock_tick() < end);
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
		returns_pairs(task, &chunk.pairs);
	close_chunk(&chunk);
	return r;
}

const struct ruche_function chunk_functions[] = {
	{.name = "ruche.map", .run = chunk_run, .params = "function items [star]"},
	{0},
};
