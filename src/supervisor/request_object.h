/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REQUEST_OBJECT_H
#define SUPERVISOR_REQUEST_OBJECT_H

/* What the files share that read requests about objects: request_object.c, request_open.c, request_queue.c. */

#include "supervisor/objects.h"
#include "supervisor/option_map.h"
#include "supervisor/request.h"

/* The first parameter.  False, and it was answered: it is no name. */
bool request_get_name(
	struct session *session, const struct request *request, struct option_text *ret);

/* The daemon ends, and nothing more is had of objects.  True, and it was answered. */
bool request_is_too_late(struct session *session, const struct request *request);

/*
 * What the connection has open under the name that comes first, and that serves such wants (WANT_KINDS: whatever it is).
 * NULL, and it was answered: there is none.
 */
struct use *request_find_use(
	struct session *session, const struct request *request, enum want_kind serves);

/* Asks for what `want` says, whose items are taken, with the options that parameter `options_at` has.  True. */
bool request_ask(struct session *session, const struct request *request, uint32_t options_at,
	struct want *want);

/* Answers, if an answer is wanted.  True. */
bool request_done(struct session *session, const struct request *request);
bool request_tell(struct session *session, const struct request *request, uint64_t number);

bool request_open(struct session *session, const struct request *request);
bool request_hand_end(struct session *session, const struct request *request);

#endif
