/* SPDX-License-Identifier: MIT */
/* object.h: queues. */
#include "core/object.h"

#include <stdlib.h>
#include <string.h>

/* ---- items ---------------------------------------------------------------------------------- */

/* Of memory. */
static size_t item_charge(size_t len)
{
	return sizeof(struct item) + len;
}

static size_t item_size(const struct item *item)
{
	return item_charge(item->len);
}

struct item *item_new(struct object *queue, const void *data, size_t len)
{
	struct item *item;

	if (!object_charge(queue, item_charge(len)))
		return NULL;
	item = malloc(item_charge(len));
	if (item == NULL) {
		object_discharge(queue, item_charge(len));
		return NULL;
	}
	item->len = len;
	memcpy(item->data, data, len);
	return item;
}

void item_free(struct object *queue, struct item *item)
{
	object_discharge(queue, item_size(item));
	free(item);
}

void items_free(struct object *queue, struct item_list *items)
{
	struct item *item;

	while ((item = TAILQ_FIRST(items)) != NULL) {
		TAILQ_REMOVE(items, item, link);
		item_free(queue, item);
	}
}

/* What was taken goes back to where it was, before all that was put after it. */
static void put_back(struct object_queue *queue, struct item *item)
{
	struct item *at;

	TAILQ_FOREACH (at, &queue->items, link)
		if (at->token > item->token)
			break;
	if (at == NULL)
		TAILQ_INSERT_TAIL(&queue->items, item, link);
	else
		TAILQ_INSERT_BEFORE(at, item, link);
	queue->count++;
}

/* ---- who waits --------------------------------------------------------------------------------- */

void object_settle_queue(struct object *queue)
{
	while (object_serve(queue, WANT_GET) || object_serve(queue, WANT_PUT))
		continue;
	object_serve(queue, WANT_JOIN);
}

static bool has_room(const struct object *object)
{
	return object->size == 0 || object->queue.count < object->size;
}

static void put(struct object_queue *queue, struct want *want)
{
	struct item *item = TAILQ_FIRST(&want->items);

	TAILQ_REMOVE(&want->items, item, link);
	item->token = ++queue->last_token;
	TAILQ_INSERT_TAIL(&queue->items, item, link);
	queue->count++;
	queue->unfinished++;
	want->done++;
}

bool object_try_put(struct want *want, struct object_answer *answer)
{
	struct object *object = want->use->object;

	if (object->queue.ended && !TAILQ_EMPTY(&want->items) && want->done == 0) {
		answer->code = RUCHE_CLOSED;
		return true;
	}
	while (!object->queue.ended && !TAILQ_EMPTY(&want->items) && has_room(object))
		put(&object->queue, want);
	answer->number = want->done;
	return TAILQ_EMPTY(&want->items) || object->queue.ended;
}

static void take(struct object_queue *queue, struct item_list *to)
{
	struct item *item = TAILQ_FIRST(&queue->items);

	TAILQ_REMOVE(&queue->items, item, link);
	TAILQ_INSERT_TAIL(to, item, link);
	queue->count--;
}

bool object_try_get(struct want *want, struct object_answer *answer)
{
	struct use *use = want->use;
	struct object_queue *queue = &use->object->queue;
	struct item_list *to = want->ack ? &use->unacked : &want->items;

	if (queue->count == 0) {
		answer->code = RUCHE_CLOSED;
		return queue->ended;
	}
	answer->first = TAILQ_FIRST(&queue->items);
	for (size_t len = 0; queue->count > 0 && answer->count < want->max; answer->count++) {
		len += item_size(TAILQ_FIRST(&queue->items));
		if (answer->count > 0 && len > want->max_len)
			break;
		take(queue, to);
	}
	if (want->ack)
		use->unacked_count += answer->count;
	else
		use->taken += answer->count;
	return true;
}

bool object_try_join(struct want *want, struct object_answer *answer)
{
	answer->code = RUCHE_OK;
	return want->use->object->queue.unfinished == 0;
}

/* ---- what was taken ------------------------------------------------------------------------- */

static struct item *remove_token(struct use *use, uint64_t token)
{
	struct item *item;

	TAILQ_FOREACH (item, &use->unacked, link)
		if (item->token == token)
			break;
	if (item == NULL)
		return NULL;
	TAILQ_REMOVE(&use->unacked, item, link);
	use->unacked_count--;
	return item;
}

uint64_t object_settle_items(struct use *use, const uint64_t *tokens, size_t count, bool give_back)
{
	struct object_queue *queue = &use->object->queue;
	uint64_t settled = 0;

	for (size_t i = 0; i < count; i++) {
		struct item *item = remove_token(use, tokens[i]);

		if (item == NULL)
			continue;
		settled++;
		if (give_back) {
			put_back(queue, item);
			continue;
		}
		item_free(use->object, item);
		queue->unfinished--;
	}
	object_settle_queue(use->object);
	return settled;
}

enum ruche_code object_task_done(struct use *use, uint64_t count)
{
	if (count > use->taken)
		return RUCHE_NOT_HELD;
	use->taken -= count;
	use->object->queue.unfinished -= count;
	object_settle_queue(use->object);
	return RUCHE_OK;
}

void object_give_back_items(struct use *use)
{
	struct object_queue *queue = &use->object->queue;
	struct item *item;

	while ((item = TAILQ_FIRST(&use->unacked)) != NULL) {
		TAILQ_REMOVE(&use->unacked, item, link);
		put_back(queue, item);
	}
	use->unacked_count = 0;
	queue->unfinished -= use->taken;
	use->taken = 0;
	object_settle_queue(use->object);
}

void object_end_queue(struct object *queue)
{
	queue->queue.ended = true;
	object_settle_queue(queue);
}
