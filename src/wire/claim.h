/* SPDX-License-Identifier: MIT */
#ifndef WIRE_CLAIM_H
#define WIRE_CLAIM_H

/*
 * The page of memory that a worker shares with the supervisor.  It decides, for
 * each task handed to the worker, who has it: the worker that starts it, or the
 * supervisor that takes it back (to cancel it, or to give it to a worker that is
 * idle).  Both try to move its word away from "offered" by compare-and-swap, so
 * exactly one of them succeeds.  When a worker dies, the words tell exactly which
 * task had started.
 *
 * Tasks are numbered by a sequence number, which is also the msgid on the
 * worker's pipes: it starts at 1, grows by one a task and wraps within SEQ_MASK.
 * Task `seq` has the word seq % CLAIM_RING, and a word holds the number of its task, so
 * that a word used again for a later task is never mistaken.  The supervisor keeps the
 * distance between any two tasks in flight below CLAIM_RING.
 *
 * Behind the page lies room for the results of a chunk (the function ruche.map): the worker
 * copies each there before it starts the next item, so that they outlive it.
 *
 * And behind that for answers that are held back: those of tiny tasks, which the worker writes to
 * its pipe many at a time.  Until then the supervisor can take them from here, when the worker dies or is
 * long in coming.
 *
 * The worker may write anything here at any time.  The supervisor reads words, never
 * follows them.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/copy.h"

enum {
	CLAIM_RING = 512,
	CLAIM_PAGE_SIZE = 8192,
	CLAIM_PARTIAL_SIZE = 256 * 1024,
	CLAIM_PARTIAL_HEAD = 64,
	CLAIM_PARTIAL_MAX = CLAIM_PARTIAL_SIZE - CLAIM_PARTIAL_HEAD, /* bytes of results */
	CLAIM_HELD_SIZE = 16 * 1024,
	CLAIM_HELD_HEAD = 64,
	CLAIM_HELD_MAX = CLAIM_HELD_SIZE - CLAIM_HELD_HEAD, /* bytes of answers */
	CLAIM_SHARED_SIZE =
		CLAIM_PAGE_SIZE + CLAIM_PARTIAL_SIZE + CLAIM_HELD_SIZE, /* what is mapped */
};

#define CLAIM_SEQ_MASK 0x3fffffffU

enum claim_state { CLAIM_OFFERED = 1, CLAIM_STARTED = 2, CLAIM_TAKEN = 3 };

struct claim_page {
	_Atomic uint32_t word[CLAIM_RING];
	/* The task that should stop and by which signal: seq << 32 | signal; 0: none. */
	_Atomic uint64_t stop;
	uint8_t unused[56]; /* what the worker writes for each task has a cache line of its own */
	/* The worker's own account: tasks that it has run, and ns that they have taken. */
	_Atomic uint64_t done;
	_Atomic uint64_t busy;
	uint8_t unused_too[48];
	/* The arena that a task may use, see wire/arena.h; 0: none.  Written before the task is offered. */
	_Atomic uint32_t arena[CLAIM_RING];
	_Atomic uint32_t birth;   /* the worker's own number, by which an arena's lanes know it */
	_Atomic uint32_t command; /* the process that is the task's command; 0: none; for people */
};

/* The results of the chunk that runs: pairs [error, result], packed one behind the other. */
struct claim_partial {
	_Atomic uint64_t done; /* seq << 32 | bytes that are valid */
	uint8_t unused[CLAIM_PARTIAL_HEAD - sizeof(uint64_t)];
	uint8_t bytes[CLAIM_PARTIAL_MAX];
};

/* Whole responses, packed one behind the other. */
struct claim_held {
	_Atomic uint64_t state; /* how often they were written << 32 | bytes that are valid */
	uint8_t unused[CLAIM_HELD_HEAD - sizeof(uint64_t)];
	uint8_t bytes[CLAIM_HELD_MAX];
};

_Static_assert(sizeof(struct claim_page) <= CLAIM_PAGE_SIZE,
	"the claim words fit in front of the results");
_Static_assert(
	sizeof(struct claim_partial) == CLAIM_PARTIAL_SIZE, "and the rest is as large as told");
