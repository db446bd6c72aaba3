/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REAPER_H
#define SUPERVISOR_REAPER_H

/*
 * The death of children.  The supervisor is a child subreaper: its children are the fork
 * server, the workers, and what a dead worker's task left behind, which is killed.
 */

#include <stdbool.h>
#include <sys/types.h>

struct supervisor;

/* Is it a child of ours, dead or alive?  And one that is dead?  It stays so until it is reaped. */
bool reaper_is_child(pid_t pid);
bool reaper_has_ended(pid_t pid);

/* SIGCHLD: every child that has ended, one after the other. */
void reaper_run(struct supervisor *sup);

/* A worker died: soon kills what it left behind. */
void reaper_sweep_soon(struct supervisor *sup);
void reaper_sweep(struct supervisor *sup);

/* There is a control group that could not be removed: soon looks at it again. */
void reaper_sweep_groups_soon(struct supervisor *sup);
void reaper_sweep_groups(struct supervisor *sup);

#endif
