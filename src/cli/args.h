/* SPDX-License-Identifier: MIT */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

/* A function's arguments from the command line. */

#include <msgpack.h>

struct cli;

/* Packs the words of argv, one value each.  0 or an exit status. */
int args_pack(const struct cli *cli, msgpack_sbuffer *out, int argc, char *const *argv);

/* The same as one array. */
int args_pack_array(const struct cli *cli, msgpack_sbuffer *out, int argc, char *const *argv);

#endif