_Static_assert(sizeof(struct claim_held) == CLAIM_HELD_SIZE, "and so is this");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
	"claim words are shared between processes");

static inline uint32_t claim_value(uint32_t seq, enum claim_state state)
{
	return (seq & CLAIM_SEQ_MASK) << 2 | (uint32_t)state;
}

static inline uint32_t claim_next_seq(uint32_t seq)
{
	seq = (seq + 1) & CLAIM_SEQ_MASK;
	return seq == 0 ? CLAIM_RING : seq; /* 0 is no task; the ring position stays in step */
}

static inline bool claim_move(struct claim_page *page, uint32_t seq, enum claim_state to)
{
	uint32_t expected = claim_value(seq, CLAIM_OFFERED);

	return atomic_compare_exchange_strong(
		&page->word[seq % CLAIM_RING], &expected, claim_value(seq, to));
}

/* Supervisor: before the task's bytes are written to the pipe, by which the worker comes to know of it. */
static inline void claim_offer(struct claim_page *page, uint32_t seq)
{
	atomic_store_explicit(&page->word[seq % CLAIM_RING], claim_value(seq, CLAIM_OFFERED),
		memory_order_release);
}

/* Worker: which arena its task may use. */
static inline uint32_t claim_arena(const struct claim_page *page, uint32_t seq)
{
	return atomic_load_explicit(&page->arena[seq % CLAIM_RING], memory_order_relaxed);
}

/* Supervisor: before that.  What is there already is not written again: so both processors keep it in their caches. */
static inline void claim_set_arena(struct claim_page *page, uint32_t seq, uint32_t id)
{
	if (claim_arena(page, seq) != id)
		atomic_store_explicit(&page->arena[seq % CLAIM_RING], id, memory_order_relaxed);
}

/* Worker: the task that it runs has started a command; 0: or will, or not. */
static inline void claim_set_command(struct claim_page *page, uint32_t pid)
{
	atomic_store_explicit(&page->command, pid, memory_order_relaxed);
}

static inline uint32_t claim_command(const struct claim_page *page)
{
	return atomic_load_explicit(&page->command, memory_order_relaxed);
}

/* Worker: true if the task is its own to run; false if it must be skipped. */
static inline bool claim_start(struct claim_page *page, uint32_t seq)
{
	return claim_move(page, seq, CLAIM_STARTED);
}

/* Supervisor: true if the task will never be started by this worker. */
static inline bool claim_take(struct claim_page *page, uint32_t seq)
{
	return claim_move(page, seq, CLAIM_TAKEN);
}

/*
 * Worker: may it be skipped, since the supervisor has taken it back, and may have used its word again since then?  If not, somebody has
 * written to the words who should not, and no task can be told from another.
 */
static inline bool claim_was_taken(struct claim_page *page, uint32_t seq)
{
	uint32_t value = atomic_load(&page->word[seq % CLAIM_RING]);

	return value == claim_value(seq, CLAIM_TAKEN) ||
	       (value >> 2 != seq && value >> 2 != 0 &&
		       (value >> 2) % CLAIM_RING == seq % CLAIM_RING);
}

/* Supervisor: has the worker started it?  Anything but a clean "offered" counts as started. */
static inline bool claim_is_started(struct claim_page *page, uint32_t seq)
{
	return atomic_load(&page->word[seq % CLAIM_RING]) != claim_value(seq, CLAIM_OFFERED);
}

static inline void claim_request_stop(struct claim_page *page, uint32_t seq, int signal)
{
	atomic_store(&page->stop, (uint64_t)seq << 32 | (uint32_t)signal);
}

/* Supervisor: the task has ended; its number may come again. */
static inline void claim_clear_stop(struct claim_page *page)
{
	atomic_store(&page->stop, 0);
}

/* Worker: the signal that task `seq` is to be stopped by, or 0. */
static inline int claim_stop_signal(struct claim_page *page, uint32_t seq)
{
	uint64_t stop = atomic_load(&page->stop);

	return (uint32_t)(stop >> 32) == seq ? (int)(uint32_t)stop : 0;
}

