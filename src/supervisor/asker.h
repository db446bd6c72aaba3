/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_ASKER_H
#define SUPERVISOR_ASKER_H

/* Requests about the daemon that are answered later. */

#include <stdint.h>

#include "core/task.h"

struct message_error;
struct session;
struct supervisor;

struct asker {
	struct asker *next;
	struct ref session;
	uint32_t msgid;
};

/* 0; -ENOMEM, and it was answered. */
int asker_add(struct asker **list, struct session *session, uint32_t msgid);

/* Answers all of them: with nil, or with the error unless it is NULL. */
void askers_tell(struct supervisor *sup, struct asker **list, const struct message_error *error);
void askers_free(struct asker **list);

#endif
