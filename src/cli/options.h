/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

/* The command line's options, read by getopt_long() from the tables of cli.h. */

struct cli;

/*
 * Reads the options after argv[0]: those that all have and, once cli->command is known, its
 * own; up to the first word that is none, or over a "--", which sets cli->dashes.  The
 * index of the first operand, or -1 after a message.
 */
int options_parse(struct cli *cli, int argc, char **argv);

#endif
