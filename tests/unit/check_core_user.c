/* SPDX-License-Identifier: MIT */
/* Who asks, and what everybody has open. */
#include "check_core.h"

#include "core/queue.h"
#include "core/user.h"

static struct task_table tasks;
static struct queue queue;
static struct users users;

static void set_up(void)
{
	task_table_init(&tasks);
	queue_init(&queue);
	users = (struct users){0};
}

static void tear_down(void)
{
	users_fini(&users);
	task_table_fini(&tasks);
}

static struct task *open_task(struct client *client)
{
	struct task *task = task_new(&tasks);

	task->flow = queue_flow(&queue, &client->turns, 0);
	task->client = client;
	task->len = 100;
	client_add(client, task);
	queue_push(task);
	return task;
}

static void end_task(struct task *task)
{
	queue_remove(task);
	client_remove(&users, task->client, task);
}

START_TEST(clients_of_one_user_are_counted_together)
{
	struct client *a = client_new(&users, 7), *b = client_new(&users, 7);
	struct client *other = client_new(&users, 8);
	struct task *task;

	ck_assert_ptr_eq(a->user, b->user);
	ck_assert_ptr_ne(a->user, other->user);
	open_task(a);
	open_task(b);
	task = open_task(b);
	ck_assert_uint_eq(a->user->tasks, 3);
	ck_assert_uint_eq(a->user->bytes, 300);
	ck_assert_uint_eq(b->tasks, 2);
	ck_assert_uint_eq(other->user->tasks, 0);
	end_task(task);
	ck_assert_uint_eq(a->user->tasks, 2);
	ck_assert_uint_eq(a->user->bytes, 200);
	ck_assert_uint_eq(b->tasks, 1);
}
END_TEST

START_TEST(client_lives_until_it_is_let_go_and_its_last_task_has_ended)
{
	struct client *client = client_new(&users, 7);
	struct task *task = open_task(client);

	client_release(&users, client);
	ck_assert_ptr_nonnull(users.first);
	ck_assert_ptr_eq(users.first->clients, client);
	end_task(task);
	ck_assert_ptr_null(users.first);
}
END_TEST

START_TEST(held_client_stays_when_its_last_task_has_ended)
{
	struct client *client = client_new(&users, 7);

	end_task(open_task(client));
	ck_assert_ptr_nonnull(users.first);
	ck_assert_ptr_eq(users.first->clients, client);
	ck_assert_uint_eq(client->tasks, 0);
}
END_TEST

START_TEST(client_that_is_let_go_waits_for_nobodys_reading)
{
	struct client *client = client_new(&users, 7);
	struct task *task = open_task(client);

	queue_hold(&client->turns, QUEUE_HOLD_UNREAD);
	ck_assert_ptr_null(queue_first(&queue));
	client_release(&users, client);
	ck_assert_ptr_eq(queue_first(&queue), task);
}
END_TEST

START_TEST(client_without_tasks_goes_when_it_is_let_go)
{
	client_release(&users, client_new(&users, 7));
	ck_assert_ptr_null(users.first);
	client_release(&users, NULL);
}
END_TEST

START_TEST(user_lives_as_long_as_anything_refers_to_it)
{
	struct client *client = client_new(&users, 7);
	struct user *user = client->user;

	user_ref(user);
	client_release(&users, client);
	ck_assert_ptr_eq(users.first, user);
	client = client_new(&users, 7);
	ck_assert_ptr_eq(client->user, user);
	client_release(&users, client);
	user_unref(&users, user);
	ck_assert_ptr_null(users.first);
}
END_TEST

START_TEST(what_a_user_detached_is_one_client_and_goes_with_its_last_task)
{
	struct client *client = client_new(&users, 7), *detached;
	struct user *user = client->user;
	struct task *task;

	detached = user_detached(&users, user);
	ck_assert_ptr_ne(detached, client);
	ck_assert_ptr_eq(user_detached(&users, user), detached);
	task = open_task(detached);
	client_release(&users, client);
	ck_assert_ptr_eq(user->detached, detached);
	end_task(task);
	ck_assert_ptr_null(users.first);
}
END_TEST

