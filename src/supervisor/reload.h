/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

/*
 * New code and settings without losing a task.  The config is read anew; for each pool a second
 * fork server loads the new code and makes one worker with it, on trial.  Only when all of
 * that went well does the new config take the place of the old one, and workers are replaced one after another,
 * each by one that is ready before it leaves.  Else all stays as it was.
 *
 *	           asked                  every pool's trial is ready       no old worker gets tasks
 *	 NOT ────────────────▶ LOADING ──────────────────────────────▶ MOVING ───────────────▶ NOT
 *	  ▲                       │
 *	  └───────────────────────┘ anything fails
 */

#include <stdbool.h>

#include "supervisor/asker.h"
#include "supervisor/config.h"

struct forkserver;
struct session;
struct supervisor;
struct worker;

enum reload_state { RELOAD_NOT, RELOAD_LOADING, RELOAD_MOVING };

struct reload {
	enum reload_state state;
	bool again;                   /* was asked for meanwhile */
	struct config config;         /* the new one, while LOADING */
	struct asker *askers, *later; /* of this one; of the one after it */
	struct config *kept;          /* old ones that pools which are going still refer to */
	size_t kept_count;
};

/* Begins, or notes that it is to begin again.  The asker, if there is one, is told how it ended. */
void reload_start(struct supervisor *sup, struct session *session, uint32_t msgid);

/* A new fork server has loaded its code; the worker on trial is ready. */
void reload_on_loaded(struct forkserver *fs);
void reload_on_ready(struct worker *worker);
/* Either of them failed. */
void reload_on_failed(struct supervisor *sup, const char *why);

/* What a worker is to have that is being made: on trial, what is not in force yet. */
const struct config *reload_config(const struct worker *worker);
const struct pool_config *reload_pool_config(const struct worker *worker);

/* Has it come to its end? */
void reload_check(struct supervisor *sup);

/* What the config says of each function. */
void reload_apply_functions(struct supervisor *sup);

void reload_fini(struct supervisor *sup);

#endif
