/* SPDX-License-Identifier: MIT */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

/*
 * Finds an open call by its session and msgid: a hash table with chains through the tasks.  It grows by
 * a bucket at a time (linear hashing, W. Litwin, VLDB 1980), so that no call pays for all others.
 */

#include "core/task.h"

struct task_index {
	struct task **buckets;
	uint32_t count, cap; /* of buckets: in use, and allocated, a power of two */
	size_t tasks;
};

int task_index_init(struct task_index *index); /* 0 or -ENOMEM */
void task_index_fini(struct task_index *index);

/* By task->session and task->msgid, which must not change while it is in. */
void task_index_add(struct task_index *index, struct task *task);
void task_index_remove(struct task_index *index, struct task *task);

/* The call of that msgid that was opened last; NULL: none. */
struct task *task_index_find(const struct task_index *index, struct ref session, uint32_t msgid);

#endif
