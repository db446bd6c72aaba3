/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/*
 * The signals that ask a program to end, as a descriptor to poll.  To be opened after the
 * connection: a private daemon must not inherit what is blocked here.
 */

/*
 * Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT, except those that our parent has told us to
 * ignore, and ignores SIGPIPE.  A descriptor or a negative errno.
 */
int signals_open(void);

int signals_next(int fd); /* the next signal that came, or 0 */

/* Dies of `signal` as if it had never been caught, so that a shell ends its loop as well. */
void signals_die(int signal);

#endif
