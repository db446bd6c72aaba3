/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

/*
 * Bytes on their way to stdout or stderr, written without ever waiting: a reader that has
 * stopped reading must not keep us from passing a Ctrl-C on.  The descriptor stays in
 * blocking mode, which it shares with other processes; what is written at once is no more
 * than fits when poll() says that something does.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct output {
	int fd, error; /* the negative errno that ended it, or 0; what is added then is dropped */
	struct buf buf;
	bool is_file;
	char last; /* the last byte written; '\n' at the start */
};

void output_init(struct output *output, int fd);
void output_fini(struct output *output);

/* 0 or -ENOMEM. */
int output_add(struct output *output, const void *data, size_t len);

enum { OUTPUT_HIGH = 256 * 1024 }; /* what may usually be waiting, in bytes */

/* As much as `limit` waits to be written. */
bool output_is_full(const struct output *output, size_t limit);

/* What to poll for; its fd is -1 if there is nothing to write. */
struct pollfd output_poll(const struct output *output);

/* Writes what can be written now; an error goes to output->error. */
void output_flush(struct output *output);

#endif
