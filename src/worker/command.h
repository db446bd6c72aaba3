/* SPDX-License-Identifier: MIT */
#ifndef WORKER_COMMAND_H
#define WORKER_COMMAND_H

/*
 * Commands: the function `ruche.run` that every native worker has.  Runs argv without
 * a shell and returns how it ended and what it wrote.  PROTOCOL.md tells the parameters and the
 * result.
 *
 * command.c starts it and composes the answer, command_options.c reads the
 * parameters, command_io.c moves bytes while it runs.
 */

#include <stdbool.h>
#include <stddef.h>

#include <ruche/plugin.h>

enum { COMMAND_CAPTURE_MAX = 8 * 1024 * 1024 }; /* of stdout, and of stderr, bytes */

extern const struct ruche_function command_functions[];

/* What is to be run; all memory is the task's. */
struct command {
	char **argv;
	char **envp;
	char **files; /* what argv[0] may mean, see spawn.h */
	const char *cwd;
	const char *input; /* its stdin; NULL: none */
	size_t input_len;
	bool stream, stream_input;
};

/* Reads the task's arguments.  0, or -1 with the answer set. */
int command_read(struct ruche_task *task, struct command *ret);

#endif
