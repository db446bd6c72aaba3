/* SPDX-License-Identifier: MIT */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

/*
 * What waits for a worker, and in which order it gets one: higher priorities first; within
 * one priority the clients take turns, one task each, however much one of them has queued; of one
 * client, tasks in the order in which they came.  Everything takes constant time.
 *
 *	queue ── priority 10 ── (ring) flow of client A ── task, task, task
 *	      │                        flow of client B ── task
 *	      └─ priority 0  ── (ring) flow of client B ── task, task
 *
 * A client that is held takes no turns; its tasks stay.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/task.h"

enum {
	QUEUE_PRIORITY_MIN = -10,
	QUEUE_PRIORITY_MAX = 10,
	QUEUE_LEVELS = QUEUE_PRIORITY_MAX - QUEUE_PRIORITY_MIN + 1,
	QUEUE_LOOK_AHEAD = 16, /* turns that queue_find_unserved() looks at */
};

/* Why a client is held; several may be true at once. */
enum queue_hold { QUEUE_HOLD_UNREAD = 1, QUEUE_HOLD_USER = 2 };

struct queue;
struct queue_client;

/* One client's tasks of one priority in one queue. */
struct flow {
	struct flow *next, *prev; /* the ring of those that have something, while it is in */
	struct flow *next_of_client;
	struct queue *queue;
	struct queue_client *client;
	struct task_list tasks;
	uint32_t in_flight; /* its tasks with workers */
	uint8_t level;
};

struct queue_client {
	struct flow *flows;
	unsigned int hold;
};

struct queue {
	struct flow *turn[QUEUE_LEVELS]; /* whose turn it is; the ring goes on from there */
	uint32_t levels;                 /* a bit for each that has a ring */
	size_t count;                    /* tasks, those of held clients included */
};

void queue_init(struct queue *queue);

/* Its flow in this queue, made if there is none yet; NULL: no memory.  Lives as long as the client. */
struct flow *queue_flow(struct queue *queue, struct queue_client *client, int priority);

/* Frees the flows, which must be empty. */
void queue_client_fini(struct queue_client *client);

/* Hold it, or for one reason no longer. */
void queue_hold(struct queue_client *client, enum queue_hold why);
void queue_release(struct queue_client *client, enum queue_hold why);

/* To the end of its own flow (task->flow), or back to the front of it, in front of all other clients. */
void queue_push(struct task *task);
void queue_push_front(struct task *task);
void queue_remove(struct task *task);

/* The next one; NULL: there is none that may go. */
struct task *queue_first(const struct queue *queue);

/*
 * The next one of a client that has none with workers, if it has the priority of the next of all and its
 * turn comes soon.  NULL: none.
 */
struct task *queue_find_unserved(const struct queue *queue);

/* Removes the next one, which ends its client's turn. */
void queue_take(struct task *first);

#endif
