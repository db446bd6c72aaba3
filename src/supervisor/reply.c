/* SPDX-License-Identifier: MIT */
#include "supervisor/reply.h"

#include <string.h>

#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "wire/message.h"
#include "wire/scan.h"

void reply_error(struct session *session, uint32_t msgid, const struct message_error *error)
{
	struct supervisor *sup = session->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (message_pack_response(&pk, msgid) == 0 && message_pack_error(&pk, error) == 0 &&
		msgpack_pack_nil(&pk) == 0)
		reply_send(session);
}

void reply_fault(struct session *session, const struct message_error *error)
{
	msgpack_packer pk = supervisor_packer(session->sup);

	if (message_pack_notification(&pk, "ruche.error") == 0 && msgpack_pack_array(&pk, 1) == 0 &&
		message_pack_error(&pk, error) == 0)
		reply_send(session);
}

void reply_body(struct session *session, uint32_t msgid, const void *body, size_t len)
{
	uint8_t *to = session_reserve(session, MESSAGE_HEAD_MAX + len);

	if (to == NULL)
		return;
	memcpy(to + message_write_head(to, SCAN_RESPONSE, msgid), body, len);
	session_commit(session, MESSAGE_HEAD_MAX + len);
}

msgpack_packer reply_begin(struct session *session, uint32_t msgid)
{
	msgpack_packer pk = supervisor_packer(session->sup);

	message_pack_response(&pk, msgid);
	msgpack_pack_nil(&pk);
	return pk;
}

void reply_send(struct session *session)
{
	const msgpack_sbuffer *scratch = &session->sup->scratch;

	session_send(session, scratch->data, scratch->size);
}

void reply_nil(struct session *session, uint32_t msgid)
{
	msgpack_packer pk = reply_begin(session, msgid);

	if (msgpack_pack_nil(&pk) == 0)
		reply_send(session);
}

void reply_bool(struct session *session, uint32_t msgid, bool value)
{
	msgpack_packer pk = reply_begin(session, msgid);

	if ((value ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk)) == 0)
		reply_send(session);
}

void reply_uint(struct session *session, uint32_t msgid, uint64_t value)
{
	msgpack_packer pk = reply_begin(session, msgid);

	if (msgpack_pack_uint64(&pk, value) == 0)
		reply_send(session);
}

void reply_str(struct session *session, uint32_t msgid, const char *text)
{
	msgpack_packer pk = reply_begin(session, msgid);

	if (message_pack_str(&pk, text) == 0)
		reply_send(session);
}
