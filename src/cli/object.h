/* SPDX-License-Identifier: MIT */
#ifndef CLI_OBJECT_H
#define CLI_OBJECT_H

/* What the subcommands about objects (queues, locks, ...) share; functions return 0 or an exit status. */

#include <ruche/objects.h>

struct cli;

/* How long --timeout lets libruche wait: milliseconds, or -1 for ever. */
int object_patience(const struct cli *cli);

/* From `min` to `max` operands, the first of which is an object's name; `usage` is how they are called. */
int object_operands(const struct cli *cli, int argc, int min, int max, const char *usage);

/* Opens the connection and an object, to be ended by ruche_object_close(). */
int object_open(struct cli *cli, struct ruche_object **ret, enum ruche_kind kind, const char *name,
	const struct ruche_object_options *options);

/*
 * What became of a function of objects.h on `name`: 0 for `broken` >= 0, else tells why not and returns the
 * exit status.
 */
int object_answer(const struct cli *cli, const char *name, int broken);

#endif
