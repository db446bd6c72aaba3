/* SPDX-License-Identifier: MIT */
#include "core/item_tree.h"

/* As good as by chance: who is above whom. */
static uint64_t rank(const struct item *item)
{
	uint64_t x = item->token * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 32;
	return x * UINT64_C(0xd6e8feb86659fd93);
}

/* All below this token to the left. */
static void split(struct item *tree, uint64_t token, struct item *ret[2])
{
	struct item **left = &ret[0], **right = &ret[1];

	while (tree != NULL) {
		bool is_left = tree->token < token;
		struct item ***side = is_left ? &left : &right;

		**side = tree;
		*side = &tree->below[is_left];
		tree = **side;
	}
	*left = *right = NULL;
}

/* All of the one are below all of the other. */
static struct item *join(struct item *left, struct item *right)
{
	struct item *root, **at = &root;

	while (left != NULL && right != NULL) {
		bool is_left = rank(left) > rank(right);
		struct item **above = is_left ? &left : &right;

		*at = *above;
		at = &(*above)->below[is_left];
		*above = *at;
	}
	*at = left != NULL ? left : right;
	return root;
}

void item_tree_add(struct item_tree *tree, struct item *item)
{
	uint64_t own = rank(item);
	struct item **at = &tree->root;

	while (*at != NULL && rank(*at) > own)
		at = &(*at)->below[(*at)->token < item->token];
	split(*at, item->token, item->below);
	*at = item;
}

struct item *item_tree_remove(struct item_tree *tree, uint64_t token)
{
	struct item **at = &tree->root, *item;

	while (*at != NULL && (*at)->token != token)
		at = &(*at)->below[(*at)->token < token];
	item = *at;
	if (item != NULL)
		*at = join(item->below[0], item->below[1]);
	return item;
}

/* What is above its smaller ones is put below them, to the right, which nothing has to be weighed for. */
struct item *item_tree_drain(struct item_tree *tree)
{
	struct item *at = tree->root, *smaller;

	if (at == NULL)
		return NULL;
	while ((smaller = at->below[0]) != NULL) {
		at->below[0] = smaller->below[1];
		smaller->below[1] = at;
		at = smaller;
	}
	tree->root = at->below[1];
	return at;
}

struct item *item_tree_after(const struct item_tree *tree, uint64_t token)
{
	struct item *found = NULL;

	for (struct item *at = tree->root; at != NULL;) {
		bool is_after = at->token > token;

		if (is_after)
			found = at;
		at = at->below[!is_after];
	}
	return found;
}
