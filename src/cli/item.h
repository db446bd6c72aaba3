/* SPDX-License-Identifier: MIT */
#ifndef CLI_ITEM_H
#define CLI_ITEM_H

/* What passes through a queue or a pipe: from lines of stdin, and to lines of stdout. */

#include <msgpack.h>
#include <stddef.h>

#include "base/buf.h"

struct cli;

/*
 * Packs a line: as a string, or as binary if it is no UTF-8; with --json as the value that it is.  0, -ENOMEM, or
 * -EINVAL and *ret_why, a constant sentence.
 */
int item_pack(const struct cli *cli, msgpack_packer *pk, const char *line, size_t len,
	const char **ret_why);

/* One as a line: strings and binary as they are, anything else, and with --json all, as JSON.  0 or -ENOMEM. */
int item_append(const struct cli *cli, struct buf *out, const msgpack_object *item);

/* The same on stdout: 0 or an exit status. */
int item_print(const struct cli *cli, const msgpack_object *item);

/*
 * All lines of stdin, each as soon as it has come: `line` is called for each, and `flush` when there
 * are no more just now.  Both return 0 or an exit status, which ends it.
 */
struct item_sink {
	int (*line)(void *user, const char *line, size_t len);
	int (*flush)(void *user);
	void *user;
};
int item_read_all(const struct item_sink *sink);

#endif
