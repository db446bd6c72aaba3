/* SPDX-License-Identifier: MIT */
#include "core/index.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { CAP_MIN = 1024, RUN_BITS = 8 };

int task_index_init(struct task_index *index)
{
	*index = (struct task_index){.count = CAP_MIN, .cap = CAP_MIN};
	index->buckets = calloc(CAP_MIN, sizeof(struct task *));
	return index->buckets == NULL ? -ENOMEM : 0;
}

void task_index_fini(struct task_index *index)
{
	free(index->buckets);
	*index = (struct task_index){0};
}

/*
 * The low bits depend on all of them, but msgids that follow each other, as most do, are in buckets side by
 * side: with a million calls open each of them apart cost three misses of the cache, and a split one for each task.
 */
static uint32_t mix(struct ref session, uint32_t msgid)
{
	uint32_t mixed = ((msgid >> RUN_BITS) + session.index * 0x10001U) * 2654435761U;

	mixed ^= mixed >> 15;
	return mixed ^ (msgid & ((1U << RUN_BITS) - 1));
}

/* Buckets that are not there yet are still part of the one half their number away. */
static struct task **bucket_of(const struct task_index *index, struct ref session, uint32_t msgid)
{
	uint32_t i = mix(session, msgid) & (index->cap - 1);

	return &index->buckets[i < index->count ? i : i - index->cap / 2];
}

static bool reserve(struct task_index *index)
{
	struct task **buckets;

	if (index->count < index->cap)
		return true;
	buckets = realloc(index->buckets, 2 * (size_t)index->cap * sizeof(struct task *));
	if (buckets == NULL)
		return false; /* then chains become longer */
	index->buckets = buckets;
	index->cap *= 2;
	return true;
}

/* One bucket more takes its share of the one that it was part of; both keep the order. */
static void split(struct task_index *index)
{
	struct task **ends[2], *task;
	uint32_t from;

	if (!reserve(index))
		return;
	from = index->count - index->cap / 2;
	ends[0] = &index->buckets[from];
	ends[1] = &index->buckets[index->count++];
	for (task = *ends[0]; task != NULL; task = task->next_same) {
		bool moves = bucket_of(index, task->session, task->msgid) != &index->buckets[from];

		*ends[moves] = task;
		ends[moves] = &task->next_same;
	}
	*ends[0] = *ends[1] = NULL;
}

void task_index_add(struct task_index *index, struct task *task)
{
	struct task **bucket;

	if (++index->tasks > index->count)
		split(index);
	bucket = bucket_of(index, task->session, task->msgid);
	task->next_same = *bucket;
	*bucket = task;
}

void task_index_remove(struct task_index *index, struct task *task)
{
	struct task **at = bucket_of(index, task->session, task->msgid);

	while (*at != task)
		at = &(*at)->next_same;
	*at = task->next_same;
	index->tasks--;
}

struct task *task_index_find(const struct task_index *index, struct ref session, uint32_t msgid)
{
	struct task *task = *bucket_of(index, session, msgid);

	while (task != NULL && (task->msgid != msgid || !ref_is_equal(task->session, session)))
		task = task->next_same;
	return task;
}
