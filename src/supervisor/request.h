/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REQUEST_H
#define SUPERVISOR_REQUEST_H

/*
 * What a client asks for: the daemon's own methods by a table, everything else is the
 * name of a function.  request.c takes requests apart, request_call.c opens calls,
 * request_task.c is about tasks that have an id, request_daemon.c about the daemon,
 * request_pool.c about its pools, request_object.h about objects; request_rights.c says who may not.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/access.h"
#include "supervisor/pieces.h"
#include "wire/message.h"

struct call_request;
struct pool;
struct scan;
struct session;

/*
 * One whole frame, valid during the call.  False: there is no room for what it asks; it is to
 * be given again when there may be.
 */
bool request_handle(struct session *session, const struct scan *scan, const uint8_t *frame);

/*
 * Bytes that are not a frame (`error` is what scan_feed() said): tells the client and takes no
 * more from it.
 */
void request_refuse(struct session *session, const struct scan *scan, int error);

/* ---- among the request_*.c */

/* A request or notification, taken apart. */
struct request {
	bool wants_answer;
	uint32_t msgid;
	const char *name;
	size_t name_len;
	struct piece params; /* one array */
	uint32_t count;      /* of its elements; only for the methods */
};

/* One of the daemon's own methods, or a function; as request_handle(). */
struct method {
	const char *name;
	bool (*handle)(struct session *session, const struct request *request);
};

/* Tables that end with a row without a name. */
extern const struct method call_methods[], task_methods[], daemon_methods[], pool_methods[],
	object_methods[], queue_methods[];

bool request_call_function(struct session *session, const struct request *request);

/* Answers with an error, if an answer is wanted.  True. */
bool request_fail(struct session *session, const struct request *request, enum ruche_code code,
	const char *message);

/* ---- who may; false, and it was answered: it may not */

/* Who may do nothing at all: this is free. */
bool request_is_free(struct session *session, const struct request *request);
/* Something that is not for everybody, with this pool; NULL: with all, or it is about none. */
bool request_may(struct session *session, const struct request *request, enum access_method method,
	const struct pool *pool);
/* This call, its pool and record known. */
bool request_may_open(
	struct session *session, const struct request *request, const struct call_request *call);

/* ---- parameters */

/* Parameter `index`: an integer of at most `max`; seconds in an option of a map. */
bool request_get_uint(const struct request *request, uint32_t index, uint64_t max, uint64_t *ret);

/* A parameter that is a str, in place.  False: it is none. */
bool request_get_str(
	const struct request *request, uint32_t index, const char **ret, size_t *ret_len);

#endif
