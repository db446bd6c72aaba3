/* SPDX-License-Identifier: MIT */
#include "supervisor/tasklog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "supervisor/reply.h"
#include "supervisor/session.h"
#include "supervisor/state.h"
#include "supervisor/supervisor.h"
#include "supervisor/wait.h"
#include "wire/link.h"
#include "wire/message.h"

enum { PIECE_MAX = 1024 };

/* Pieces as they came, each behind a head. */
struct piece_head {
	uint32_t len;
	uint8_t stream;
};

struct task_log {
	struct buf first, last;
	uint64_t bytes, cut; /* written in all; dropped between the first and the last */
};

int tasklog_attach(struct handle *handle)
{
	handle->log = calloc(1, sizeof(*handle->log));
	return handle->log == NULL ? -ENOMEM : 0;
}

void tasklog_free(struct handle *handle)
{
	if (handle->log == NULL)
		return;
	buf_fini(&handle->log->first);
	buf_fini(&handle->log->last);
	free(handle->log);
	handle->log = NULL;
}

size_t tasklog_size(const struct handle *handle)
{
	if (handle->log == NULL)
		return 0;
	return buf_len(&handle->log->first) + buf_len(&handle->log->last);
}

/* ---- telling ---------------------------------------------------------------------------- */

static void tell_piece(
	struct session *session, uint32_t msgid, uint8_t stream, const void *data, size_t len)
{
	msgpack_packer pk = supervisor_packer(session->sup);

	if (message_pack_notification(&pk, RUCHE_OUTPUT) == 0 && msgpack_pack_array(&pk, 3) == 0 &&
		message_pack_id(&pk, msgid) == 0 && msgpack_pack_uint8(&pk, stream) == 0 &&
		message_pack_bin(&pk, data, len) == 0)
		reply_send(session);
}

static void tell_all(struct session *session, uint32_t msgid, const struct buf *pieces)
{
	struct piece_head head;

	for (size_t at = 0; at < buf_len(pieces); at += sizeof(head) + head.len) {
		const uint8_t *piece = buf_data(pieces) + at;

		memcpy(&head, piece, sizeof(head));
		tell_piece(session, msgid, head.stream, piece + sizeof(head), head.len);
	}
}

static void tell_cut(struct session *session, uint32_t msgid, uint64_t cut)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "\n[... %" PRIu64 " bytes cut ...]\n", cut);

	if (cut > 0)
		tell_piece(session, msgid, 2, text, (size_t)len);
}

void tasklog_tell(struct session *session, uint32_t msgid, const struct handle *handle)
{
	const struct task_log *log = handle->log;

	if (log == NULL)
		return;
	tell_all(session, msgid, &log->first);
	tell_cut(session, msgid, log->cut);
	tell_all(session, msgid, &log->last);
}

void tasklog_answer(
	struct session *session, uint32_t msgid, const struct handle *handle, uint64_t cut)
{
	const struct task_log *log = handle->log;
	msgpack_packer pk = reply_begin(session, msgid);

	if (msgpack_pack_map(&pk, 2) == 0 && message_pack_str(&pk, "bytes") == 0 &&
		msgpack_pack_uint64(&pk, log != NULL ? log->bytes : 0) == 0 &&
		message_pack_str(&pk, "cut") == 0 && msgpack_pack_uint64(&pk, cut) == 0)
		reply_send(session);
}

void tasklog_end(const struct wait *wait, const struct handle *handle)
{
	tell_cut(wait->session, wait->msgid, wait->cut);
	tasklog_answer(wait->session, wait->msgid, handle, wait->told + wait->cut);
}

/* ---- what comes --------------------------------------------------------------------------- */

/* Who does not read as fast misses something, and is told how much. */
static void tell_follower(struct wait *wait, uint8_t stream, const void *data, size_t len)
{
	if (session_is_full(wait->session)) {
		wait->cut += len;
		return;
	}
	tell_cut(wait->session, wait->msgid, wait->cut);
	wait->told += wait->cut;
	wait->cut = 0;
	tell_piece(wait->session, wait->msgid, stream, data, len);
}

static void drop_oldest(struct task_log *log, uint64_t limit)
{
	struct piece_head head;

	while (buf_len(&log->last) > limit) {
		memcpy(&head, buf_data(&log->last), sizeof(head));
		buf_consume(&log->last, sizeof(head) + head.len);
		log->cut += head.len;
	}
}

static void keep(struct task_log *log, uint8_t stream, const void *data, size_t len, uint64_t limit)
{
	struct piece_head head = {(uint32_t)len, stream};
	struct buf *to = log->cut == 0 && buf_len(&log->last) == 0 &&
					 buf_len(&log->first) + sizeof(head) + len <= limit
				 ? &log->first
				 : &log->last;

	log->bytes += len;
	if (buf_append(to, &head, sizeof(head)) < 0)
		log->cut += len;
	else if (buf_append(to, data, len) < 0) {
		to->end -= sizeof(head);
		log->cut += len;
	}
	drop_oldest(log, limit);
}

void tasklog_add(
	struct supervisor *sup, struct handle *handle, uint8_t stream, const void *data, size_t len)
{
	struct wait_link *next;

	/* In small pieces, of which as many are kept as there is room for. */
	for (size_t at = 0; at < len; at += PIECE_MAX)
		keep(handle->log, stream, (const uint8_t *)data + at,
			len - at < PIECE_MAX ? len - at : PIECE_MAX,
			sup->config.limits.log_bytes / 2);
	for (struct wait_link *link = handle->waits; link != NULL; link = next) {
		next = link->next_of_handle;
		if (link->wait->kind == WAIT_LOG)
			tell_follower(link->wait, stream, data, len);
	}
}

/* ---- from one daemon to the next ------------------------------------------------------------ */

/* Pieces and their heads as they lie here. */
void tasklog_save(struct state_writer *w, const struct handle *handle)
{
	const struct task_log *log = handle->log;

	if (log == NULL)
		return;
	state_put_uint(w, "is_logged", 1);
	state_put_bytes(w, "log_first", buf_data(&log->first), buf_len(&log->first));
	state_put_bytes(w, "log_last", buf_data(&log->last), buf_len(&log->last));
	state_put_uint(w, "log_bytes", log->bytes);
	state_put_uint(w, "log_cut", log->cut);
}

int tasklog_load(struct state_reader *r, struct handle *handle)
{
	if (state_get_uint(r, "is_logged") == 0)
		return 0;
	if (tasklog_attach(handle) < 0)
		return -ENOMEM;
	state_get_buf(r, "log_first", &handle->log->first);
	state_get_buf(r, "log_last", &handle->log->last);
	handle->log->bytes = state_get_uint(r, "log_bytes");
	handle->log->cut = state_get_uint(r, "log_cut");
	return 0;
}