START_TEST(user_detaches_anew_when_what_it_detached_before_has_ended)
{
	struct client *client = client_new(&users, 7);
	struct user *user = client->user;

	end_task(open_task(user_detached(&users, user)));
	ck_assert_ptr_null(user->detached);
	ck_assert_ptr_eq(user->clients, client);
	ck_assert_ptr_null(client->next_of_user);
	end_task(open_task(user_detached(&users, user)));
	ck_assert_uint_eq(user->refs, 1);
}
END_TEST

START_TEST(user_at_its_limit_is_held_with_all_its_clients)
{
	enum { LIMIT = 2 };
	struct client *a = client_new(&users, 7), *b = client_new(&users, 7), *c;

	open_task(a);
	open_task(b);
	user_start(a->user, LIMIT);
	ck_assert_ptr_nonnull(queue_first(&queue));
	user_start(a->user, LIMIT);
	ck_assert(a->user->is_at_limit);
	ck_assert_ptr_null(queue_first(&queue));
	c = client_new(&users, 7); /* one that comes later, too */
	open_task(c);
	ck_assert_ptr_null(queue_first(&queue));
	user_stop(a->user, LIMIT);
	ck_assert(!a->user->is_at_limit);
	for (int i = 0; i < 3; i++)
		queue_take(queue_first(&queue));
	ck_assert_ptr_null(queue_first(&queue));
}
END_TEST

START_TEST(user_at_its_limit_holds_nobody_else)
{
	struct client *a = client_new(&users, 7), *b = client_new(&users, 8);

	open_task(b);
	user_start(a->user, 1);
	ck_assert_ptr_nonnull(queue_first(&queue));
}
END_TEST

START_TEST(user_without_a_limit_is_never_held)
{
	struct client *client = client_new(&users, 7);

	open_task(client);
	for (int i = 0; i < 1000; i++)
		user_start(client->user, 0);
	ck_assert_ptr_nonnull(queue_first(&queue));
}
END_TEST

START_TEST(limit_that_is_raised_or_taken_away_lets_go_at_the_next_end)
{
	struct client *client = client_new(&users, 7);

	open_task(client);
	user_start(client->user, 1);
	user_start(client->user, 1);
	user_stop(client->user, 0);
	ck_assert_ptr_nonnull(queue_first(&queue));
}
END_TEST

START_TEST(user_knows_what_is_kept_for_it)
{
	struct client *client = client_new(&users, 7);
	struct user *user = client->user;
	struct task *one = task_new(&tasks), *two = task_new(&tasks);

	user_keep(user, one, 10);
	user_keep(user, two, 20);
	ck_assert_uint_eq(user->kept_bytes, 30);
	ck_assert_ptr_eq(user->kept.first, one);
	user_forget(user, one, 10);
	ck_assert_uint_eq(user->kept_bytes, 20);
	ck_assert_ptr_eq(user->kept.first, two);
}
END_TEST

void add_core_user(Suite *suite)
{
	TCase *tc = tcase_create("user");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, clients_of_one_user_are_counted_together);
	tcase_add_test(tc, client_lives_until_it_is_let_go_and_its_last_task_has_ended);
	tcase_add_test(tc, held_client_stays_when_its_last_task_has_ended);
	tcase_add_test(tc, client_that_is_let_go_waits_for_nobodys_reading);
	tcase_add_test(tc, client_without_tasks_goes_when_it_is_let_go);
	tcase_add_test(tc, user_lives_as_long_as_anything_refers_to_it);
	tcase_add_test(tc, what_a_user_detached_is_one_client_and_goes_with_its_last_task);
	tcase_add_test(tc, user_detaches_anew_when_what_it_detached_before_has_ended);
	tcase_add_test(tc, user_at_its_limit_is_held_with_all_its_clients);
	tcase_add_test(tc, user_at_its_limit_holds_nobody_else);
	tcase_add_test(tc, user_without_a_limit_is_never_held);
	tcase_add_test(tc, limit_that_is_raised_or_taken_away_lets_go_at_the_next_end);
	tcase_add_test(tc, user_knows_what_is_kept_for_it);
	suite_add_tcase(suite, tc);
}
