/* SPDX-License-Identifier: MIT */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

/*
 * A command that runs here and not in a worker, as a child of this program.  SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed
 * on to it, but for those of a terminal, which reach it by themselves.
 */

struct cli;

struct child_end {
	int wait_status; /* as wait(2) has it */
	int signal;      /* the last that came while it ran, or 0 */
};

/*
 * Runs argv, NULL-terminated, and waits for its end.  `input` is its stdin, or negative: it has ours.  It inherits what is not
 * close-on-exec.  0, or the errno for which it could not be started.
 */
int child_run(char **argv, int input, struct child_end *ret);

/* Tells why it could not; the exit status. */
int child_not_started(const char *name, int error);

/* The exit status to end with when it has ended so; tells if it was killed. */
int child_exit_status(struct cli *cli, const char *name, const struct child_end *end);

#endif
