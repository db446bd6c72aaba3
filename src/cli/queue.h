/* SPDX-License-Identifier: MIT */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

/* `ruche queue`, which is more than one file. */

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

struct ruche_object;

extern const struct cli_command queue_put_command, queue_get_command;

/* What put and get say of a queue that they make; the first member of what each has of its own. */
struct queue_making {
	bool transient;
	size_t maxsize; /* 0: no bound */
};

extern const struct cli_option_group queue_option_group;

/* Opens it, or makes it so.  0 or an exit status, and it was told. */
int queue_open(struct cli *cli, struct ruche_object **ret, const char *name);

#endif
