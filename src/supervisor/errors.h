/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_ERRORS_H
#define SUPERVISOR_ERRORS_H

/*
 * Errors as they lie in a response: what the supervisor needs to know of one that a worker
 * made, what it adds to it, and its own.  A body is error and result together.
 */

#include <stddef.h>
#include <stdint.h>

#include "wire/message.h"

struct record;
struct supervisor;

struct errors_gist {
	enum ruche_code code; /* RUCHE_OK: there is a result */
	enum ruche_executed executed;
};

struct errors_body {
	const void *data;
	size_t len;
};

/* What a scanned body says.  A foreign error is RUCHE_FAILED, executed. */
struct errors_gist errors_read(const void *body, size_t len);

/* The error as a body; valid until the next call of this or the next. */
struct errors_body errors_pack(struct supervisor *sup, const struct message_error *error);

/*
 * The same error with the attempts and times of `story` added, and what it says of `executed` if that
 * is more, if it is a map; else, or without memory, the body as it is.
 */
struct errors_body errors_extend(
	struct supervisor *sup, const void *body, size_t len, const struct message_error *story);

/* Why a function is not called any more. */
void errors_quarantined(const struct record *record, char *ret, size_t size);

#endif
