/* SPDX-License-Identifier: MIT */
#ifndef WORKER_COMMAND_IO_H
#define WORKER_COMMAND_IO_H

/*
 * The bytes of one running command: its stdin is fed, its stdout and stderr are kept or sent
 * on, until it ends.
 */

#include <sys/types.h>

#include "base/buf.h"
#include "worker/command.h"

struct command_output {
	int fd;                 /* owned; -1: closed */
	struct buf first, last; /* what is kept: the beginning, and the end once that is full */
	uint64_t cut;           /* bytes dropped between the two */
};

struct command_io {
	struct ruche_task *task;
	const struct command *command;
	pid_t pid;
	int pidfd;                    /* owned; readable once the command has ended; or -1 */
	int input;                    /* owned, the command's stdin; -1: closed */
	struct command_output out[2]; /* stdout, stderr */

	/* private */
	size_t half_max; /* of each output, first and last */
	size_t written;  /* of command->input */
	struct buf fed;  /* came from the caller and was not written yet */
	size_t room;     /* bytes that the caller may send */
	size_t taken;    /* bytes written, not yet given back as room */
	bool fed_all;    /* the caller sends no more */
	bool deaf;       /* the task pipe is not looked at any more */
};

/* For a task whose command has not been started: nothing is open. */
void command_io_init(struct command_io *io, struct ruche_task *task, const struct command *command);
void command_io_fini(struct command_io *io);

/*
 * Blocks until the command has ended; it is left to be reaped.  0; -EPROTO: the caller sent
 * more than there was room for; or another negative errno: the supervisor cannot be
 * spoken with.
 */
int command_io_run(struct command_io *io, pid_t pid);

/*
 * Reads what is left in the pipes, without waiting for their end, which a descendant that
 * cannot be killed may hold back.  To be called when nobody writes any more, or it may take for ever.
 */
int command_io_drain(struct command_io *io);

/* All that was kept, as one bin; where bytes were cut a line says how many. */
void command_output_pack(const struct command_output *output, msgpack_packer *pk);

#endif
