/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

/*
 * A connection: the socket, what is still to be sent, what has come in part, and the
 * calls.  It is `broken` from the moment that nothing more will come from the daemon; then
 * every call is finished, and the socket is shut down but stays open, readable, until
 * ruche_close().
 *
 * Functions return 0 or a negative errno unless they say otherwise.  Only
 * connection_poll() blocks.
 */

#include <ruche/ruche.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd_queue.h"
#include "base/patience.h"
#include "client/call.h"
#include "client/use.h"
#include "wire/scan.h"

enum { CONNECTION_WHY_MAX = 256 };

struct ruche_child;

struct callbacks {
	void (*on_output)(void *user, uint32_t id, int stream, const void *data, size_t len);
	void *output_user;
	void (*on_progress)(void *user, uint32_t id, double value);
	void *progress_user;
	void (*on_input)(void *user, uint32_t id, size_t room);
	void *input_user;
};

struct ruche {
	int sock;
	pid_t daemon; /* a private one, our child; or 0 */
	struct calls calls;
	struct callbacks callbacks;

	struct buf out;
	uint64_t queued, sent; /* bytes in all; a call whose end is above `sent` never left whole */
	uint64_t out_since;    /* when `out` was last empty or sent from */
	struct clock_glance clock;
	size_t send_at; /* ruche_submit() sends when `out` is this long */
	int send_error; /* a negative errno: nothing more can be sent */

	struct buf in;
	uint64_t received;   /* bytes in all */
	struct fd_queue fds; /* that have come: each where the read that brought it began */
	struct scan scan;
	struct patience patience; /* of who waits for it */
	bool has_frame;           /* `in` begins with a whole frame, which `scan` describes */
	bool dispatching;         /* a callback may be running */

	struct use_list uses;     /* the objects that it has open */
	struct ruche_reply *said; /* the last error of objects.h; or NULL */

	enum arena_state arena_state; /* the arena itself belongs to the calls */

	struct ruche_child *children; /* processes that are not closed */

	bool broken;
	char why[CONNECTION_WHY_MAX]; /* it broke; or, before, what the daemon complained of */
};

/* Takes `sock`, a connected stream socket, also on failure. */
int connection_new(int sock, struct ruche **ret);
void connection_free(struct ruche *ruche); /* NULL is allowed; does not wait for the daemon */

/* Sends what the socket takes.  A failure is kept in send_error. */
void connection_send(struct ruche *ruche);

/* The same, but only if much has piled up or has waited for long. */
void connection_send_due(struct ruche *ruche);

/*
 * Sends and reads what can be, and dispatches it.  -ENOMEM: the rest is for the next
 * time; -EBUSY: called by a callback.
 */
int connection_process(struct ruche *ruche);

/*
 * Sends, and waits until there is something to process or until `deadline` on the
 * monotonic clock (nanoseconds; UINT64_MAX: for ever).  1: there is; 0: time is up.
 */
int connection_poll(struct ruche *ruche, uint64_t deadline);

/* For it: the end of a time-out as the public functions have it, -1 is for ever. */
uint64_t connection_deadline(int timeout_ms);

/* Until then, for poll(): -1 is for ever; else rounded up, so that nobody spins before the deadline. */
int connection_milliseconds(uint64_t deadline);

/* Ends it: finishes every open call.  `format` says why, to people. */
void connection_break(struct ruche *ruche, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What connection_process() does with the frame that `in` begins with; may break it. */
int dispatch_frame(struct ruche *ruche);

#endif
