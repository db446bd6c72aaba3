/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SYSCALLS_H
#define WORKER_SYSCALLS_H

/* A filter for system calls, see seccomp(2): those that are named fail with EPERM, all others pass. */

#include <linux/filter.h>

/* All: 0, or a negative errno with a message for people in `error` (PLUGIN_ERROR_MAX bytes). */

/*
 * `names` are system calls, or @default for the set of those that a task seldom needs and an intruder often does;
 * blanks stand between them.  The caller frees ret->filter.
 */
int syscalls_compile(const char *names, struct sock_fprog *ret, char *error);
/* From here on, for this process and what it starts.  No rights may be gained any more, see confine.h. */
int syscalls_deny(const struct sock_fprog *filter, char *error);

#endif
