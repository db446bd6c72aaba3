/* SPDX-License-Identifier: MIT */
#include "cli/items.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <ruche/ruche.h>

int items_init(struct items *items, size_t window)
{
	*items = (struct items){
		.window = window,
		.all = calloc(window, sizeof(*items->all)),
		.hash = calloc(window, sizeof(*items->hash)),
		.order = calloc(window, sizeof(*items->order)),
	};
	if (items->all == NULL || items->hash == NULL || items->order == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < window; i++) {
		items->all[i].next = items->free;
		items->free = &items->all[i];
	}
	return 0;
}

void items_fini(struct items *items)
{
	for (size_t i = 0; items->all != NULL && i < items->window; i++)
		ruche_reply_free(items->all[i].reply);
	free(items->all);
	free(items->hash);
	free(items->order);
	*items = (struct items){0};
}

struct item *items_add(struct items *items, size_t size)
{
	struct item *item = items->free;

	assert(item != NULL);
	items->free = item->next;
	items->used++;
	items->bytes += size;
	*item = (struct item){.index = ++items->added, .size = size};
	items->order[item->index % items->window] = item;
	return item;
}

static struct item **bucket(const struct items *items, uint64_t key)
{
	return &items->hash[key % items->window];
}

void items_bind(struct items *items, struct item *item, uint64_t key)
{
	item->key = key;
	item->is_open = true;
	item->next = *bucket(items, key);
	*bucket(items, key) = item;
}

struct item *items_take(struct items *items, uint64_t key)
{
	for (struct item **at = bucket(items, key); *at != NULL; at = &(*at)->next) {
		struct item *item = *at;

		if (item->key != key)
			continue;
		*at = item->next;
		item->is_open = false;
		return item;
	}
	return NULL;
}

struct item *items_first(const struct items *items)
{
	return items->used > 0 ? items->order[(items->released + 1) % items->window] : NULL;
}

void items_release(struct items *items, struct item *item)
{
	ruche_reply_free(item->reply);
	items->bytes -= item->size;
	*item = (struct item){.next = items->free};
	items->free = item;
	items->used--;
	items->released++;
}

struct item *items_next_open(const struct items *items, size_t *at)
{
	while (*at < items->window) {
		struct item *item = &items->all[(*at)++];

		if (item->is_open)
			return item;
	}
	return NULL;
}
