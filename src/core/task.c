/* SPDX-License-Identifier: MIT */
#include "core/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum {
	TASK_KEPT = offsetof(struct task, order), /* bytes that stay as they are */
	FRAME_KEPT = 128, /* a frame of so many bytes is kept for the next task */
};

void task_table_init(struct task_table *table)
{
	*table = (struct task_table){0};
}

static void drop_frame(struct task *task)
{
	if (task->frame != task->small)
		free(task->frame);
	task->frame = task->small;
	task->frame_cap = TASK_FRAME_SMALL;
}

void task_table_fini(struct task_table *table)
{
	for (uint32_t i = 0; i < table->fresh; i++) {
		drop_frame(task_at(table, i));
		free(task_at(table, i)->plan);
	}
	for (uint32_t c = 0; c < table->chunk_count; c++)
		free(table->chunks[c]);
	free(table->chunks);
	*table = (struct task_table){0};
}

/* A chunk is touched as its tasks come to be used: most of the cost of a new one are its pages. */
static int grow(struct task_table *table)
{
	uint32_t count = table->chunk_count < TASK_SMALL_CHUNKS ? TASK_SMALL_SIZE : TASK_LARGE_SIZE;
	struct task **chunks =
		realloc(table->chunks, (table->chunk_count + 1) * sizeof(struct task *));
	struct task *chunk;

	if (chunks == NULL)
		return -1;
	table->chunks = chunks;
	chunk = malloc(count * sizeof(*chunk));
	if (chunk == NULL)
		return -1;
	heap_advise(chunk, count * sizeof(*chunk));
	chunks[table->chunk_count++] = chunk;
	table->cap += count;
	return 0;
}

static struct task *take_fresh(struct task_table *table)
{
	struct task *task;

	if (table->fresh == table->cap && grow(table) < 0)
		return NULL;
	task = task_at(table, table->fresh);
	*task = (struct task){
		.ref = {table->fresh++, 1}, .frame = task->small, .frame_cap = TASK_FRAME_SMALL};
	return task;
}

struct task *task_new(struct task_table *table)
{
	struct task *task = table->free;

	if (task != NULL)
		table->free = task->next[TASK_LIST_QUEUE];
	else if ((task = take_fresh(table)) == NULL)
		return NULL;
	table->used++;
	memset((char *)task + TASK_KEPT, 0, sizeof(*task) - TASK_KEPT);
	task->state = TASK_QUEUED;
	return task;
}

int task_make_frame(struct task *task, size_t len)
{
	uint8_t *frame;

	if (len > task->frame_cap || task->frame_cap > FRAME_KEPT)
		drop_frame(task);
	if (len > task->frame_cap) {
		frame = malloc(len);
		if (frame == NULL)
			return -ENOMEM;
		task->frame = frame;
		task->frame_cap = (uint32_t)len;
	}
	task->len = (uint32_t)len;
	return 0;
}

void task_drop_request(struct task *task)
{
	size_t len = task->name_len > 0 ? task->name_len : 1;
	uint8_t *less;

	memmove(task->frame, task->frame + task->name_off, task->name_len);
	task->name_off = 0;
	if (task->frame == task->small)
		return;
	less = realloc(task->frame, len);
	if (less == NULL)
		return;
	task->frame = less;
	task->frame_cap = (uint32_t)len;
}

void task_free(struct task_table *table, struct task *task)
{
	if (task->frame_cap > FRAME_KEPT)
		drop_frame(task);
	free(task->plan);
	task->plan = NULL;
	task->state = TASK_FREE;
	if (++task->ref.generation == 0)
		task->ref.generation = 1;
	task->next[TASK_LIST_QUEUE] = table->free;
	table->free = task;
	table->used--;
}

struct task *task_next(const struct task_table *table, const struct task *task)
{
	uint32_t index = task == NULL ? 0 : task->ref.index + 1;

	for (; index < table->fresh; index++) {
		struct task *next = task_at(table, index);

		if (next->state != TASK_FREE)
			return next;
	}
	return NULL;
}
