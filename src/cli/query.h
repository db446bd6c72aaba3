/* SPDX-License-Identifier: MIT */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

/* What status, workers, functions and ping have in common: ask the daemon, show the answer. */

#include <msgpack.h>
#include <stdbool.h>

#include "base/buf.h"

struct cli;
struct ruche_reply;

struct query {
	struct ruche_reply *reply;
	msgpack_unpacked unpacked;
	const msgpack_object *result; /* valid until query_finish() */
};

/* Takes the reply, a success.  0, to be ended by query_fini(); or an exit status. */
int query_take(struct query *query, struct ruche_reply *reply);
void query_fini(struct query *query);

/* Opens the connection and asks.  0, to be ended by query_finish(); or an exit status. */
int query_ask(struct query *query, struct cli *cli, const char *method, int argc, char **argv);

/* The answer as it is, and a newline: 0 or -ENOMEM. */
int query_append_json(const struct query *query, struct buf *out);

/* Whether any of the rows, maps with the key `pool`, is of another pool than the default one. */
bool query_has_pools(const msgpack_object *rows);

/*
 * Frees the query and `out`, having printed it if `status` is 0.  A negative one is an errno.
 * Returns the exit status.
 */
int query_finish(struct query *query, struct buf *out, int status);

/* All of it: `show` writes the answer for people, and returns 0 or -ENOMEM. */
int query_run(struct cli *cli, const char *method, int argc, char **argv,
	int (*show)(struct buf *out, const msgpack_object *result));

#endif
