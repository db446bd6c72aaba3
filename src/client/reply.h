/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

/*
 * Replies: how a call ended.  One piece of memory each, with a copy of all that it tells;
 * freed by ruche_reply_free().  NULL: no memory.
 */

#include <ruche/ruche.h>

#include "client/arena.h"
#include "client/value.h"

/* From one packed value each, well-formed. */
struct ruche_reply *reply_new_result(uint32_t id, const void *data, size_t len);
struct ruche_reply *reply_new_error(uint32_t id, const void *data, size_t len);

/* What lies in a lane of an arena, which the reply holds until it is freed. */
struct ruche_reply *reply_new_shared(
	uint32_t id, const void *data, size_t len, struct client_arena *arena, uint32_t lane);

/* A result of `len` bytes that the caller writes to *ret_data before anybody else sees it. */
struct ruche_reply *reply_new_room(uint32_t id, size_t len, void **ret_data);

/* An error that the library itself says. */
struct ruche_reply *reply_new_own(
	uint32_t id, enum ruche_code code, enum ruche_executed executed, const char *message);

struct ruche_reply *reply_copy(const struct ruche_reply *reply);

/* The descriptor that came with it, which the reply owns until it is taken; -1: none. */
void reply_give_fd(struct ruche_reply *reply, int fd);
int reply_take_fd(struct ruche_reply *reply);

/* The bytes of a result. */
struct piece reply_piece(const struct ruche_reply *reply);

/* A result from now on is this part of what it was. */
void reply_narrow(struct ruche_reply *reply, struct piece part);

/* The bytes of memory that it takes; 0 for NULL. */
size_t reply_size(const struct ruche_reply *reply);

#endif
