/* SPDX-License-Identifier: MIT */
#ifndef CLI_MAPPER_H
#define CLI_MAPPER_H

/* The loop of `map`: lines in, calls out, results back, in a window that never grows. */

#include <stdbool.h>
#include <stddef.h>

#include "cli/progress.h"

struct cli;
struct job;

struct mapper_options {
	size_t window; /* lines under way or waiting for their turn to be printed */
	size_t chunk;  /* items of a function in one task; 0: as many as take a moment */
	bool unordered;
	bool star; /* each line is an array of all arguments */
	enum progress_mode progress;
};

/* Maps stdin to stdout over cli->ruche.  Returns the exit status. */
int mapper_run(struct cli *cli, struct job *job, const struct mapper_options *options);

#endif
