/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SPAWN_H
#define WORKER_SPAWN_H

/*
 * Where processes come from: the only file that forks.
 *
 * A worker is forked twice, so that it is not the fork server's child: when the process in
 * between ends, the worker's parent becomes the supervisor, which is a child subreaper and
 * learns from the kernel how the worker ended.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* ---- workers */

enum spawn_side { SPAWN_PARENT = 0, SPAWN_WORKER = 1 };

/* A worker that waits for its order. */
struct spawn_birth {
	pid_t pid; /* 0: none */
	int pidfd; /* of the worker; -1 where the system has none, as under valgrind */
	int go;    /* SOCK_SEQPACKET, on which its order comes: in either of them its own end */
};

/*
 * Forks a worker.  Returns twice: SPAWN_PARENT in the fork server with *ret filled, when the
 * worker is already the child of the supervisor; and SPAWN_WORKER in the worker, of which only
 * ret->go is filled: it is to wait there for its order, and ends if that does not come, as the fork server has
 * died.  Or a negative errno in the fork server.
 */
int spawn_worker(struct spawn_birth *ret);

/* ---- commands */

enum spawn_step { SPAWN_FORK, SPAWN_CHDIR, SPAWN_EXEC };

struct spawn_command {
	char *const *argv;
	char *const *envp;
	char *const *files; /* what to try to execute, in this order; NULL-terminated */
	char **shell_argv;  /* room for argv with two more before its second: see spawn.c */
	const char *cwd;
	int stdio[3]; /* become 0, 1 and 2; all above 2 */
};

/*
 * Starts a command in a process group of its own, which dies with the caller, with no
 * signal blocked or ignored and no other descriptor than its three.  0 and its pid, the
 * caller's child to be waited for; or a negative errno and the step that failed, and then
 * there is no process.  The caller blocks all signals around it.
 */
int spawn_command(const struct spawn_command *command, pid_t *ret_pid, enum spawn_step *ret_step);

#endif
