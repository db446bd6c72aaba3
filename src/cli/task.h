/* SPDX-License-Identifier: MIT */
#ifndef CLI_TASK_H
#define CLI_TASK_H

/* Tasks that the daemon knows by an id: what wait, result, log, cancel and status share. */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/query.h"

struct cli;

enum { TASK_NAME_MAX = 32 };

/* An id from the command line: 0 or STATUS_USAGE. */
int task_parse(const struct cli *cli, const char *text, uint64_t *ret);

/* All words of argv, at least one: 0, and an array for the caller to free; or an exit status. */
int task_parse_all(const struct cli *cli, int argc, char *const *argv, uint64_t **ret);

/*
 * Opens the connection and calls `each` with each id in turn, also after one that is unknown.  The
 * exit status: the last of them that was not 0.
 */
int task_for_each(struct cli *cli, int argc, char *const *argv,
	int (*each)(struct cli *cli, uint64_t id, bool is_first));

/*
 * Whether an exit status is about one task alone (it is unknown, another user's, …), so that the
 * next one can be asked for.
 */
bool task_is_about_one(int status);

/* "task 42", written to `name` and returned. */
const char *task_name(char name[TASK_NAME_MAX], uint64_t id);

/* Asks for its description: 0, to be ended by query_fini(); or an exit status. */
int task_look(struct query *query, const struct cli *cli, uint64_t id);

/* Whether a description is of a command, not of a function. */
bool task_is_command(const msgpack_object *task);

/* Whether it ended with a result. */
bool task_is_success(const msgpack_object *task);

/*
 * Writes what a submitted command has written to our stdout and stderr; with `follow` until it
 * ends.  0 or an exit status.
 */
int task_write_log(const struct cli *cli, uint64_t id, bool follow);

#endif
