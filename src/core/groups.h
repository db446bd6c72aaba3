/* SPDX-License-Identifier: MIT */
#ifndef CORE_GROUPS_H
#define CORE_GROUPS_H

/*
 * Control groups as the kernel's files tell of them: where this process's own one lies, what a daemon calls
 * its groups, what a counter says.  Reads text, not files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { GROUPS_NAME_MAX = 128 };

/* The group that a daemon moves to itself on v2, inside that of groups_name(). */
#define GROUPS_SUPERVISOR "supervisor"

/*
 * The folder of the group that a process is in, of the v1 hierarchy with `controller`, or the v2 one if that is NULL.
 * `mountinfo` and `membership` are the texts of its /proc/PID/mountinfo and /proc/PID/cgroup.  False: there
 * is none, it is not mounted here, or it does not fit into `ret`.
 */
bool groups_find(const char *mountinfo, const char *membership, const char *controller, char *ret,
	size_t size);

/*
 * A daemon's group, below the one that it was started in, says in its name which process the daemon is, in which pid
 * namespace: so nobody takes it for that of another who has the same pid.
 */
struct groups_daemon {
	uint64_t pid_space; /* the inode of the namespace */
	pid_t pid;
	uint64_t start;
};

void groups_name(const struct groups_daemon *daemon, char ret[GROUPS_NAME_MAX]);
/* False: no daemon's group is called so. */
bool groups_parse_name(const char *name, struct groups_daemon *ret);

/* Cuts off what groups_name() and GROUPS_SUPERVISOR have added to a folder, if they have. */
void groups_strip(char *folder);

/* `value` of the line "key value" among lines; false if there is none. */
bool groups_counter(const char *text, const char *key, uint64_t *ret);

/* Is it one of the words, which blanks separate and a line's end ends? */
bool groups_has_word(const char *words, const char *word);

#endif
