/* SPDX-License-Identifier: MIT */
#ifndef CORE_USER_H
#define CORE_USER_H

/*
 * Who asks: users, and their clients (connections, and one for all that a user has detached).
 * Counts what each has open, so that limits can be kept.  A client lives until it
 * has been let go and its last task has ended, a user until nothing refers to it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/queue.h"
#include "core/task.h"

struct client {
	struct queue_client turns;
	struct user *user;
	struct client *next_of_user;
	size_t tasks;    /* open ones */
	uint32_t number; /* in a saved state */
	bool is_held;    /* by whoever made it */
};

struct user {
	uid_t uid;
	struct user *next;
	struct client *clients;
	struct client *detached; /* for tasks that belong to no connection; NULL: none yet */
	uint64_t tasks, bytes;   /* open ones, and of their requests */
	uint64_t running;        /* with workers, those that wait for their own calls not counted */
	bool is_at_limit;        /* of running tasks: its clients are held */
	struct task_list kept;   /* ended tasks whose result is kept, oldest first */
	size_t kept_bytes;
	uint64_t objects, object_bytes; /* that it has made, see object.h */
	unsigned int refs;              /* clients and handles */
};

struct users {
	struct user *first;
};

void users_fini(struct users *users); /* frees all, whoever still refers to them */

/* Made if there is none yet, and gone again when what refers to it has; NULL: no memory. */
struct user *users_get(struct users *users, uid_t uid);

/* A new client of this user, held by the caller.  NULL: no memory. */
struct client *client_new(struct users *users, uid_t uid);
/* The caller lets it go; NULL is allowed. */
void client_release(struct users *users, struct client *client);

/* The user's client for what it detaches, which stays for as long as it is of use; NULL: no memory. */
struct client *user_detached(struct users *users, struct user *user);

/* A task of the client was opened, has ended. */
static inline void client_add(struct client *client, const struct task *task)
{
	client->tasks++;
	client->user->tasks++;
	client->user->bytes += task->len;
}

/* The caller has let it go, and it has no task any more. */
static inline bool client_is_unused(const struct client *client)
{
	return !client->is_held && client->tasks == 0;
}
void client_free(struct users *users, struct client *client);

static inline void client_remove(
	struct users *users, struct client *client, const struct task *task)
{
	client->tasks--;
	client->user->tasks--;
	client->user->bytes -= task->len;
	if (client_is_unused(client))
		client_free(users, client);
}

/* A result is kept, or no longer. */
void user_keep(struct user *user, struct task *task, size_t bytes);
void user_forget(struct user *user, struct task *task, size_t bytes);

/* Somebody else refers to it. */
void user_ref(struct user *user);
void user_unref(struct users *users, struct user *user);

/* Its clients are held from now on, or no longer.  False: so they were. */
bool user_hold(struct user *user, bool hold);

/* One more, one less of its tasks runs; `limit` 0 is none.  True: its clients are held from now on, or no longer. */
static inline bool user_start(struct user *user, uint64_t limit)
{
	user->running++;
	return limit > 0 && user->running >= limit && user_hold(user, true);
}

static inline bool user_stop(struct user *user, uint64_t limit)
{
	user->running--;
	return user->is_at_limit && (limit == 0 || user->running < limit) && user_hold(user, false);
}

/* There may be another limit than before. */
static inline void user_judge(struct user *user, uint64_t limit)
{
	user_hold(user, limit > 0 && user->running >= limit);
}

#endif
