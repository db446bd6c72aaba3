/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_GROUP_FILE_H
#define SUPERVISOR_GROUP_FILE_H

/* The folder of a control group and the files in it.  All return 0 or a negative errno. */

#include <stddef.h>
#include <sys/types.h>

int group_file_write(const char *folder, const char *file, const char *text);
/* A string of what fits. */
int group_file_read(const char *folder, const char *file, char *ret, size_t size);
/* A descriptor of it, or a negative errno. */
int group_file_open(const char *folder, const char *file, int flags);

/* Moves a process there; 0 means the caller. */
int group_file_move(const char *folder, pid_t pid);

/* Calls that for each process of the group itself. */
int group_file_each(const char *folder, void (*call)(void *user, pid_t pid), void *user);

/*
 * Kills whatever is in the group, in groups below it too, and removes all of them.  -EBUSY: some of it has
 * not quite gone; try again in a moment.  A group that is not there is removed.
 */
int group_file_remove(const char *folder);

#endif
