/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

/*
 * A frame that is being packed at the end of a connection's out buffer: request_begin(),
 * pack the params with `pk`, request_end().  Between the two nothing is sent.
 */

#include <msgpack.h>

#include "client/connection.h"

struct request {
	struct ruche *ruche;
	size_t before;   /* the length of `out` without it */
	int error;       /* of the packer: -EMSGSIZE or -ENOMEM */
	bool may_share;  /* nobody but this connection will want its arguments, or its result */
	bool has_large;  /* an argument that is better not sent in the message */
	uint64_t lanes;  /* of the arena, that hold arguments */
	bool wants_item; /* of a queue */
	bool is_foreign; /* holds bytes that the caller packed, which need a look */
	uint32_t id;     /* 0: a notification */
	msgpack_packer pk;
};

/*
 * 0; -ECONNRESET: the daemon has gone; -EINVAL: no name of a function; -ENOMEM.
 * After a failure there is nothing to end.
 */
int request_begin(struct request *request, struct ruche *ruche, const char *method);

/* `method` is one of ours. */
int request_begin_notification(struct request *request, struct ruche *ruche, const char *method);

/*
 * With `status` < 0, what packing came to, the frame is dropped; else it becomes an open call, or just
 * a notification, and may be sent.  0, or a negative errno: nothing was sent.
 */
int request_end(struct request *request, int status);

/* The notification that asks for call `id` to be stopped.  0 or a negative errno. */
int request_cancel(struct ruche *ruche, uint32_t id, int signal);

#endif
