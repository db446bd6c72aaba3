/* SPDX-License-Identifier: MIT */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

/*
 * What waits for a worker, and in which order it gets one: higher priorities first; within
 * one priority the clients take turns, however much one of them has queued; of one
 * client, tasks in the order in which they came.  Everything takes constant time, but for queue_return(): it goes past
 * those that came earlier and are back already, so who returns several begins with the last.
 *
 * A turn is one task; of tiny ones it may be several, whose answers are then sent together.
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
	uint32_t taken;     /* in its present turn */
	uint32_t pushed;    /* the order of the last that was pushed */
	uint64_t served;    /* the number of its last run among the queue's; 0: it had none */
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
	uint32_t burst;                  /* tasks in a turn; may be changed at any time */
	uint64_t runs;                   /* of its tasks that have ended */
};

void queue_init(struct queue *queue); /* with turns of one task */

/* Its flow in this queue, made if there is none yet; NULL: no memory.  Lives as long as the client. */
struct flow *queue_flow(struct queue *queue, struct queue_client *client, int priority);

/* Frees the flows, which must be empty. */
void queue_client_fini(struct queue_client *client);

/* Hold it, or for one reason no longer. */
void queue_hold(struct queue_client *client, enum queue_hold why);
void queue_release(struct queue_client *client, enum queue_hold why);

/*
 * To the end of its own flow (task->flow); or back to where it was in it, in front of all other clients: a task that had gone
 * does not overtake one that came before it and is back already.
 */
void queue_push(struct task *task);
void queue_return(struct task *task);
void queue_remove(struct task *task);

/* One that has an order already, from an earlier life: what is pushed later comes after it.  It is pushed, too, if it waits. */
void queue_restore(struct task *task, bool waits);

/* The next one; NULL: there is none that may go. */
static inline struct task *queue_first(const struct queue *queue)
{
	return queue->levels == 0 ? NULL
				  : queue->turn[31 - __builtin_clz(queue->levels)]->tasks.first;
}

/*
 * The next one of a client that has none with workers, if it has the priority of the next of all and its
 * turn comes soon.  NULL: none.
 */
struct task *queue_find_unserved(const struct queue *queue);

/* Removes the next one, with which its client's turn may end. */
void queue_take(struct task *first);

/* A worker has run one of its tasks. */
static inline void queue_note_run(struct flow *flow)
{
	flow->served = ++flow->queue->runs;
}

#endif
