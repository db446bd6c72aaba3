/* SPDX-License-Identifier: MIT */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

/* A function's arguments from the command line. */

#include <msgpack.h>

struct cli;

/*
 * Packs the head of an array of argc + `more` values and then the words of argv; the caller
 * packs the rest.  0 or an exit status.
 */
int args_pack_array(
	const struct cli *cli, msgpack_sbuffer *out, int argc, char *const *argv, int more);

#endif
