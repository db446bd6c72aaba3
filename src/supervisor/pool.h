/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_POOL_H
#define SUPERVISOR_POOL_H

/*
 * A pool: a named set of slots with one runtime, its code and its settings.  core/scheduler.h
 * is its policy, staff.h how many workers it has, and a fork server makes them.  When the daemon
 * is reloaded a second fork server loads the new code, and takes the place of the first
 * when all is well; the first one stays as long as it has workers.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/scheduler.h"
#include "supervisor/asker.h"
#include "supervisor/functions.h"

struct forkserver;
struct pool_config;
struct session;
struct supervisor;
struct worker;

struct pool {
	struct supervisor *sup;
	uint8_t index;
	const struct pool_config *config;
	struct scheduler scheduler;
	struct worker *workers; /* one for each slot */
	uint32_t min, max, spare;
	uint32_t usable_cores; /* for its workers */
	int *cores;            /* to pin workers to, in turn; one for each of max, -1 for none */

	struct functions functions;
	struct forkserver *forkserver; /* that makes workers now */
	struct forkserver *former;     /* those before it */

	/* While the daemon is reloaded. */
	struct forkserver *next;
	const struct pool_config *next_config;
	struct worker *trial; /* the first one of the new code */
	bool tried;

	size_t open_tasks; /* that have not ended, wherever they are */
	bool resized;      /* has another size than the config says */
	bool hidden;       /* the config names it no more, or not yet */
	bool paused;       /* hands nothing out */
	bool drained;      /* takes nothing new */
	bool told_drained; /* that nothing is left */
	struct asker *drainers;

	struct event look_timer; /* at its workers, see staff.h */
	uint64_t look_in;        /* ns; that is set to so long; 0: it is not */
	uint64_t surplus_since;  /* ns; 0: there are no more workers than are wanted */
};

/* All of the config's pools, their workers still to be made.  0, or a negative errno. */
int pools_init(struct supervisor *sup);
void pools_fini(struct supervisor *sup);

/* One pool more, hidden.  0, or a negative errno. */
int pool_add(struct supervisor *sup, const struct pool_config *config, struct pool **ret);

/* Takes the size and the cores that the config says.  0, or a negative errno with nothing changed. */
int pool_set_size(struct pool *pool, const struct pool_config *config);

/* NULL: no pool that is not hidden has this name. */
struct pool *pool_find(struct supervisor *sup, const char *name, size_t len);

/* What is wrong; "" if nothing is. */
const char *pool_problem(const struct pool *pool);
const char *pools_problem(const struct supervisor *sup);

uint32_t pools_in_flight(const struct supervisor *sup);

/* Nothing is queued and nothing runs. */
bool pool_is_empty(const struct pool *pool);

/* Another size than the config's, until the next reload.  0 or a negative errno. */
int pool_resize(struct pool *pool, uint32_t min, uint32_t max);

/* Answered when the pool, or for NULL every pool, is empty. */
void pool_wait_drained(struct session *session, uint32_t msgid, struct pool *pool);
/* It has become empty, or is to be drained: those are told. */
void pool_check_drained(struct pool *pool);

#endif
