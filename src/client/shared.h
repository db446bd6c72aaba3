/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SHARED_H
#define CLIENT_SHARED_H

/*
 * A shared value: memory as wire/value.h has it, mapped.  What its head says may be changed by anybody who has it,
 * so that is read once.
 */

#include <ruche/objects.h>

#include "client/use.h"

struct ruche_value {
	struct use use;
	void *map; /* NULL: not mapped */
	size_t size, count;
	enum ruche_type type;
};

/* An element; NULL: there is no such one. */
void *shared_at(const struct ruche_value *value, size_t index);

#endif
