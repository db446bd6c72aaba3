/* SPDX-License-Identifier: MIT */
/* Items by their tokens, beside a table that says which there are. */
#include <stdlib.h>

#include "check_core.h"

#include "core/item_tree.h"

enum { TOKENS = 1000, STEPS = 20000 };

static struct item_tree tree;
static struct item *all[TOKENS + 1]; /* by their tokens */
static bool is_in[TOKENS + 1];

static void set_up(void)
{
	tree.root = NULL;
	for (uint64_t token = 1; token <= TOKENS; token++) {
		all[token] = calloc(1, sizeof(struct item));
		all[token]->token = token;
		is_in[token] = false;
	}
}

static void tear_down(void)
{
	for (int token = 1; token <= TOKENS; token++)
		free(all[token]);
}

static void add(uint64_t token)
{
	item_tree_add(&tree, all[token]);
	is_in[token] = true;
}

static void remove_it(uint64_t token)
{
	ck_assert_ptr_eq(item_tree_remove(&tree, token), is_in[token] ? all[token] : NULL);
	is_in[token] = false;
}

/* From the first to the last, all that are in and no others. */
static void check_all(void)
{
	const struct item *item = item_tree_after(&tree, 0);

	for (int token = 1; token <= TOKENS; token++) {
		if (!is_in[token])
			continue;
		ck_assert_ptr_eq(item, all[token]);
		item = item_tree_after(&tree, item->token);
	}
	ck_assert_ptr_null(item);
}

static int depth_of(const struct item *item)
{
	int left, right;

	if (item == NULL)
		return 0;
	left = depth_of(item->below[0]);
	right = depth_of(item->below[1]);
	return 1 + (left > right ? left : right);
}

START_TEST(what_is_added_and_removed_in_any_order_stands_in_order)
{
	srand(1);
	for (int i = 0; i < STEPS; i++) {
		uint64_t token = 1 + (uint64_t)rand() % TOKENS;

		if (is_in[token] || rand() % 2)
			remove_it(token);
		else
			add(token);
		if (i % 100 == 0)
			check_all();
	}
	for (uint64_t token = 1; token <= TOKENS; token++)
		remove_it(token);
	ck_assert_ptr_null(tree.root);
}
END_TEST

START_TEST(all_that_goes_goes_in_order)
{
	const struct item *item;

	srand(2);
	for (int i = 0; i < STEPS; i++) {
		uint64_t token = 1 + (uint64_t)rand() % TOKENS;

		if (is_in[token])
			remove_it(token);
		else
			add(token);
	}
	for (int token = 1; token <= TOKENS; token++) {
		if (!is_in[token])
			continue;
		item = item_tree_drain(&tree);
		ck_assert_ptr_eq(item, all[token]);
	}
	ck_assert_ptr_null(tree.root);
}
END_TEST

START_TEST(empty_tree_has_nothing)
{
	ck_assert_ptr_null(item_tree_drain(&tree));
	ck_assert_ptr_null(item_tree_after(&tree, 0));
	ck_assert_ptr_null(item_tree_remove(&tree, 0));
	ck_assert_ptr_null(item_tree_remove(&tree, UINT64_MAX));
}
END_TEST

START_TEST(order_of_adding_does_not_make_it_deep)
{
	for (uint64_t i = 1; i <= TOKENS; i++)
		add(_i == 0 ? i : TOKENS + 1 - i);
	check_all();
	ck_assert_int_lt(depth_of(tree.root), 50);
	for (uint64_t token = 1; token <= TOKENS; token += 2)
		remove_it(token);
	check_all();
	ck_assert_int_lt(depth_of(tree.root), 50);
}
END_TEST

void add_core_item_tree(Suite *suite)
{
	TCase *tc = tcase_create("item tree");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_is_added_and_removed_in_any_order_stands_in_order);
	tcase_add_test(tc, all_that_goes_goes_in_order);
	tcase_add_test(tc, empty_tree_has_nothing);
	tcase_add_loop_test(tc, order_of_adding_does_not_make_it_deep, 0, 2);
	suite_add_tcase(suite, tc);
}
