/* SPDX-License-Identifier: MIT */
#include "core/task.h"

#include <stdlib.h>

enum {
	CHUNK_BITS = 8,
	CHUNK_SIZE = 1 << CHUNK_BITS,
};

void task_list_init(struct task_list *list, enum task_list_kind kind)
{
	*list = (struct task_list){.kind = kind};
}

/* Between two neighbours, either of which may be the end. */
static void insert(struct task_list *list, struct task *prev, struct task *task, struct task *next)
{
	task->prev[list->kind] = prev;
	task->next[list->kind] = next;
	*(prev != NULL ? &prev->next[list->kind] : &list->first) = task;
	*(next != NULL ? &next->prev[list->kind] : &list->last) = task;
	list->count++;
}

void task_list_push(struct task_list *list, struct task *task)
{
	insert(list, list->last, task, NULL);
}

void task_list_push_front(struct task_list *list, struct task *task)
{
	insert(list, NULL, task, list->first);
}

void task_list_remove(struct task_list *list, struct task *task)
{
	struct task *prev = task->prev[list->kind], *next = task->next[list->kind];

	*(prev != NULL ? &prev->next[list->kind] : &list->first) = next;
	*(next != NULL ? &next->prev[list->kind] : &list->last) = prev;
	task->prev[list->kind] = task->next[list->kind] = NULL;
	list->count--;
}

void task_table_init(struct task_table *table)
{
	*table = (struct task_table){0};
	task_list_init(&table->free, TASK_LIST_QUEUE);
}

void task_table_fini(struct task_table *table)
{
	for (uint32_t c = 0; c < table->chunk_count; c++) {
		for (uint32_t i = 0; i < CHUNK_SIZE; i++) {
			free(table->chunks[c][i].frame);
			free(table->chunks[c][i].plan);
		}
		free(table->chunks[c]);
	}
	free(table->chunks);
	*table = (struct task_table){0};
}

static int grow(struct task_table *table)
{
	struct task **chunks =
		realloc(table->chunks, (table->chunk_count + 1) * sizeof(struct task *));
	struct task *chunk;

	if (chunks == NULL)
		return -1;
	table->chunks = chunks;
	chunk = calloc(CHUNK_SIZE, sizeof(*chunk));
	if (chunk == NULL)
		return -1;
	for (uint32_t i = 0; i < CHUNK_SIZE; i++) {
		chunk[i].ref = (struct ref){table->chunk_count << CHUNK_BITS | i, 1};
		task_list_push(&table->free, &chunk[i]);
	}
	chunks[table->chunk_count++] = chunk;
	return 0;
}

struct task *task_new(struct task_table *table)
{
	struct task *task;

	if (table->free.first == NULL && grow(table) < 0)
		return NULL;
	task = table->free.first;
	task_list_remove(&table->free, task);
	table->used++;
	*task = (struct task){.ref = task->ref, .state = TASK_QUEUED};
	return task;
}

void task_free(struct task_table *table, struct task *task)
{
	free(task->frame);
	free(task->plan);
	task->frame = NULL;
	task->plan = NULL;
	task->state = TASK_FREE;
	if (++task->ref.generation == 0)
		task->ref.generation = 1;
	task_list_push_front(&table->free, task);
	table->used--;
}

struct task *task_get(const struct task_table *table, struct ref ref)
{
	struct task *task;

	if (ref.generation == 0 || ref.index >> CHUNK_BITS >= table->chunk_count)
		return NULL;
	task = &table->chunks[ref.index >> CHUNK_BITS][ref.index & (CHUNK_SIZE - 1)];
	return task->ref.generation == ref.generation && task->state != TASK_FREE ? task : NULL;
}

struct task *task_next(const struct task_table *table, const struct task *task)
{
	uint32_t index = task == NULL ? 0 : task->ref.index + 1;

	for (; index >> CHUNK_BITS < table->chunk_count; index++) {
		struct task *next = &table->chunks[index >> CHUNK_BITS][index & (CHUNK_SIZE - 1)];

		if (next->state != TASK_FREE)
			return next;
	}
	return NULL;
}
