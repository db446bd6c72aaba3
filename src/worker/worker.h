/* SPDX-License-Identifier: MIT */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

/*
 * A worker: reads a call from its task pipe, runs it, writes the answer to its result pipe,
 * and nothing else.  It runs whatever plugins hold, so it trusts itself least of all: it
 * keeps no state that another process depends on, except its claim page.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "wire/link.h"
#include "worker/plugin.h"
#include "worker/settings.h"

/* Where a worker finds its pipes, as long as it lives; all else above stderr is closed. */
enum {
	WORKER_TASKS_FD = 3,
	WORKER_RESULTS_FD = 4,
	WORKER_ARENAS_FD = 5,
	WORKER_OOM_FD = 6,            /* memory.oom_control of its group, if there is one on v1 */
	WORKER_GO_FD = WORKER_OOM_FD, /* and before that, where its order comes */
};

/* All that a worker inherits from its fork server, and behind that what comes with its order. */
struct worker_birth {
	const struct plugins *plugins;
	const struct settings *settings;
	pid_t supervisor;
	int go;                /* where the order comes */
	int fds[LINK_FDS_MAX]; /* LINK_WORKER_FDS at first */

	size_t groups;    /* of them, control groups to enter */
	bool watches_oom; /* and the one behind those is for WORKER_OOM_FD */
	int group_error;  /* why it could not enter them; 0: it has */
	int slot;
	int core; /* to be pinned to; -1: none */
	size_t frame_max;
	char token[LINK_TOKEN_MAX + 1]; /* "": none */
};

/*
 * Makes a fresh fork of the fork server a worker, as far as it goes without its order, waits for that, and works until the
 * task pipe ends.  Takes the descriptors.  Returns the exit status.
 */
int worker_main(struct worker_birth *birth);

#endif
