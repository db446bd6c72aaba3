/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <sys/types.h>

/* The one descriptor that a child gets beside its stdio. */
enum { CHILD_FD = 3 };

/*
 * Starts a program as a clean process: stdin from nowhere, stdout and stderr to `output`, `passed` as CHILD_FD, no blocked or
 * ignored signals.  0, or a negative errno.
 */
int child_spawn(const char *path, char **argv, int output, int passed, pid_t *ret);

#endif
