/* SPDX-License-Identifier: MIT */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/* A command for a worker, as it would run here: our directory and our environment. */

#include <stdbool.h>
#include <stddef.h>

#include <ruche/ruche.h>

struct cli;

/* --cwd, --env and --clear-env. */
struct command_options {
	const char *cwd; /* NULL: the current one */
	bool clear_env;
	const char **env; /* owned: NAME=VALUE as given, not NULL-terminated */
	size_t env_count;
};

struct command {
	struct ruche_command request; /* borrows from the members below, and argv */
	char *cwd;
	const char **env;
};

/*
 * 0 or an exit status; command_fini() in either case.  `argv`, NULL-terminated, must outlive
 * the command.
 */
int command_init(struct command *command, const struct cli *cli, char **argv);
void command_fini(struct command *command);

/*
 * What a successful reply says of its command.  0: it ended with status 0 and its whole
 * output is known; 1: `why` tells in what way not; or a negative errno.
 */
enum { COMMAND_WHY_MAX = 128 };
int command_judge(const struct ruche_reply *reply, char why[COMMAND_WHY_MAX]);

/*
 * The exit status to end with when the command did, success or failure, having told on stderr what
 * its user has to know.  `name` is what it is called there, `signal` what we have passed on
 * to it, or 0.
 */
int command_end(struct cli *cli, const char *name, const struct ruche_reply *reply, int signal);

#endif
