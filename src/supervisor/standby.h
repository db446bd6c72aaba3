/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_STANDBY_H
#define SUPERVISOR_STANDBY_H

/*
 * The worker that stands by: a fork server makes it when nothing has been asked for in a while, it does all that needs no
 * order, and waits for one.  So when a worker dies, the next one needs no fork, no pipes and no turn of the fork server.
 *
 *	       asked          answered          ordered            taken
 *	 NONE ───────▶ ASKED ──────────▶ READY ─────────▶ ORDERED ───────▶ NONE: it is a worker
 *	  ▲              │ dropped         │ dropped         │ not taken
 *	  │              ▼                 ▼                 │
 *	  │           UNWANTED ────────▶ LEAVING ◀───────────┘
 *	  │                   answered     │
 *	  └────────────────────────────────┘ has ended; also READY
 *
 * Nobody but us has its other ends, so that it ends when they are closed.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/kit.h"

struct forkserver;
struct supervisor;
struct worker;

enum standby_state {
	STANDBY_NONE,
	STANDBY_ASKED,
	STANDBY_UNWANTED, /* asked for, and dropped before it came */
	STANDBY_READY,
	STANDBY_ORDERED,
	STANDBY_LEAVING,
};

struct standby {
	enum standby_state state;
	bool wanted;               /* one is to be made when there is none */
	uint32_t request;          /* the msgid of that */
	pid_t pid;                 /* 0: none */
	int go;                    /* where its order goes; -1: none */
	struct kit kit;            /* KIT_NONE without it */
	const struct worker *next; /* ORDERED: which it is to be */
	struct event timer;
};

void standby_init(struct forkserver *fs);

/* A worker was made: the next one is to stand by, as soon as nothing else is asked for. */
void standby_want(struct forkserver *fs);

/* The same, if that was so before an upgrade was tried. */
void standby_restore(struct forkserver *fs);

/*
 * An answer of the fork server: its pid, 0 with an error, and its socket, which is taken.  False: it is the answer to something
 * else.
 */
bool standby_on_answer(struct forkserver *fs, uint32_t request, pid_t pid, int *go);
/* That is still to come. */
bool standby_is_awaited(const struct forkserver *fs);

/*
 * The worker is dead, and its slot will get another at once: that begins already while the rest is dealt with.  If its turn does not come
 * then, standby_check() ends it, and it has got no task.
 */
void standby_order(struct worker *worker);
bool standby_is_for(const struct worker *worker);
void standby_check(const struct worker *worker);

/* It becomes this worker, whose slot is empty.  False: there is none. */
bool standby_take(struct forkserver *fs, struct worker *worker);

/* There is to be none: it ends by itself, soon. */
void standby_drop(struct forkserver *fs);
/* The same for all of them, and waits for that; whoever goes on makes them again. */
void standbys_end(struct supervisor *sup);

/* Whose this is; NULL: nobody's. */
struct forkserver *standby_find(const struct supervisor *sup, pid_t pid);
/* It has ended and can be reaped. */
void standby_on_exit(struct forkserver *fs);

#endif
