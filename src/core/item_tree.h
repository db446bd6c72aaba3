/* SPDX-License-Identifier: MIT */
#ifndef CORE_ITEM_TREE_H
#define CORE_ITEM_TREE_H

/*
 * Items of a queue that were taken, by their tokens: those that somebody still has, and those that have come back.  There may be
 * millions, and they are asked for in any order, so each costs a logarithm: a treap (C. Aragon, R. Seidel, 1989), whose nodes are the
 * items themselves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct item {
	union {
		TAILQ_ENTRY(item) link;
		struct item *below[2]; /* in a tree: smaller and larger tokens */
	};
	uint64_t token; /* in the order of putting, from 1 on */
	size_t len;
	uint8_t data[];
};

TAILQ_HEAD(item_list, item);

struct item_tree {
	struct item *root;
};

/* It is in no list, and none has its token. */
void item_tree_add(struct item_tree *tree, struct item *item);
/* NULL: there is none of this token. */
struct item *item_tree_remove(struct item_tree *tree, uint64_t token);
/*
 * Removes the smallest; NULL: it is empty.  Many times faster, but until then it is a tree for nothing else: where all are to go.
 */
struct item *item_tree_drain(struct item_tree *tree);
/* That of the smallest token above this one, 0: of all; NULL: there is none. */
struct item *item_tree_after(const struct item_tree *tree, uint64_t token);

#endif
