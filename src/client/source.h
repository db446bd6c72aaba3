/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

/*
 * Where a map's items come from: the caller's function, or a packed array.  One item at a time can
 * be looked at before it is taken.
 */

#include <ruche/ruche.h>

#include "client/value.h"

struct source {
	struct ruche_items items; /* `next` is NULL: an array */
	struct piece rest;        /* of the array */
	size_t left;              /* elements in it */
	struct piece item;        /* the next, if has_item; borrowed */
	bool has_item;
	bool is_leaf;   /* nothing is nested in it */
	bool is_dry;    /* the caller has none just now */
	bool is_asking; /* inside the caller's function */
	bool ended;     /* there are no more after `item` */
	int error;      /* that ended it, a negative errno, or 0 */
};

/* Over the caller's function, which is copied. */
void source_init(struct source *source, const struct ruche_items *items);

/* Over one packed array, borrowed.  -EINVAL: it is none. */
int source_init_array(struct source *source, const void *data, size_t len);

bool source_ask(struct source *source); /* what follows, when there is no item */

/* Is there another item?  Asks for it, if it was not yet. */
static inline bool source_look(struct source *source)
{
	return source->has_item || source_ask(source);
}

/* The item has been taken. */
static inline void source_pass(struct source *source)
{
	source->has_item = false;
}

/* No more is asked for; an item that was is still there. */
void source_end(struct source *source);

#endif
