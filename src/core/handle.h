/* SPDX-License-Identifier: MIT */
#ifndef CORE_HANDLE_H
#define CORE_HANDLE_H

/*
 * What makes a task one that can be asked for: its id, its key, who waits for it, and, once it
 * has ended, its answer.  Found by id, or by user and key, in constant time.
 *
 * Ids grow by one from a start that is different in every life of the daemon (its second
 * times 2^20), so that an id of an earlier life never means another task, and they fit the
 * integers of languages that have only doubles.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/alarm.h"
#include "core/user.h"

struct task_log;
struct wait_link;

struct handle {
	uint64_t id;
	struct task *task;
	struct user *user;
	struct handle *next_by_id, *next_by_key;

	char *key; /* NULL: none */
	size_t key_len;
	char *tag; /* NULL: none */
	bool submitted, detached;
	uint64_t keep; /* ns to be kept for after its end, as far as there is room */
	struct alarm alarm;

	struct wait_link *waits; /* who waits for it; not owned */
	struct task_log *log;    /* NULL: none; owned, but by its user */
	bool has_progress;
	double progress;
	uint64_t submitted_at, ended_at; /* real time, ns */

	/* Once it has ended: error and result as they lie in a response. */
	uint8_t *answer;
	size_t answer_len;
	uint64_t queued, ran; /* ns */
	int64_t pid;          /* a process's; 0: it has had none */
	size_t kept_log;      /* bytes of its output */
};

struct handles {
	struct handle **by_id, **by_key;
	size_t buckets, count; /* a power of two */
	uint64_t last_id;
	struct users *users; /* borrowed */
};

/* `seconds` of real time; `users` is borrowed.  0 or -ENOMEM. */
int handles_init(struct handles *handles, struct users *users, uint64_t seconds);
void handles_fini(struct handles *handles); /* must be empty */

/* Gives the task a handle with a new id, and a copy of the key unless it is NULL.  NULL: no memory. */
struct handle *handle_new(struct handles *handles, struct task *task, struct user *user,
	const char *key, size_t key_len);
/* One of an earlier life, with the id that it had then. */
struct handle *handle_restore(struct handles *handles, struct task *task, struct user *user,
	uint64_t id, const char *key, size_t key_len);
/* Takes it from the task.  Nobody may wait for it any more. */
void handle_free(struct handles *handles, struct handle *handle);

struct handle *handles_find(const struct handles *handles, uint64_t id);
struct handle *handles_find_key(
	const struct handles *handles, const struct user *user, const char *key, size_t len);
/* The key may be used again. */
void handle_drop_key(struct handles *handles, struct handle *handle);

/* Walks all of them, in no order: `*at` is 0 at first; NULL at the end. */
struct handle *handles_next(const struct handles *handles, size_t *at, const struct handle *last);

#endif
