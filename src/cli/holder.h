/* SPDX-License-Identifier: MIT */
#ifndef CLI_HOLDER_H
#define CLI_HOLDER_H

/*
 * A command that runs while a lock is held.  The daemon takes the end of the connection for the holder's death, and the
 * kernel ends it when the last process that has its descriptor does: so the command inherits it, and holds the lock
 * even if this program is killed.
 */

struct cli;
struct ruche_object;

enum holder_mode {
	HOLDER_SHARED, /* what the command leaves behind holds the lock as well */
	HOLDER_ALONE, /* the command does not inherit the descriptor: the lock ends with it, or with us */
	HOLDER_REPLACE, /* the command takes the place of this program */
};

/*
 * Runs the command, NULL-terminated, and returns its exit status.  `lock`, of `cli->ruche`, is released if the command has
 * ended by itself and left nobody behind who holds it; else this ends the program, and leaves the
 * connection as it is.
 */
int holder_run(struct cli *cli, struct ruche_object *lock, char **argv, enum holder_mode mode);

#endif
