/* SPDX-License-Identifier: MIT */
#include "core/user.h"

#include <stdlib.h>

struct user *users_get(struct users *users, uid_t uid)
{
	struct user *user = users->first;

	while (user != NULL && user->uid != uid)
		user = user->next;
	if (user != NULL)
		return user;
	user = calloc(1, sizeof(*user));
	if (user == NULL)
		return NULL;
	user->uid = uid;
	task_list_init(&user->kept, TASK_LIST_SESSION);
	user->next = users->first;
	users->first = user;
	return user;
}

void user_ref(struct user *user)
{
	user->refs++;
}

void user_unref(struct users *users, struct user *user)
{
	struct user **at = &users->first;

	if (--user->refs > 0)
		return;
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	free(user);
}

void users_fini(struct users *users)
{
	while (users->first != NULL) {
		struct user *user = users->first;

		users->first = user->next;
		while (user->clients != NULL) {
			struct client *client = user->clients;

			user->clients = client->next_of_user;
			queue_client_fini(&client->turns);
			free(client);
		}
		free(user);
	}
}

struct client *client_new(struct users *users, uid_t uid)
{
	struct user *user = users_get(users, uid);
	struct client *client;

	if (user == NULL)
		return NULL;
	user_ref(user);
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		user_unref(users, user);
		return NULL;
	}
	client->user = user;
	client->is_held = true;
	client->next_of_user = user->clients;
	user->clients = client;
	if (user->is_at_limit)
		queue_hold(&client->turns, QUEUE_HOLD_USER);
	return client;
}

void client_free(struct users *users, struct client *client)
{
	struct user *user = client->user;
	struct client **at = &user->clients;

	while (*at != client)
		at = &(*at)->next_of_user;
	*at = client->next_of_user;
	if (user->detached == client)
		user->detached = NULL;
	queue_client_fini(&client->turns);
	free(client);
	user_unref(users, user);
}

void client_release(struct users *users, struct client *client)
{
	if (client == NULL)
		return;
	client->is_held = false;
	queue_release(
		&client->turns, QUEUE_HOLD_UNREAD); /* what is left waits for nobody's reading */
	if (client_is_unused(client))
		client_free(users, client);
}

struct client *user_detached(struct users *users, struct user *user)
{
	if (user->detached == NULL) {
		user->detached = client_new(users, user->uid);
		if (user->detached != NULL)
			user->detached->is_held = false;
	}
	return user->detached;
}

void user_keep(struct user *user, struct task *task, size_t bytes)
{
	task_list_push(&user->kept, task);
	user->kept_bytes += bytes;
}

void user_forget(struct user *user, struct task *task, size_t bytes)
{
	task_list_remove(&user->kept, task);
	user->kept_bytes -= bytes;
}

bool user_hold(struct user *user, bool hold)
{
	if (user->is_at_limit == hold)
		return false;
	user->is_at_limit = hold;
	for (struct client *client = user->clients; client != NULL; client = client->next_of_user)
		(hold ? queue_hold : queue_release)(&client->turns, QUEUE_HOLD_USER);
	return true;
}
