/* SPDX-License-Identifier: MIT */
/* What waits, and in which order it gets a worker. */
#include "check_core.h"

#include <stdlib.h>

#include "core/queue.h"

enum { CLIENTS = 4 };

static struct task_table tasks;
static struct queue queue;
static struct queue_client clients[CLIENTS];

static void set_up(void)
{
	task_table_init(&tasks);
	queue_init(&queue);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = (struct queue_client){0};
}

static void tear_down(void)
{
	for (int i = 0; i < CLIENTS; i++)
		queue_client_fini(&clients[i]);
	task_table_fini(&tasks);
}

/* msgid tells who is who: the client's number, then a count of its own. */
static struct task *make(struct queue_client *client, int priority, uint32_t msgid)
{
	struct task *task = task_new(&tasks);

	task->flow = queue_flow(&queue, client, priority);
	task->msgid = msgid;
	return task;
}

static struct task *push(int client, int priority, uint32_t msgid)
{
	struct task *task = make(&clients[client], priority, msgid);

	queue_push(task);
	return task;
}

static struct task *take(void)
{
	struct task *task = queue_first(&queue);

	if (task != NULL)
		queue_take(task);
	return task;
}

static void assert_order(const uint32_t *expected, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct task *task = take();

		ck_assert_ptr_nonnull(task);
		ck_assert_uint_eq(task->msgid, expected[i]);
	}
	ck_assert_ptr_null(take());
	ck_assert_uint_eq(queue.count, 0);
}

#define ASSERT_ORDER(...)                                                                          \
	do {                                                                                       \
		static const uint32_t order[] = {__VA_ARGS__};                                     \
		assert_order(order, COUNT(order));                                                 \
	} while (0)

