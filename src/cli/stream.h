/* SPDX-License-Identifier: MIT */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

/* A command whose input, output and signals pass through us while it runs. */

struct cli;
struct ruche_command;

/*
 * Runs it over cli->ruche until it ends and its output was written.  Returns the exit
 * status of the program, as ruche(1) tells for `ruche run`.
 */
int stream_run(struct cli *cli, const struct ruche_command *command);

#endif
