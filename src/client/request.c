/* SPDX-License-Identifier: MIT */
#include "client/request.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "wire/message.h"

#define RUCHE_CANCEL "ruche.cancel"
#define OF_QUEUES "ruche.queue."

static size_t request_len(const struct request *request)
{
	return buf_len(&request->ruche->out) - request->before;
}

/* The packer's callback. */
static int append(void *data, const char *bytes, size_t len)
{
	struct request *request = data;

	if (request->error == 0) {
		if (len > MESSAGE_FRAME_MAX - request_len(request))
			request->error = -EMSGSIZE;
		else
			request->error = buf_append(&request->ruche->out, bytes, len);
	}
	return request->error;
}

static int begin(struct request *request, struct ruche *ruche)
{
	if (ruche->broken || ruche->send_error < 0)
		return -ECONNRESET;
	*request = (struct request){.ruche = ruche, .before = buf_len(&ruche->out)};
	msgpack_packer_init(&request->pk, request, append);
	return 0;
}

static void drop(struct request *request)
{
	struct buf *out = &request->ruche->out;

	out->end = out->start + request->before;
	client_arena_give(request->ruche->calls.arena, request->lanes);
}

/* 0, or -ENOMEM and nothing was written. */
static int write_head(struct buf *out, uint32_t id, const char *method, size_t len)
{
	uint8_t *to = buf_reserve(out, message_request_size(len));

	if (to == NULL)
		return -ENOMEM;
	buf_commit(out, message_write_request(to, id, method, len));
	return 0;
}

int request_begin(struct request *request, struct ruche *ruche, const char *method)
{
	size_t len = strlen(method);
	int r;

	if (len == 0 || len > SCAN_METHOD_MAX)
		return -EINVAL;
	r = begin(request, ruche);
	if (r < 0)
		return r;
	request->id = calls_next_id(&ruche->calls);
	request->wants_item = strncmp(method, OF_QUEUES, strlen(OF_QUEUES)) == 0;
	return write_head(&ruche->out, request->id, method, len);
}

int request_begin_notification(struct request *request, struct ruche *ruche, const char *method)
{
	int r = begin(request, ruche);

	if (r < 0)
		return r;
	r = message_pack_notification(&request->pk, method);
	if (r < 0)
		drop(request);
	return r;
}

/* The daemon would close the connection on a frame that is no frame. */
static int check_foreign(const struct request *request)
{
	const struct buf *out = &request->ruche->out;
	size_t len = request_len(request);
	struct scan scan;

	scan_init(&scan, MESSAGE_FRAME_MAX);
	if (scan_feed(&scan, buf_data(out) + request->before, len) != SCAN_DONE || scan.len != len)
		return -EINVAL;
	return 0;
}

static int add_call(struct request *request)
{
	struct ruche *ruche = request->ruche;
	struct call *call =
		calls_add(&ruche->calls, request->id, ruche->queued + request_len(request));

	if (call == NULL)
		return -ENOMEM;
	call->lanes = request->lanes;
	call->is_item = request->wants_item;
	return 0;
}

int request_end(struct request *request, int status)
{
	struct ruche *ruche = request->ruche;
	size_t len = request_len(request);

	if (request->error < 0)
		status = request->error;
	if (status == 0 && request->is_foreign)
		status = check_foreign(request);
	if (status == 0 && request->id != 0)
		status = add_call(request);
	if (status < 0) {
		drop(request);
		return status;
	}
	ruche->queued += len;
	if (request->before > 0 || len >= ruche->send_at)
		connection_send_due(ruche);
	else
		ruche->out_since = clock_now();
	if (request->has_large)
		arena_want(ruche);
	return 0;
}

int request_cancel(struct ruche *ruche, uint32_t id, int signal)
{
	struct request request;
	int r = request_begin_notification(&request, ruche, RUCHE_CANCEL);

	if (r < 0)
		return r;
	r = msgpack_pack_array(&request.pk, 2);
	if (r == 0)
		r = message_pack_id(&request.pk, id);
	if (r == 0)
		r = msgpack_pack_int(&request.pk, signal);
	return request_end(&request, r);
}
