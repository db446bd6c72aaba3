/* SPDX-License-Identifier: MIT */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

/*
 * One place for a worker: its state, and the tasks handed to the worker, in order.
 *
 *	           give up
 *	 FAILED ◀──────────────────────────────┐
 *	                                       │
 *	          fork asked        ready      │           handed         stop
 *	 EMPTY ───────────▶ STARTING ─────▶ IDLE ◀──────────────▶ BUSY ────────▶ STOPPING
 *	 ▲ ▲ ▲                 │             │       drained       │                │
 *	 │ │ │                 ▼ death       ▼ death               ▼ death          ▼ death
 *	 │ │ └──────────────────────────── (EMPTY) ──────────────────────────────────┘
 *	 │ │ retry                             │ back off
 *	 │ └────────────── WAITING ◀───────────┘
 *	 │ wanted
 *	 └── ABSENT ◀── dismissed: EMPTY, WAITING, FAILED
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/restart.h"
#include "core/task.h"

enum {
	SLOT_DEPTH = 512, /* tasks in flight to one worker, the running one included */
	SLOT_AHEAD = 128, /* of these, where there are only some, or they are not tiny */
};

/*
 * Work that is handed ahead, ns, beside the next task: more gains nothing, and would have to be got back
 * again and again when others have precedence.
 */
#define SLOT_BACKLOG_MAX 2000000ULL

enum slot_state {
	SLOT_ABSENT,   /* wants none */
	SLOT_EMPTY,    /* wants a worker */
	SLOT_STARTING, /* one was asked for */
	SLOT_IDLE,
	SLOT_BUSY,
	SLOT_STOPPING, /* its worker is being killed */
	SLOT_WAITING,  /* for the time to try again */
	SLOT_FAILED,   /* given up */
	SLOT_STATES
};

enum slot_event {
	SLOT_ON_FORK,
	SLOT_ON_READY,
	SLOT_ON_HANDED,
	SLOT_ON_DRAINED,
	SLOT_ON_STOP,
	SLOT_ON_DEATH,
	SLOT_ON_BACK_OFF,
	SLOT_ON_RETRY,
	SLOT_ON_GIVE_UP,
	SLOT_ON_WANT,
	SLOT_ON_DISMISS,
	SLOT_EVENTS
};

struct slot_entry {
	uint32_t seq;
	struct ref task; /* REF_NONE: taken back */
};

struct slot {
	uint32_t index;
	enum slot_state state;
	int core; /* -1: not pinned */
	struct restart restart;
	uint64_t idle_since; /* ns */

	/* A ring: `count` entries from `first`, of which `live` are not taken back. */
	struct slot_entry entries[SLOT_DEPTH];
	uint32_t first, count, live;
	const struct flow
		*last_flow;  /* of what was handed last, never followed; NULL: it does not matter */
	uint32_t last_order; /* and its order in that */
	uint8_t lowest; /* priority of what was handed since it was idle, as a level of the queue */
	bool clogged;   /* its worker takes no more bytes for now */
	bool exclusive; /* what it has in flight tolerates no other */
	bool lending;   /* its task waits for calls of its own: another worker may run meanwhile */
	bool leaving;   /* gets no more tasks, and its worker ends when it has none */
	bool stalled;   /* makes no progress: nothing is handed ahead to it until it does */
	bool reserve;   /* is not to be used yet */
	bool process;   /* is there for one task that is a process, beside the pool's others */
	bool is_replaced;  /* another one is on its way to take its place */
	bool stays;        /* though it is outdated: what was to replace it failed */
	uint32_t replaces; /* it is that other one, for slot `replaces` - 1; 0: for none */
	uint32_t place;    /* among the pool's cores */

	uint64_t service;              /* ns that a task takes, a moving average */
	uint64_t measured_at;          /* ns; up to when that has been looked at, */
	uint64_t said_done, said_busy; /* and what the worker's account then was */
	uint64_t handed, handed_max;   /* tasks to the present worker; 0: no limit */

	uint64_t done, crashed, restarts; /* since the start, for status */
};

const char *slot_state_name(enum slot_state state);

void slot_init(struct slot *slot, uint32_t index, int core); /* SLOT_ABSENT */

/* Moves to the state that the table gives; an event that the state does not know is our own bug. */
void slot_change(struct slot *slot, enum slot_event event);

bool slot_is_alive(const struct slot *slot); /* has a worker, or one on its way */

/* How long what is in front of a task handed to it now would take, by what is known. */
static inline uint64_t slot_backlog(const struct slot *slot)
{
	return slot->service * slot->live;
}

/* May this task be handed to it now, ahead of time if it is busy?  An idle one looks at no task: NULL. */
bool slot_can_take(const struct slot *slot, const struct task *task);

/* It has, or will have, a worker that no process has had yet. */
bool slot_awaits_process(const struct slot *slot);

/* Was something handed to it last that came after this task, of the same client? */
static inline bool slot_has_later(const struct slot *slot, const struct task *task)
{
	return slot->live > 0 && slot->last_flow == task->flow &&
	       (int32_t)(slot->last_order - task->order) > 0;
}

/* Hands it a task under the worker's next sequence number.  slot_can_take() must be true. */
void slot_push(struct slot *slot, uint32_t seq, struct task *task, uint64_t now);

/* Entry `i` of slot->count, oldest first. */
static inline struct slot_entry *slot_entry_at(struct slot *slot, uint32_t i)
{
	return &slot->entries[(slot->first + i) % SLOT_DEPTH];
}

/* The oldest entry that was not taken back; NULL: none.  Valid until the next change. */
static inline const struct slot_entry *slot_head(struct slot *slot)
{
	for (; slot->count > 0; slot->count--, slot->first = (slot->first + 1) % SLOT_DEPTH)
		if (slot_entry_at(slot, 0)->task.generation != 0)
			return slot_entry_at(slot, 0);
	return NULL;
}

/*
 * Ends the head, which must be there.  `now` is when the slot became idle if that was its
 * last task.
 */
void slot_pop(struct slot *slot, uint64_t now);

/* The supervisor got this entry back: its worker will skip it. */
void slot_take_back(struct slot *slot, struct slot_entry *entry);

/*
 * `count` of its tasks were answered by now: how long does one take?  Its worker says that it has run `done` in all,
 * which took it `busy` ns; it is believed as far as the clock allows.
 */
void slot_measure(struct slot *slot, uint32_t count, uint64_t done, uint64_t busy, uint64_t now);

/* After the worker's death, when all entries have been dealt with. */
void slot_clear(struct slot *slot);

#endif
