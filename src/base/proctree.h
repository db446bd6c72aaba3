/* SPDX-License-Identifier: MIT */
#ifndef BASE_PROCTREE_H
#define BASE_PROCTREE_H

/*
 * Process trees, by the parent relation that the kernel keeps: unlike a process group
 * or a session, no process can leave it.  It holds for as long as the root lives and is
 * a child subreaper, because then the orphans inside stay inside.
 *
 * Each call reads all of /proc: some milliseconds on a busy machine, so for the death of
 * a task, not for its life.
 */

#include <stdbool.h>
#include <sys/types.h>

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

#endif
