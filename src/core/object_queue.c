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

void item_tree_free(struct object *queue, struct item_tree *tree)
{
	struct item *item;

	while ((item = item_tree_drain(tree)) != NULL)
		item_free(queue, item);
}

static void put_back(struct object_queue *queue, struct item *item)
{
	item_tree_add(&queue->back, item);
	queue->count++;
}

/* ---- who waits --------------------------------------------------------------------------------- */

/* Who puts more than there is room for goes on, and still waits, when others have taken something. */
void object_settle_queue(struct object *queue)
{
	uint64_t before;

	do {
		before = queue->queue.last_token;
		object_serve(queue, WANT_GET);
		object_serve(queue, WANT_PUT);
	} while (queue->queue.last_token != before);
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

/* Of those that are there, the oldest. */
static struct item *next_item(const struct object_queue *queue)
{
	struct item *back = item_tree_after(&queue->back, 0), *item = TAILQ_FIRST(&queue->items);

	return back != NULL && (item == NULL || back->token < item->token) ? back : item;
}

static void take(struct object_queue *queue, struct item *item, struct item_list *to)
{
	if (item_tree_remove(&queue->back, item->token) == NULL)
		TAILQ_REMOVE(&queue->items, item, link);
	TAILQ_INSERT_TAIL(to, item, link);
	queue->count--;
}

bool object_try_get(struct want *want, struct object_answer *answer)
{
	struct use *use = want->use;
	struct object_queue *queue = &use->object->queue;

	if (queue->count == 0) {
		answer->code = RUCHE_CLOSED;
		return queue->ended;
	}
	for (size_t len = 0; queue->count > 0 && answer->count < want->max; answer->count++) {
		struct item *item = next_item(queue);

		len += item_size(item);
		if (answer->count > 0 && len > want->max_len)
			break;
		take(queue, item, &want->items);
	}
	answer->first = TAILQ_FIRST(&want->items);
	if (!want->ack)
		use->taken += answer->count;
	return true;
}

bool object_try_join(struct want *want, struct object_answer *answer)
{
	answer->code = RUCHE_OK;
	return want->use->object->queue.unfinished == 0;
}

/* ---- what was taken ------------------------------------------------------------------------- */

void object_keep_items(struct want *want)
{
	struct use *use = want->use;
	struct item *item;

	while ((item = TAILQ_FIRST(&want->items)) != NULL) {
		TAILQ_REMOVE(&want->items, item, link);
		item_tree_add(&use->unacked, item);
		use->unacked_count++;
	}
}

uint64_t object_settle_items(struct use *use, const uint64_t *tokens, size_t count, bool give_back)
{
	struct object_queue *queue = &use->object->queue;
	uint64_t settled = 0;

	for (size_t i = 0; i < count; i++) {
		struct item *item = item_tree_remove(&use->unacked, tokens[i]);

		if (item == NULL)
			continue;
		settled++;
		use->unacked_count--;
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

	queue->count += use->unacked_count;
	if (queue->back.root == NULL)
		queue->back = use->unacked;
	else
		while ((item = item_tree_drain(&use->unacked)) != NULL)
			item_tree_add(&queue->back, item);
	use->unacked = (struct item_tree){NULL};
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
