/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

/*
 * Replies: how a call ended.  One piece of memory each, with a copy of all that it tells;
 * freed by ruche_reply_free().  NULL: no memory.
 */

#include <ruche/ruche.h>

/* From one packed value each, well-formed. */
struct ruche_reply *reply_new_result(uint32_t id, const void *data, size_t len);
struct ruche_reply *reply_new_error(uint32_t id, const void *data, size_t len);

struct ruche_reply *reply_new_disconnected(
	uint32_t id, enum ruche_executed executed, const char *why);

#endif