/* Worker: one more task has taken so long. */
static inline void claim_account(struct claim_page *page, uint64_t ns)
{
	atomic_store_explicit(&page->busy,
		atomic_load_explicit(&page->busy, memory_order_relaxed) + ns, memory_order_relaxed);
	atomic_store_explicit(&page->done,
		atomic_load_explicit(&page->done, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Supervisor: what it says of that, which need not be true. */
static inline void claim_read_account(
	const struct claim_page *page, uint64_t *ret_done, uint64_t *ret_busy)
{
	*ret_done = atomic_load_explicit(&page->done, memory_order_relaxed);
	*ret_busy = atomic_load_explicit(&page->busy, memory_order_relaxed);
}

/* ---- results of a chunk; `page` must be the beginning of CLAIM_SHARED_SIZE bytes */

static inline struct claim_partial *claim_partial_of(struct claim_page *page)
{
	return (struct claim_partial *)((uint8_t *)page + CLAIM_PAGE_SIZE);
}

/* Worker: the chunk `seq` has no results yet. */
static inline void claim_partial_begin(struct claim_page *page, uint32_t seq)
{
	atomic_store(&claim_partial_of(page)->done, (uint64_t)seq << 32);
}

/*
 * Worker: one more result of the chunk that it has begun.  False: there is no room for it.  It is the only one who writes
 * here, and who reads does so when it has died.
 */
static inline bool claim_partial_add(struct claim_page *page, const void *data, size_t len)
{
	struct claim_partial *partial = claim_partial_of(page);
	uint64_t done = atomic_load_explicit(&partial->done, memory_order_relaxed);
	size_t at = (uint32_t)done;

	if (at > CLAIM_PARTIAL_MAX || len > CLAIM_PARTIAL_MAX - at)
		return false;
	copy_few(partial->bytes + at, data, len);
	atomic_store_explicit(&partial->done, done + len, memory_order_release);
	return true;
}

/*
 * Supervisor: the results of the chunk `seq`, of which there may be none yet; NULL if it is no chunk.  What is there may be
 * anything, and may change as long as anybody has the page: copy it first, then scan it.
 */
static inline const uint8_t *claim_partial(struct claim_page *page, uint32_t seq, size_t *ret_len)
{
	struct claim_partial *partial = claim_partial_of(page);
	uint64_t done = atomic_load(&partial->done);
	size_t len = (uint32_t)done;

	if ((uint32_t)(done >> 32) != seq || len > CLAIM_PARTIAL_MAX)
		return NULL;
	*ret_len = len;
	return partial->bytes;
}

/* ---- answers held back; likewise */

static inline struct claim_held *claim_held_of(struct claim_page *page)
{
	return (struct claim_held *)((uint8_t *)page + CLAIM_PAGE_SIZE + CLAIM_PARTIAL_SIZE);
}

/* Worker: one more.  False: there is no room for it. */
static inline bool claim_hold(struct claim_page *page, const void *data, size_t len)
{
	struct claim_held *held = claim_held_of(page);
	uint64_t state = atomic_load_explicit(&held->state, memory_order_relaxed);
	size_t at = (uint32_t)state;

	if (at > CLAIM_HELD_MAX || len > CLAIM_HELD_MAX - at)
		return false;
	memcpy(held->bytes + at, data, len);
	atomic_store_explicit(&held->state, state + len, memory_order_release);
	return true;
}

/* Worker: they are written now, and there is none. */
static inline void claim_held_written(struct claim_page *page)
{
	struct claim_held *held = claim_held_of(page);
	uint64_t state = atomic_load_explicit(&held->state, memory_order_relaxed);

	atomic_store(&held->state, ((state >> 32) + 1) << 32);
	atomic_thread_fence(memory_order_release); /* before the bytes of the next one */
}

/*
 * Supervisor: copies what is held, CLAIM_HELD_MAX bytes at the most, which may be anything.  How much; 0 also
 * when it was being written just now.
 */
static inline size_t claim_copy_held(struct claim_page *page, void *to)
{
	struct claim_held *held = claim_held_of(page);
	uint64_t state = atomic_load_explicit(&held->state, memory_order_acquire);
	size_t len = (uint32_t)state;

	if (len > CLAIM_HELD_MAX)
		return 0;
	memcpy(to, held->bytes, len);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&held->state, memory_order_relaxed) >> 32 == state >> 32 ? len
											     : 0;
}

#endif
