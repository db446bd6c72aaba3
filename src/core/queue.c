/* SPDX-License-Identifier: MIT */
#include "core/queue.h"

#include <stdlib.h>

void queue_init(struct queue *queue)
{
	*queue = (struct queue){.burst = 1};
}

/* ---- the rings ------------------------------------------------------------------------ */

static bool is_in_ring(const struct flow *flow)
{
	return flow->next != NULL;
}

/* In front of the flow whose turn it is: to the end of the ring; it has the turn if `first`. */
static void enter(struct flow *flow, bool first)
{
	struct queue *queue = flow->queue;
	struct flow **turn = &queue->turn[flow->level];

	if (*turn == NULL) {
		flow->next = flow->prev = flow;
	} else {
		flow->next = *turn;
		flow->prev = (*turn)->prev;
		flow->prev->next = flow->next->prev = flow;
	}
	if (first || *turn == NULL)
		*turn = flow;
	flow->taken = 0;
	queue->levels |= 1U << flow->level;
}

static void leave(struct flow *flow)
{
	struct queue *queue = flow->queue;
	struct flow **turn = &queue->turn[flow->level];

	if (flow->next == flow) {
		*turn = NULL;
		queue->levels &= ~(1U << flow->level);
	} else {
		flow->prev->next = flow->next;
		flow->next->prev = flow->prev;
		if (*turn == flow)
			*turn = flow->next;
	}
	flow->next = flow->prev = NULL;
}

/* Is in its ring when it has something and may go. */
static void settle(struct flow *flow, bool first)
{
	bool wanted = flow->tasks.first != NULL && flow->client->hold == 0;

	if (wanted && !is_in_ring(flow))
		enter(flow, first);
	else if (!wanted && is_in_ring(flow))
		leave(flow);
	else if (wanted && first)
		flow->queue->turn[flow->level] = flow;
}

/* ---- clients -------------------------------------------------------------------------- */

struct flow *queue_flow(struct queue *queue, struct queue_client *client, int priority)
{
	uint8_t level = (uint8_t)(priority - QUEUE_PRIORITY_MIN);
	struct flow *flow = client->flows;

	while (flow != NULL && (flow->queue != queue || flow->level != level))
		flow = flow->next_of_client;
	if (flow != NULL)
		return flow;
	flow = calloc(1, sizeof(*flow));
	if (flow == NULL)
		return NULL;
	flow->queue = queue;
	flow->client = client;
	flow->level = level;
	task_list_init(&flow->tasks, TASK_LIST_QUEUE);
	flow->next_of_client = client->flows;
	client->flows = flow;
	return flow;
}

void queue_client_fini(struct queue_client *client)
{
	while (client->flows != NULL) {
		struct flow *flow = client->flows;

		client->flows = flow->next_of_client;
		free(flow);
	}
}

static void settle_all(struct queue_client *client)
{
	for (struct flow *flow = client->flows; flow != NULL; flow = flow->next_of_client)
		settle(flow, false);
}

void queue_hold(struct queue_client *client, enum queue_hold why)
{
	client->hold |= (unsigned int)why;
	settle_all(client);
}

void queue_release(struct queue_client *client, enum queue_hold why)
{
	client->hold &= ~(unsigned int)why;
	settle_all(client);
}

/* ---- tasks ---------------------------------------------------------------------------- */

void queue_push(struct task *task)
{
	struct flow *flow = task->flow;

	task->order = ++flow->pushed;
	task_list_push(&flow->tasks, task);
	flow->queue->count++;
	if (flow->tasks.first == task) /* else it had some already */
		settle(flow, false);
}

void queue_return(struct task *task)
{
	struct task *next = task->flow->tasks.first;

	while (next != NULL && (int32_t)(next->order - task->order) < 0)
		next = next->next[TASK_LIST_QUEUE];
	task_list_push_before(&task->flow->tasks, next, task);
	task->flow->queue->count++;
	settle(task->flow, true);
}

void queue_restore(struct task *task, bool waits)
{
	struct flow *flow = task->flow;

	if (flow->pushed == 0 || (int32_t)(task->order - flow->pushed) > 0)
		flow->pushed = task->order;
	if (!waits)
		return;
	task_list_push(&flow->tasks, task);
	flow->queue->count++;
	settle(flow, false);
}

void queue_remove(struct task *task)
{
	struct flow *flow = task->flow;

	task_list_remove(&flow->tasks, task);
	flow->queue->count--;
	if (flow->tasks.first == NULL)
		settle(flow, false);
}

struct task *queue_find_unserved(const struct queue *queue)
{
	struct task *first = queue_first(queue);
	struct flow *flow = first != NULL ? first->flow : NULL;

	for (unsigned int i = 0; flow != NULL && i < QUEUE_LOOK_AHEAD; i++) {
		if (flow->in_flight == 0)
			return flow->tasks.first;
		flow = flow->next;
	}
	return NULL;
}

void queue_take(struct task *first)
{
	struct flow *flow = first->flow;

	if (++flow->taken >= flow->queue->burst) {
		flow->queue->turn[flow->level] = flow->next;
		flow->taken = 0;
	}
	queue_remove(first);
}
