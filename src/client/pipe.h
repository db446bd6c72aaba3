/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PIPE_H
#define CLIENT_PIPE_H

/*
 * One end of a pipe: pipe.c opens it, pipe_send.c and pipe_receive.c do with it what its name says.
 */

#include <ruche/objects.h>

#include "base/patience.h"
#include "client/use.h"
#include "wire/pipe.h"

struct ruche_pipe {
	struct use use;
	int fd; /* it blocks, unless someone who has this end too has told it not to; negative: not open */
	bool can_send, can_receive;
	struct patience patience;           /* for what comes */
	uint8_t packet[1 + PIPE_PLAIN_MAX]; /* that was received last */
};

/* How a system call that may wait for ever, or not at all, is told so: one is enough then. */
int pipe_flags(int timeout_ms);

/* Waits for these events, or the end.  0, what `timeout_ms` says when time is up, or another negative errno. */
int pipe_wait(int fd, short events, uint64_t deadline, int timeout_ms);

#endif
