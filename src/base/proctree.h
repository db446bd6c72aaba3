/* SPDX-License-Identifier: MIT */
#ifndef BASE_PROCTREE_H
#define BASE_PROCTREE_H

/*
 * Process trees, by the parent relation that the kernel keeps: unlike a process group
 * or a session, no process can leave it.  It holds for as long as the root lives and is
 * a child subreaper, because then the orphans inside stay inside.
 *
 * Each call but the first reads all of /proc: some milliseconds on a busy machine, so for the
 * death of a task, not for its life.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* 0: it has none that this process can see.  -ESRCH: there is no such process, or it has ended. */
pid_t proctree_parent(pid_t pid);

/*
 * Sends `signal` to every descendant of `root` that `spare` does not name; the descendants
 * of a spared child are spared too.  `spare` may be NULL.  The number signalled, or a
 * negative errno.
 */
int proctree_signal(pid_t root, int signal, bool (*spare)(void *user, pid_t child), void *user);

/*
 * SIGKILL to every descendant, again until none is left that could fork another (a few
 * rounds at the most), and then to `root` itself unless it is the caller.
 */
void proctree_kill(pid_t root);

/* When the process was started, as its /proc/PID/stat has it; no other process has the same pid and this.  False: there is none. */
bool proctree_start(pid_t pid, uint64_t *ret);

/* Does it descend from `root`?  Reads of /proc what lies between the two alone. */
bool proctree_is_below(pid_t pid, pid_t root);

#endif
