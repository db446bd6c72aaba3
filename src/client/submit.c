/* SPDX-License-Identifier: MIT */

/* Starting calls, and speaking of those that run. */

#include <errno.h>
#include <ruche/ruche.h>
#include <signal.h>

#include "client/args.h"
#include "wire/link.h"
#include "wire/message.h"

#define RUCHE_CANCEL "ruche.cancel"

static int submit(struct ruche *ruche, uint32_t *ret_id, const char *function, const char *types,
	va_list values)
{
	struct request request;
	int r;

	if (ruche == NULL || function == NULL || types == NULL)
		return -EINVAL;
	r = request_begin(&request, ruche, function);
	if (r < 0)
		return r;
	r = request_end(&request, args_pack(&request, types, values));
	if (r == 0)
		*ret_id = request.id;
	return r;
}

int ruche_submit(
	struct ruche *ruche, uint32_t *ret_id, const char *function, const char *types, ...)
{
	va_list values;
	int r;

	if (ret_id == NULL)
		return -EINVAL;
	va_start(values, types);
	r = submit(ruche, ret_id, function, types, values);
	va_end(values);
	return r;
}

int ruche_call(
	struct ruche *ruche, struct ruche_reply **ret, const char *function, const char *types, ...)
{
	uint32_t id = 0;
	va_list values;
	int r;

	if (ruche == NULL || ret == NULL)
		return -EINVAL;
	if (ruche->dispatching)
		return -EBUSY;
	va_start(values, types);
	r = submit(ruche, &id, function, types, values);
	va_end(values);
	if (r < 0)
		return r;
	r = ruche_wait(ruche, id, -1, ret);
	if (r < 0) {
		ruche_cancel(ruche, id, 0);
		return r;
	}
	return 0;
}

int ruche_submit_packed(struct ruche *ruche, uint32_t *ret_id, const char *function,
	const void *args, size_t args_len)
{
	struct request request;
	int r;

	if (ruche == NULL || ret_id == NULL || function == NULL || args == NULL)
		return -EINVAL;
	r = request_begin(&request, ruche, function);
	if (r < 0)
		return r;
	request.is_foreign = true;
	r = request_end(&request, request.pk.callback(request.pk.data, args, args_len));
	if (r == 0)
		*ret_id = request.id;
	return r;
}

int ruche_cancel(struct ruche *ruche, uint32_t id, int signal)
{
	struct request request;
	struct call *call;
	int r;

	if (ruche == NULL || signal < 0 || signal >= NSIG)
		return -EINVAL;
	call = calls_find(&ruche->calls, id);
	if (call == NULL)
		return -ENOENT;
	if (call->finished)
		return 0;
	r = request_begin_notification(&request, ruche, RUCHE_CANCEL);
	if (r < 0)
		return r;
	r = msgpack_pack_array(&request.pk, 2);
	if (r == 0)
		r = message_pack_id(&request.pk, id);
	if (r == 0)
		r = msgpack_pack_int(&request.pk, signal);
	return request_end(&request, r);
}

static int pack_input(struct request *request, uint32_t id, const void *data, size_t len)
{
	int r = msgpack_pack_array(&request->pk, 2);

	if (r == 0)
		r = message_pack_id(&request->pk, id);
	if (r == 0)
		r = len == 0 ? msgpack_pack_nil(&request->pk)
			     : message_pack_bin(&request->pk, data, len);
	return r;
}

int ruche_send_input(struct ruche *ruche, uint32_t id, const void *data, size_t len)
{
	struct request request;
	struct call *call;
	int r;

	if (ruche == NULL || (data == NULL && len > 0))
		return -EINVAL;
	call = calls_find(&ruche->calls, id);
	if (call == NULL)
		return -ENOENT;
	if (call->finished)
		return 0;
	if (len > call->room)
		return -EAGAIN;
	r = request_begin_notification(&request, ruche, RUCHE_INPUT);
	if (r == 0)
		r = request_end(&request, pack_input(&request, id, data, len));
	if (r == 0)
		call->room -= len;
	return r;
}
