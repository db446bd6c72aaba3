/* SPDX-License-Identifier: MIT */
#ifndef CLI_JOB_H
#define CLI_JOB_H

/* What `map` does with each line: calls a function with it, or runs a command. */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct cli;
struct ruche_reply;
struct output;

struct job {
	const struct job_kind *kind;
	size_t window; /* how many of them are to be under way if the user does not say */
	/* a function */
	const char *function;
	msgpack_sbuffer args; /* an array's head for one more value, and the fixed values */
	/* a command */
	char **argv; /* borrowed, NULL-terminated */
	char *cwd;
	const char **env;
	bool has_place; /* a {} in argv */
};

/* 0 or an exit status.  `argv` lives as long as the job. */
int job_init_function(struct job *job, const struct cli *cli, int argc, char **argv);
int job_init_command(struct job *job, const struct cli *cli, int argc, char **argv);
void job_fini(struct job *job);

/*
 * Starts it with a line.  0 and the call's id; 1: the line is no good, and *ret_why a constant
 * sentence; or a negative errno.
 */
int job_start(struct job *job, const struct cli *cli, const char *line, size_t len,
	uint32_t *ret_id, const char **ret_why);

/*
 * Writes the result of a success for people to `out`.  0: all is well; 1: it has to count as
 * failed, and `why` tells in what way; or a negative errno.
 */
enum { JOB_WHY_MAX = 128 };
int job_show(const struct job *job, struct output *out, const struct ruche_reply *reply,
	char why[JOB_WHY_MAX]);

/* The same for programs: the result as JSON.  0 or 1 as above, or a negative errno. */
int job_show_json(const struct job *job, struct buf *out, const struct ruche_reply *reply,
	char why[JOB_WHY_MAX]);

#endif
