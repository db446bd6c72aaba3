/* SPDX-License-Identifier: MIT */
#ifndef CORE_TASK_H
#define CORE_TASK_H

/*
 * Tasks and the table that owns them.  A task is named by a reference (index and
 * generation), which goes stale when the task is freed: keep references across
 * callbacks, never pointers.
 *
 *	             its time has come       has a worker
 *	 TASK_DELAYED ─────────▶ TASK_QUEUED ─────────▶ TASK_HANDED
 *	   ▲                      ▲ │     ▲ taken back, or its worker │ │
 *	   │ another attempt      │ │     └──── died before it ───────┘ │
 *	   │                      │ ▼           had started             │ answered
 *	   │              TASK_PARKED                                   ▼
 *	   └─── (its function runs as often as it may) ◀──────── TASK_ENDED, if its result is kept
 *
 * A task can be answered, and then ends, in every state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum task_state {
	TASK_FREE,
	TASK_DELAYED, /* waits for a point of time */
	TASK_QUEUED,
	TASK_PARKED, /* waits for another task of its function to end */
	TASK_HANDED, /* a worker has it */
	TASK_ENDED,  /* only its answer is kept */
};

/* Why it is to be stopped. */
enum task_stop {
	TASK_STOP_NOT,
	TASK_STOP_CANCEL,
	TASK_STOP_TIMEOUT,
	TASK_STOP_DEADLINE,
	TASK_STOP_EXPIRED, /* never while it runs */
};

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
	TASK_LIST_QUEUE,   /* what waits; all kept results */
	TASK_LIST_SESSION, /* what a connection waits for; a user's kept results */
	TASK_LIST_KINDS
};

struct client;
struct flow;
struct handle;
struct identity;
struct plan;
struct record;

enum { TASK_FRAME_SMALL = 32 };

struct task_list {
	enum task_list_kind kind;
	struct task *first, *last;
	size_t count;
};

/* Small things lie together: a million of these may be queued. */
struct task {
	struct ref ref;
	struct task *next[TASK_LIST_KINDS], *prev[TASK_LIST_KINDS];

	/* The request as a worker gets it, in `small` if it fits there, else owned.  The name lies inside. */
	uint8_t *frame;
	uint32_t len, frame_cap;
	uint8_t small[TASK_FRAME_SMALL];

	struct task *next_same; /* in the index of open calls */
	uint32_t msgid;         /* see answered_to */
	uint32_t seq;           /* while TASK_HANDED */

	uint64_t opened_at, started_at; /* ns; accepted; handed to the worker that has it */
	uint16_t name_off, name_len;
	uint16_t slot; /* while TASK_HANDED */

	/* From here on all is zero in a new one; what stands before is set before it is looked at. */
	uint32_t order;    /* among those of its flow; grows, and wraps */
	uint16_t attempts; /* runs that have ended */
	uint8_t pool;
	int8_t priority;
	uint8_t state;       /* enum task_state */
	uint8_t stop;        /* enum task_stop: somebody wants it to be stopped, */
	uint8_t stop_signal; /* by this signal; 0: nobody */
	bool answered_to;    /* somebody waits for the answer, as `msgid` of the session */
	bool exclusive;      /* shares its worker with no other task, not even waiting ones */
	bool process;        /* gets a worker of its own, beside those of the pool */
	bool counts;         /* among the running ones of its user and function */
	bool begun;          /* one of its runs may have executed something */

	uint64_t ran;              /* ns with workers, the present one not counted */
	struct ref session;        /* whose it is; REF_NONE once that has gone */
	struct flow *flow;         /* where it queues */
	struct client *client;     /* who asked */
	struct identity *identity; /* the same, as a reference; NULL once it has ended */
	struct record *record;     /* of its function; NULL: none is kept */
	struct plan *plan;         /* owned; NULL: to be run as soon as can be, once */
	struct handle *handle;     /* owned; NULL: nobody can ask for it but the caller */
};

/* Some small chunks, and when those do not do, large ones; none is ever given back. */
struct task_table {
	struct task **chunks;
	uint32_t chunk_count;
	uint32_t fresh, cap; /* tasks that have been used once; for which there is room */
	struct task *free;   /* of those, by next[TASK_LIST_QUEUE] */
	size_t used;         /* tasks that are not free */
};

enum {
	TASK_SMALL_BITS = 8,
	TASK_SMALL_SIZE = 1 << TASK_SMALL_BITS,
	TASK_SMALL_CHUNKS = 32,
	TASK_SMALL_END = TASK_SMALL_SIZE * TASK_SMALL_CHUNKS, /* the first index in a large chunk */
	TASK_LARGE_BITS = 15,
	TASK_LARGE_SIZE = 1 << TASK_LARGE_BITS,
};

void task_table_init(struct task_table *table);
/* Frees every task, with its frame and its plan; the handles must be gone. */
void task_table_fini(struct task_table *table);

/* A task with nothing but its reference set, queued in no list; NULL: no memory.  The table owns it. */
struct task *task_new(struct task_table *table);
/* Frees frame and plan; references go stale.  The task must be in no list and have no handle. */
void task_free(struct task_table *table, struct task *task);
/*
 * Room for a frame of `len` bytes in place of what there is, as task->frame and task->len.  One that is not large outlives
 * the task, for the next one.  0 or -ENOMEM.
 */
int task_make_frame(struct task *task, size_t len);
/* The request is not needed any more, but for the name. */
void task_drop_request(struct task *task);
/* Walks all tasks that are not free: the one after `task`, the first for NULL; NULL at the end. */
struct task *task_next(const struct task_table *table, const struct task *task);

/* The task of that index, which is below `fresh`. */
static inline struct task *task_at(const struct task_table *table, uint32_t index)
{
	if (index < TASK_SMALL_END)
		return &table->chunks[index >> TASK_SMALL_BITS][index & (TASK_SMALL_SIZE - 1)];
	index -= TASK_SMALL_END;
	return &table->chunks[TASK_SMALL_CHUNKS + (index >> TASK_LARGE_BITS)]
			     [index & (TASK_LARGE_SIZE - 1)];
}

/* NULL if the reference is stale.  Valid until the task is freed, as its generation then changes. */
static inline struct task *task_get(const struct task_table *table, struct ref ref)
{
	struct task *task;

	if (ref.generation == 0 || ref.index >= table->fresh)
		return NULL;
	task = task_at(table, ref.index);
	return task->ref.generation == ref.generation ? task : NULL;
}

static inline void task_list_init(struct task_list *list, enum task_list_kind kind)
{
	*list = (struct task_list){.kind = kind};
}

/* In front of `next`, which is in the list; NULL: at its end. */
static inline void task_list_push_before(
	struct task_list *list, struct task *next, struct task *task)
{
	struct task *prev = next != NULL ? next->prev[list->kind] : list->last;

	task->prev[list->kind] = prev;
	task->next[list->kind] = next;
	*(prev != NULL ? &prev->next[list->kind] : &list->first) = task;
	*(next != NULL ? &next->prev[list->kind] : &list->last) = task;
	list->count++;
}

static inline void task_list_push(struct task_list *list, struct task *task)
{
	task_list_push_before(list, NULL, task);
}

static inline void task_list_remove(struct task_list *list, struct task *task)
{
	struct task *prev = task->prev[list->kind], *next = task->next[list->kind];

	*(prev != NULL ? &prev->next[list->kind] : &list->first) = next;
	*(next != NULL ? &next->prev[list->kind] : &list->last) = prev;
	task->prev[list->kind] = task->next[list->kind] = NULL;
	list->count--;
}

#endif
