/* SPDX-License-Identifier: MIT */
#ifndef CLI_JOB_H
#define CLI_JOB_H

/* What `map` does with each line: calls a function with it, or runs a command. */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/command.h"

struct cli;
struct output;

struct job {
	size_t window; /* how many of them are to be under way if the user does not say */
	/* a function, or NULL */
	const char *function;
	bool star;             /* a line is an array of arguments */
	uint32_t fixed;        /* so many arguments are the same for all, */
	msgpack_sbuffer first; /* these */
	msgpack_sbuffer value, packed;
	/* a command */
	char **argv; /* borrowed, NULL-terminated */
	struct command command;
	bool has_place; /* a {} in argv */
};

/* 0 or an exit status.  `argv` lives as long as the job. */
int job_init_function(struct job *job, const struct cli *cli, int argc, char **argv, bool star);
int job_init_command(struct job *job, const struct cli *cli, int argc, char **argv);
void job_fini(struct job *job);

/* Whether its items, as job_pack() packs them, are arrays of all arguments. */
bool job_has_arrays(const struct job *job);

/*
 * For a function: the line as an item of ruche_imap(), valid until the next call.  1; 0: the line is
 * no good, and *ret_why a constant sentence; or -ENOMEM.
 */
int job_pack(struct job *job, const char *line, size_t len, const void **ret, size_t *ret_len,
	const char **ret_why);

/* For a command: runs it with the line.  1, and the call's id; 0 as above; or a negative errno. */
int job_start(struct job *job, const struct cli *cli, const char *line, size_t len,
	uint32_t *ret_id, const char **ret_why);

/*
 * Writes the result of a success for people to `out`.  0: all is well; 1: it has to count as
 * failed, and `why` tells in what way; or a negative errno.
 */
int job_show(const struct job *job, struct output *out, const struct ruche_reply *reply,
	char why[COMMAND_WHY_MAX]);

/* The same for programs: the result as JSON.  0 or 1 as above, or a negative errno. */
int job_show_json(const struct job *job, struct buf *out, const struct ruche_reply *reply,
	char why[COMMAND_WHY_MAX]);

#endif
