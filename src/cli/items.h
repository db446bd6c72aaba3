/* SPDX-License-Identifier: MIT */
#ifndef CLI_ITEMS_H
#define CLI_ITEMS_H

/*
 * The window of `map`: the lines that were taken in and whose results were not yet given
 * out, found by what their reply will be known by, and in the order of the input.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ruche_reply;

struct item {
	uint64_t index;            /* of the line, from 1 */
	uint64_t key;              /* that its reply has */
	size_t size;               /* of the line */
	bool is_open;              /* its reply is to come */
	struct ruche_reply *reply; /* owned; NULL until it came */
	const char *complaint;     /* why nothing was called, or NULL */
	struct item *next;         /* free, or with the same hash */
};

struct items {
	size_t window, used;
	size_t bytes; /* of all lines */
	struct item *all, *free, **hash;
	struct item **order; /* order[index % window]: valid if no item is released early */
	uint64_t added, released;
};

int items_init(struct items *items, size_t window); /* 0 or -ENOMEM */
void items_fini(struct items *items);

/* A new one with the next index, for a line of `size` bytes.  Never more than `window`: asserted. */
struct item *items_add(struct items *items, size_t size);

/* Its reply will come: it can now be found, once. */
void items_bind(struct items *items, struct item *item, uint64_t key);
struct item *items_take(struct items *items, uint64_t key); /* NULL: there is none */

/* The one with the lowest index, if they are released in that order; NULL: there is none. */
struct item *items_first(const struct items *items);

/* Frees its reply, and its place. */
void items_release(struct items *items, struct item *item);

/* Each open call in turn; `*at` is 0 to begin with. NULL at the end. */
struct item *items_next_open(const struct items *items, size_t *at);

#endif
