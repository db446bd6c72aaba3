/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_UPGRADE_H
#define SUPERVISOR_UPGRADE_H

/*
 * Another version of the daemon takes the place of this one, in the same process, by exec.  Workers and fork servers
 * are its children before and after, descriptors stay open under their numbers, and all else that the daemon knows it
 * gets as a state, see state.h.  Nobody notices, and nothing that is queued, runs or waits is lost.
 *
 * First the new program is started beside this one, to read a state and say whether it could go on with that.  Only then it
 * takes over; and if it fails even so, it hands the state back to the old program.
 *
 *	           asked             quiet                   it could                quiet
 *	 NOT ─────────────▶ WANTED ─────────▶ ON_TRIAL ────────────────────▶ SURE ─────────▶ (exec)
 *	  ▲                   │                  │                             │
 *	  └───────────────────┴──────────────────┴─────────────────────────────┘ anything fails, or takes too long
 *
 * Quiet: no worker is being forked, no fork server is loading, no reload is under way.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "supervisor/asker.h"
#include "supervisor/state.h"
#include "supervisor/tail.h"

struct session;
struct supervisor;

enum upgrade_state { UPGRADE_NOT, UPGRADE_WANTED, UPGRADE_ON_TRIAL, UPGRADE_SURE };

struct upgrade {
	enum upgrade_state state;
	struct asker *askers;
	char *program;     /* the path that this one was started from, and the next one will be */
	int old_program;   /* this one's own, whatever lies at that path by now; -1: not open */
	struct stat tried; /* the file that was tried, so that it is no other that takes over */
	pid_t trial;       /* 0: none */
	int said_fd;
	struct tail said; /* by it */
	struct event on_said, timer;
	char former[64]; /* the version that it took the place of */
	uint64_t count;  /* of those that this process has been through */
};

/* Of a daemon whose options and loop are there. */
void upgrade_init(struct supervisor *sup);
void upgrade_fini(struct supervisor *sup);

/* Begins.  The asker, if there is one, is told how it ended: by this daemon or by the next. */
void upgrade_start(struct supervisor *sup, struct session *session, uint32_t msgid);

/* At the end of each turn: takes the next step if all is quiet, which may be the last of this program. */
void upgrade_check(struct supervisor *sup);

/* Nothing is to be begun now that would disturb it. */
bool upgrade_is_near(const struct supervisor *sup);

/* This child of ours has ended, which is the trial. */
void upgrade_on_exit(struct supervisor *sup);

/* ---- save.c, load.c */

/* All there is, finished.  0 or a negative errno. */
int upgrade_save(struct supervisor *sup, struct state_writer *w);

/*
 * Into a daemon whose loop and tables are there, and nothing in them.  0, or a negative errno with the reason in `error`.
 * On trial nothing outside of it is touched.
 */
int upgrade_load(struct supervisor *sup, int fd, bool on_trial, char *error, size_t size);

/* ---- the program that takes over, which was given a state, options.resume_fd */

/* Goes on where the other one was.  If it cannot it says why, and hands the state back. */
void upgrade_resume(struct supervisor *sup);
/* All is set up: sees to what has happened meanwhile. */
void upgrade_go_on(struct supervisor *sup);
/* Says whether it could, in the words that the other one waits for.  The exit status. */
int upgrade_try(struct supervisor *sup);

#endif
