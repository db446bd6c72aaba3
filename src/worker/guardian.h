/* SPDX-License-Identifier: MIT */
#ifndef WORKER_GUARDIAN_H
#define WORKER_GUARDIAN_H

/*
 * The fork server's list of the workers it has forked, each held by a pidfd so that a pid
 * used again is never taken for a worker.  Where there are no pidfds, as under valgrind, it goes by
 * the pid and the session, which a worker leads.
 */

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

struct guardian {
	struct pollfd *held; /* pidfds, owned, readable once the worker is dead; -1: none */
	pid_t *pids;
	size_t count, cap;
};

/* Room for one more, so that the next guardian_hold() cannot fail.  Forgets the dead.  0 or -ENOMEM. */
int guardian_prepare(struct guardian *guardian);

/* Holds a worker; takes `pidfd`. */
void guardian_hold(struct guardian *guardian, pid_t pid, int pidfd);

/*
 * Leaves no worker and nothing that descends from one: gives those that die by themselves a
 * moment to do so, and kills the others.  Blocks for that long.
 */
void guardian_kill(struct guardian *guardian);

void guardian_fini(struct guardian *guardian); /* kills nobody */

#endif
