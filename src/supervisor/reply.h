/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REPLY_H
#define SUPERVISOR_REPLY_H

/* Messages to a client. */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_error;
struct session;

void reply_error(struct session *session, uint32_t msgid, const struct message_error *error);
/* A fault that no msgid belongs to. */
void reply_fault(struct session *session, const struct message_error *error);

/* Error and result as they lie in a response. */
void reply_body(struct session *session, uint32_t msgid, const void *body, size_t len);

void reply_nil(struct session *session, uint32_t msgid);
void reply_bool(struct session *session, uint32_t msgid, bool value);
void reply_uint(struct session *session, uint32_t msgid, uint64_t value);
void reply_str(struct session *session, uint32_t msgid, const char *text);

/* For a longer result: pack it with the first, then send. */
msgpack_packer reply_begin(struct session *session, uint32_t msgid);
void reply_send(struct session *session);

#endif
