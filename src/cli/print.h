/* SPDX-License-Identifier: MIT */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

/* Results and other lines on stdout. */

#include "base/buf.h"

struct cli;
struct ruche_reply;

/* A successful call's result as one line: as JSON, but a string as its text unless --json. */
int print_result(const struct cli *cli, const struct ruche_reply *reply); /* 0 or an exit status */

/*
 * Prints `out` if `status` is 0 (a negative one is an errno, of whatever filled it) and
 * empties it.  The exit status.
 */
int print_finish(struct buf *out, int status);

#endif
