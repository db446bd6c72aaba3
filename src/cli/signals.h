/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/*
 * Signals by name; and those that ask a program to end, as a descriptor to poll.  That is to be
 * opened after the connection: a private daemon must not inherit what is blocked here.
 */

/*
 * Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT, except those that our parent has told us to
 * ignore, and ignores SIGPIPE.  Also blocks `more`, such as SIGCHLD, unless that is 0.  A descriptor or a negative errno.
 */
int signals_open(int more);

/*
 * The next signal that came, or 0.  *ret_by_kernel, which may be NULL: no process has sent it, but a terminal, which
 * sends it to our children as well.
 */
int signals_next(int fd, bool *ret_by_kernel);

/* A signal's number from "TERM", "SIGTERM", "term" or "15": 0 or -EINVAL. */
int signals_parse(const char *text, int *ret);

/* Dies of `signal` as if it had never been caught, so that a shell ends its loop as well. */
void signals_die(int signal);

#endif
