/* SPDX-License-Identifier: MIT */
#ifndef CORE_SCHEDULER_H
#define CORE_SCHEDULER_H

/*
 * A pool's policy: which task goes to which slot.  A queue and a set of slots; no I/O.
 * Tasks go to a busy slot that has less work than it takes to wake another (SCHEDULER_SPILL), else to idle
 * slots, the most recently idle one first; when none is idle, ahead of time to the busy slot with the fewest.  Where many
 * tasks wait, slots of the supervisor's own core come before others, since what both touch is in its caches; few are sooner
 * answered from another core.  A slot that
 * falls idle while nothing is queued gets what was handed ahead to another, if that has more work than that.  What is handed ahead is got back as well when it would keep a
 * task waiting that has the right of way, and when its worker makes no progress.
 *
 * At most `width` slots run tasks at a time.  One whose task waits for calls of its own does
 * not count: it lends its place to another slot, of which there may be more than `width`.
 *
 * Tasks that are processes have a queue and slots of their own, which count nowhere in that: each of these slots is
 * there for one of them.
 */

#include "core/queue.h"
#include "core/slot.h"
#include "core/task.h"

/* A wait that is worth the trouble of getting tasks back from a worker, ns. */
#define SCHEDULER_PATIENCE 200000ULL

/*
 * Work that a busy worker is given before an idle one is woken for it, ns: about what the waking costs
 * (40 to 90 us where it was measured, on another core).
 */
#define SCHEDULER_SPILL 50000ULL

/* Work of one client that may go in front of that of others, ns, in tasks much shorter than that. */
#define SCHEDULER_TURN 20000ULL

enum {
	SCHEDULER_MANY = 32,     /* tasks that wait, for which the core matters */
	SCHEDULER_PLENTY = 1024, /* in all, beyond which tiny ones go SLOT_DEPTH ahead */
};

struct scheduler {
	struct queue queue, processes;
	struct slot *slots;
	uint32_t slot_count; /* in use, some of which may be absent again */
	uint32_t slot_max;
	uint32_t width;
	int home;       /* the core whose slots come first; -1: it does not matter */
	uint32_t ahead; /* tasks that a slot gets while it has little work */
	size_t most;    /* tasks that there were at once of late */
};

/* Room for `slot_max` slots, of which none is in use.  0 or -ENOMEM. */
int scheduler_init(struct scheduler *scheduler, uint32_t slot_max);
void scheduler_fini(struct scheduler *scheduler);

/* A slot that is absent, which is then empty; NULL: there are no more. */
struct slot *scheduler_want_slot(struct scheduler *scheduler, int core);

/* Sets how many tasks are a client's turn, by how long tasks take at present. */
void scheduler_set_turns(struct scheduler *scheduler);

/* The core that the supervisor is at, until it is told again; see above. */
void scheduler_set_home(struct scheduler *scheduler, int core);

/* Sets how far ahead tiny tasks are handed, by how many tasks there have been at once of late. */
void scheduler_set_ahead(struct scheduler *scheduler);

/* Where to hand this task, the first of the queue.  NULL: nowhere for now. */
struct slot *scheduler_pick_slot(struct scheduler *scheduler, const struct task *task);

/* A slot makes no progress: something takes long, and what comes now may do so as well. */
bool scheduler_has_stalled(const struct scheduler *scheduler);

/* Is it at work, with so little that this task may follow the one before it there?  If nothing has stalled. */
bool scheduler_is_near(
	const struct scheduler *scheduler, const struct slot *slot, const struct task *task);

/* Where to hand the first of `processes`; NULL: there is no worker for it yet. */
struct slot *scheduler_pick_for_process(struct scheduler *scheduler);

/* An idle slot that may run something; NULL: none. */
struct slot *scheduler_find_idle(struct scheduler *scheduler);

/*
 * For an idle slot while nothing is queued: the slot to take tasks back from, NULL for none, and
 * how many at the most.
 */
struct slot *scheduler_pick_victim(struct scheduler *scheduler, uint32_t *ret_count);

/*
 * Would this task wait for long behind others that it has precedence over: of lower priority, or of
 * clients that have several with workers when its own has none?  If its own was served after those, one of their
 * tasks goes first, or clients that come back at once would keep them waiting for ever.  The entry of
 * the slot in front of which the task belongs; 0: it has nothing to gain.  What the slot is at, or about to begin with, stays.
 */
uint32_t scheduler_find_place(
	const struct task_table *tasks, struct slot *slot, const struct task *task);

/* The slot with the shortest backlog among those that have something handed ahead; NULL: none. */
struct slot *scheduler_pick_yielding(struct scheduler *scheduler);

/* Slots of the pool that are at work on something. */
uint32_t scheduler_running(const struct scheduler *scheduler);
uint32_t scheduler_count(const struct scheduler *scheduler, enum slot_state state);
/* Places of the pool that are lent, and by this slot. */
uint32_t scheduler_lending(const struct scheduler *scheduler);
bool scheduler_lends(const struct slot *slot);

/* Slots that wait for a process, whether they have a worker already or not. */
uint32_t scheduler_awaiting(const struct scheduler *scheduler);

/* Tasks handed to workers and not answered, the running ones included. */
uint32_t scheduler_in_flight(const struct scheduler *scheduler);

/* No slot has a worker or will ever get one. */
bool scheduler_is_dead(const struct scheduler *scheduler);
/* The same of those for processes, of which there is one. */
bool scheduler_is_dead_for_processes(const struct scheduler *scheduler);

#endif
