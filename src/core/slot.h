/* SPDX-License-Identifier: MIT */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

/*
 * One place for a worker: its state, and the tasks handed to the worker, in order.
 *
 *	                       give up
 *	 FAILED ◀──────────────────────────────┐
 *	                                       │
 *	          fork asked        ready      │           handed         stop
 *	 EMPTY ───────────▶ STARTING ─────▶ IDLE ◀──────────────▶ BUSY ────────▶ STOPPING
 *	   ▲ ▲                 │             │       drained       │                │
 *	   │ │                 ▼ death       ▼ death               ▼ death          ▼ death
 *	   │ └──────────────────────────── (EMPTY) ──────────────────────────────────┘
 *	   │ retry                             │ back off
 *	   └────────────── WAITING ◀───────────┘
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/restart.h"
#include "core/task.h"

enum { SLOT_DEPTH = 64 }; /* tasks in flight to one worker, the running one included */

enum slot_state {
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
	bool clogged;   /* its worker takes no more bytes for now */
	bool exclusive; /* what it has in flight tolerates no other */

	uint64_t done, crashed, restarts; /* for status */
};

const char *slot_state_name(enum slot_state state);

void slot_init(struct slot *slot, uint32_t index, int core);

/* Moves to the state that the table gives; an event that the state does not know is our own bug. */
void slot_change(struct slot *slot, enum slot_event event);

bool slot_is_alive(const struct slot *slot); /* has a worker, or one on its way */

/* May this task be handed to it now, ahead of time if it is busy? */
bool slot_can_take(const struct slot *slot, const struct task *task);

/* Hands it a task under the worker's next sequence number.  slot_can_take() must be true. */
void slot_push(struct slot *slot, uint32_t seq, struct task *task, uint64_t now);

/* The oldest entry that was not taken back; NULL: none.  Valid until the next change. */
const struct slot_entry *slot_head(struct slot *slot);

/*
 * Ends the head, which must be there.  `now` is when the slot became idle if that was its
 * last task.
 */
void slot_pop(struct slot *slot, uint64_t now);

/* Entry `i` of slot->count, oldest first. */
struct slot_entry *slot_entry_at(struct slot *slot, uint32_t i);

/* The supervisor got this entry back: its worker will skip it. */
void slot_take_back(struct slot *slot, struct slot_entry *entry);

/* After the worker's death, when all entries have been dealt with. */
void slot_clear(struct slot *slot);

#endif