START_TEST(tasks_that_come_back_have_their_order_again)
{
	static const int orders[][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct task *gone[3];

	for (uint32_t i = 0; i < 4; i++)
		push(0, 0, 10 + i);
	for (int i = 0; i < 3; i++)
		gone[i] = take();
	for (int i = 0; i < 3; i++)
		queue_return(gone[orders[_i][i]]);
	assert_order((const uint32_t[]){10, 11, 12, 13}, 4);
}
END_TEST

START_TEST(turn_may_be_several_tasks)
{
	queue.burst = 2;
	for (uint32_t i = 0; i < 3; i++) {
		push(0, 0, 10 + i);
		push(1, 0, 20 + i);
	}
	assert_order((const uint32_t[]){10, 11, 20, 21, 12, 22}, 6);
}
END_TEST

START_TEST(turn_that_ended_early_does_not_go_on_later)
{
	queue.burst = 2;
	push(0, 0, 10);
	push(1, 0, 20);
	ck_assert_uint_eq(take()->msgid, 10);
	push(0, 0, 11);
	push(0, 0, 12);
	push(0, 0, 13);
	assert_order((const uint32_t[]){20, 11, 12, 13}, 4);
}
END_TEST

START_TEST(empty_queue_has_no_first)
{
	ck_assert_ptr_null(queue_first(&queue));
	queue_flow(&queue, &clients[0], 0);
	ck_assert_ptr_null(queue_first(&queue));
}
END_TEST

START_TEST(one_client_is_served_in_its_order)
{
	for (uint32_t i = 0; i < 5; i++)
		push(0, 0, i);
	ASSERT_ORDER(0, 1, 2, 3, 4);
}
END_TEST

START_TEST(clients_take_turns_however_much_one_has)
{
	for (uint32_t i = 0; i < 4; i++)
		push(0, 0, i);
	push(1, 0, 10);
	push(1, 0, 11);
	push(2, 0, 20);
	ASSERT_ORDER(0, 10, 20, 1, 11, 2, 3);
}
END_TEST

START_TEST(who_comes_later_has_its_turn_after_one_task_of_each)
{
	for (uint32_t i = 0; i < 4; i++)
		push(0, 0, i);
	ck_assert_uint_eq(take()->msgid, 0);
	push(1, 0, 10);
	ASSERT_ORDER(1, 10, 2, 3);
}
END_TEST

START_TEST(higher_priority_goes_first_and_turns_are_within_one)
{
	push(0, 0, 1);
	push(0, QUEUE_PRIORITY_MIN, 2);
	push(1, QUEUE_PRIORITY_MAX, 3);
	push(1, 0, 4);
	push(0, QUEUE_PRIORITY_MAX, 5);
	push(1, QUEUE_PRIORITY_MAX, 6);
	ASSERT_ORDER(3, 5, 6, 1, 4, 2);
}
END_TEST

START_TEST(every_priority_has_its_place)
{
	for (int i = QUEUE_PRIORITY_MIN; i <= QUEUE_PRIORITY_MAX; i++)
		push(0, i, (uint32_t)(i - QUEUE_PRIORITY_MIN));
	for (uint32_t i = QUEUE_LEVELS; i-- > 0;)
		ck_assert_uint_eq(take()->msgid, i);
}
END_TEST

START_TEST(what_comes_back_is_the_next_before_all_other_clients)
{
	struct task *task;

	push(0, 0, 1);
	push(1, 0, 10);
	push(2, 0, 20);
	task = take();
	ck_assert_uint_eq(task->msgid, 1);
	queue_return(task);
	ASSERT_ORDER(1, 10, 20);
}
END_TEST

START_TEST(what_comes_back_is_the_next_though_it_is_anothers_turn)
{
	struct task *task;

	push(0, 0, 1);
	push(0, 0, 2);
	push(1, 0, 10);
	task = take();
	queue_return(task);
	ASSERT_ORDER(1, 10, 2);
}
END_TEST

START_TEST(many_that_come_back_last_first_keep_their_order)
{
	struct task *back[3];

	for (uint32_t i = 0; i < 5; i++)
		push(0, 0, i);
	for (int i = 0; i < 3; i++)
		back[i] = take();
	for (int i = 3; i-- > 0;)
		queue_return(back[i]);
	ASSERT_ORDER(0, 1, 2, 3, 4);
}
END_TEST

START_TEST(removed_task_is_passed_over_and_an_empty_client_has_no_turn)
{
	struct task *first = push(0, 0, 1), *only = push(1, 0, 10);

	push(0, 0, 2);
	push(2, 0, 20);
	queue_remove(only);
	queue_remove(first);
	ASSERT_ORDER(2, 20);
}
END_TEST

START_TEST(held_client_takes_no_turns_but_keeps_its_tasks)
{
	push(0, 0, 1);
	push(0, 3, 2);
	push(1, 0, 10);
	queue_hold(&clients[0], QUEUE_HOLD_UNREAD);
	push(0, 0, 3);
	ck_assert_uint_eq(queue.count, 4);
	ck_assert_uint_eq(take()->msgid, 10);
	ck_assert_ptr_null(take());
	queue_release(&clients[0], QUEUE_HOLD_UNREAD);
	ASSERT_ORDER(2, 1, 3);
}
END_TEST

START_TEST(client_is_held_until_no_reason_is_left)
{
	push(0, 0, 1);
	queue_hold(&clients[0], QUEUE_HOLD_UNREAD);
	queue_hold(&clients[0], QUEUE_HOLD_USER);
	queue_hold(&clients[0], QUEUE_HOLD_USER);
	queue_release(&clients[0], QUEUE_HOLD_UNREAD);
	ck_assert_ptr_null(queue_first(&queue));
	queue_release(&clients[0], QUEUE_HOLD_USER);
	ASSERT_ORDER(1);
}
END_TEST

START_TEST(what_comes_back_to_a_held_client_waits_with_it)
{
	struct task *task;

	push(0, 0, 1);
	push(1, 0, 10);
	task = take();
	queue_hold(&clients[0], QUEUE_HOLD_UNREAD);
	queue_return(task);
	ck_assert_uint_eq(take()->msgid, 10);
	ck_assert_ptr_null(take());
	queue_remove(task); /* a held client's task can be cancelled */
	queue_release(&clients[0], QUEUE_HOLD_UNREAD);
	ck_assert_ptr_null(take());
}
END_TEST

START_TEST(queues_of_two_pools_know_nothing_of_each_other)
{
	struct queue other;
	struct task *task = task_new(&tasks);

	queue_init(&other);
	push(0, 0, 1);
	task->flow = queue_flow(&other, &clients[0], 0);
	queue_push(task);
	ck_assert_ptr_eq(queue_first(&other), task);
	ASSERT_ORDER(1);
	ck_assert_uint_eq(other.count, 1);
	ck_assert_ptr_eq(queue_flow(&other, &clients[0], 0), task->flow);
}
END_TEST

/* Random pushes, takes, removals and holds; each client's tasks must come out in their order. */
START_TEST(unserved_client_is_found_before_its_turn)
{
	struct task *first, *second;

	ck_assert_ptr_null(queue_find_unserved(&queue));
	first = push(0, 0, 1);
	second = push(1, 0, 11);
	push(2, -1, 21);
	ck_assert_ptr_eq(queue_find_unserved(&queue), first);
	first->flow->in_flight = 2;
	ck_assert_ptr_eq(queue_first(&queue), first);
	ck_assert_ptr_eq(queue_find_unserved(&queue), second);
	second->flow->in_flight = 1;
	ck_assert_ptr_null(queue_find_unserved(&queue)); /* lower priorities do not count */
	ASSERT_ORDER(1, 11, 21);
}
END_TEST

START_TEST(unserved_client_is_not_looked_for_without_end)
{
	struct queue_client many[QUEUE_LOOK_AHEAD + 1] = {{0}};

	for (uint32_t i = 0; i <= QUEUE_LOOK_AHEAD; i++) {
		struct task *task = make(&many[i], 0, i);

		task->flow->in_flight = i < QUEUE_LOOK_AHEAD;
		queue_push(task);
	}
	ck_assert_ptr_null(queue_find_unserved(&queue));
	ck_assert_uint_eq(take()->msgid, 0);
	ck_assert_uint_eq(queue_find_unserved(&queue)->msgid, QUEUE_LOOK_AHEAD);
	while (take() != NULL)
		;
	for (size_t i = 0; i < COUNT(many); i++)
		queue_client_fini(&many[i]);
}
END_TEST

START_TEST(random_use_keeps_each_clients_order_and_loses_nothing)
{
	enum { STEPS = 20000 };
	uint32_t pushed[CLIENTS] = {0}, taken[CLIENTS] = {0};
	struct task *task;

	srandom(1);
	for (int i = 0; i < STEPS; i++) {
		uint32_t client = (uint32_t)random() % CLIENTS;

		switch (random() % 8) {
		case 0:
			queue_hold(&clients[client], QUEUE_HOLD_USER);
			break;
		case 1:
			queue_release(&clients[client], QUEUE_HOLD_USER);
			break;
		case 2:
		case 3:
			task = take();
			if (task == NULL)
				break;
			client = task->msgid >> 16;
			ck_assert_uint_eq(clients[client].hold, 0);
			ck_assert_uint_eq(task->msgid & 0xffff, taken[client]++);
			task_free(&tasks, task);
			break;
		default:
			push((int)client, 0, client << 16 | pushed[client]++);
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		queue_release(&clients[i], QUEUE_HOLD_USER);
	while ((task = take()) != NULL)
		taken[task->msgid >> 16]++;
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_uint_eq(pushed[i], taken[i]);
}
END_TEST

void add_core_queue(Suite *suite)
{
	TCase *tc = tcase_create("queue");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, tasks_that_come_back_have_their_order_again, 0, 6);
	tcase_add_test(tc, turn_may_be_several_tasks);
	tcase_add_test(tc, turn_that_ended_early_does_not_go_on_later);
	tcase_add_test(tc, empty_queue_has_no_first);
	tcase_add_test(tc, one_client_is_served_in_its_order);
	tcase_add_test(tc, clients_take_turns_however_much_one_has);
	tcase_add_test(tc, who_comes_later_has_its_turn_after_one_task_of_each);
	tcase_add_test(tc, higher_priority_goes_first_and_turns_are_within_one);
	tcase_add_test(tc, every_priority_has_its_place);
	tcase_add_test(tc, what_comes_back_is_the_next_before_all_other_clients);
	tcase_add_test(tc, what_comes_back_is_the_next_though_it_is_anothers_turn);
	tcase_add_test(tc, many_that_come_back_last_first_keep_their_order);
	tcase_add_test(tc, removed_task_is_passed_over_and_an_empty_client_has_no_turn);
	tcase_add_test(tc, held_client_takes_no_turns_but_keeps_its_tasks);
	tcase_add_test(tc, client_is_held_until_no_reason_is_left);
	tcase_add_test(tc, what_comes_back_to_a_held_client_waits_with_it);
	tcase_add_test(tc, queues_of_two_pools_know_nothing_of_each_other);
	tcase_add_test(tc, unserved_client_is_found_before_its_turn);
	tcase_add_test(tc, unserved_client_is_not_looked_for_without_end);
	tcase_add_test(tc, random_use_keeps_each_clients_order_and_loses_nothing);
	suite_add_tcase(suite, tc);
}
