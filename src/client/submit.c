/* SPDX-License-Identifier: MIT */

/* Starting calls, and speaking of those that run. */

#include <errno.h>
#include <ruche/ruche.h>
#include <signal.h>

#include "client/apply.h"
#include "wire/link.h"
#include "wire/message.h"

/* ---- functions */

int ruche_submit(
	struct ruche *ruche, uint32_t *ret_id, const char *function, const char *types, ...)
{
	const struct apply apply = {.function = function};
	va_list values;
	int r;

	va_start(values, types);
	r = apply_values(ruche, ret_id, &apply, types, values);
	va_end(values);
	return r;
}

int ruche_apply_async(struct ruche *ruche, uint32_t *ret_id, const struct ruche_options *options,
	const char *function, const char *types, ...)
{
	const struct apply apply = {.function = function, .options = options};
	va_list values;
	int r;

	va_start(values, types);
	r = apply_values(ruche, ret_id, &apply, types, values);
	va_end(values);
	return r;
}

static int call(struct ruche *ruche, struct ruche_reply **ret, const struct apply *apply,
	const char *types, va_list values)
{
	uint32_t id = 0;
	int r = apply_check(ruche, ret);

	if (r < 0)
		return r;
	return apply_wait(ruche, apply_values(ruche, &id, apply, types, values), id, ret);
}

int ruche_call(
	struct ruche *ruche, struct ruche_reply **ret, const char *function, const char *types, ...)
{
	const struct apply apply = {.function = function, .waits = true};
	va_list values;
	int r;

	va_start(values, types);
	r = call(ruche, ret, &apply, types, values);
	va_end(values);
	return r;
}

int ruche_apply(struct ruche *ruche, struct ruche_reply **ret, const struct ruche_options *options,
	const char *function, const char *types, ...)
{
	const struct apply apply = {.function = function, .options = options, .waits = true};
	va_list values;
	int r;

	va_start(values, types);
	r = call(ruche, ret, &apply, types, values);
	va_end(values);
	return r;
}

int ruche_submit_packed(struct ruche *ruche, uint32_t *ret_id, const char *function,
	const void *args, size_t args_len)
{
	return ruche_apply_packed(ruche, ret_id, NULL, function, args, args_len);
}

int ruche_apply_packed(struct ruche *ruche, uint32_t *ret_id, const struct ruche_options *options,
	const char *function, const void *args, size_t args_len)
{
	const struct apply apply = {.function = function, .options = options};

	return apply_packed(ruche, ret_id, &apply, args, args_len);
}

/* ---- calls that run */

int ruche_cancel(struct ruche *ruche, uint32_t id, int signal)
{
	struct call *call;

	if (ruche == NULL || signal < 0 || signal >= NSIG)
		return -EINVAL;
	call = calls_find_public(&ruche->calls, id);
	if (call == NULL)
		return -ENOENT;
	if (call->finished)
		return 0;
	return request_cancel(ruche, id, signal);
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
	call = calls_find_public(&ruche->calls, id);
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
