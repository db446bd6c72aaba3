/* SPDX-License-Identifier: MIT */
#ifndef CORE_TASK_H
#define CORE_TASK_H

/*
 * Tasks and the table that owns them.  A task is named by a reference (index and
 * generation), which goes stale when the task is freed: keep references across
 * callbacks, never pointers.
 *
 *	           task_new                      handed to a worker
 *	 (free) ─────────────▶ TASK_QUEUED ────────────────────────────▶ TASK_HANDED
 *	    ▲                    │     ▲         taken back, or its          │
 *	    │ dropped            │     └───────  worker died before  ────────┤
 *	    ├────────────────────┘               it had started              │
 *	    └────────────────────────────────────────────────────────────────┘ answered
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum task_state { TASK_FREE, TASK_QUEUED, TASK_HANDED };

struct ref {
	uint32_t index, generation; /* generation 0 refers to nothing */
};

#define REF_NONE ((struct ref){0, 0})

static inline bool ref_is_equal(struct ref a, struct ref b)
{
	return a.index == b.index && a.generation == b.generation;
}

/* A task can be in one list of each kind at a time. */
enum task_list_kind {
	TASK_LIST_QUEUE, /* what waits for a worker; also the table's free list */
	TASK_LIST_SESSION,
	TASK_LIST_KINDS
};

struct task_list {
	enum task_list_kind kind;
	struct task *first, *last;
	size_t count;
};

struct task {
	struct ref ref;
	enum task_state state;
	struct task *next[TASK_LIST_KINDS], *prev[TASK_LIST_KINDS];

	/* The request as a worker gets it; owned.  The name lies inside. */
	uint8_t *frame;
	size_t len;
	uint16_t name_off, name_len;

	struct task *next_same; /* in the index of open calls */
	struct ref session;     /* whose it is; REF_NONE once that has gone */
	bool answered_to;       /* somebody waits for the answer, as `msgid` of the session */
	uint32_t msgid;

	uint32_t slot, seq;  /* while TASK_HANDED */
	bool exclusive;      /* shares its worker with no other task, not even waiting ones */
	int stop_signal;     /* somebody asked for it to be stopped; 0: nobody */
	uint64_t started_at; /* ns; when it was handed to the worker that has it */
};

struct task_table {
	struct task **chunks;
	uint32_t chunk_count;
	struct task_list free;
	size_t used; /* tasks that are not free */
};

void task_table_init(struct task_table *table);
/* Frees every task, with its frame. */
void task_table_fini(struct task_table *table);

/* A task with nothing but its reference set, queued in no list; NULL: no memory.  The table owns it. */
struct task *task_new(struct task_table *table);
/* Frees the frame; references go stale.  The task must be in no list. */
void task_free(struct task_table *table, struct task *task);
/* NULL if the reference is stale.  Valid until the task is freed. */
struct task *task_get(const struct task_table *table, struct ref ref);

void task_list_init(struct task_list *list, enum task_list_kind kind);
void task_list_push(struct task_list *list, struct task *task);
void task_list_push_front(struct task_list *list, struct task *task);
void task_list_remove(struct task_list *list, struct task *task);

#endif
