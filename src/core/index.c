/* SPDX-License-Identifier: MIT */
#include "core/index.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BITS = 14,
	BUCKETS = 1 << BITS,
};

int task_index_init(struct task_index *index)
{
	index->buckets = calloc(BUCKETS, sizeof(struct task *));
	return index->buckets == NULL ? -ENOMEM : 0;
}

void task_index_fini(struct task_index *index)
{
	free(index->buckets);
	index->buckets = NULL;
}

/* Knuth's multiplicative hash. */
static struct task **bucket_of(const struct task_index *index, struct ref session, uint32_t msgid)
{
	uint32_t mixed = (msgid + session.index * 0x10001U) * 2654435761U;

	return &index->buckets[mixed >> (32 - BITS)];
}

void task_index_add(struct task_index *index, struct task *task)
{
	struct task **bucket = bucket_of(index, task->session, task->msgid);

	task->next_same = *bucket;
	*bucket = task;
}

void task_index_remove(struct task_index *index, struct task *task)
{
	struct task **at = bucket_of(index, task->session, task->msgid);

	while (*at != task)
		at = &(*at)->next_same;
	*at = task->next_same;
}

struct task *task_index_find(const struct task_index *index, struct ref session, uint32_t msgid)
{
	struct task *task = *bucket_of(index, session, msgid);

	while (task != NULL && (task->msgid != msgid || !ref_is_equal(task->session, session)))
		task = task->next_same;
	return task;
}
