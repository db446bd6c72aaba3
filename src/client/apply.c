/* SPDX-License-Identifier: MIT */
#include "client/apply.h"

#include <errno.h>
#include <string.h>

#include "client/args.h"
#include "client/options.h"
#include "wire/message.h"

#define RUCHE_CALL "ruche.call"
#define RUCHE_SUBMIT "ruche.submit"

static bool has_options(const struct apply *apply)
{
	return apply->is_process || !options_are_default(apply->options);
}

/* Is the function itself the method? */
static bool is_plain(const struct apply *apply)
{
	return !apply->is_task && !has_options(apply);
}

static const char *method_of(const struct apply *apply)
{
	if (is_plain(apply))
		return apply->function;
	return apply->is_task ? RUCHE_SUBMIT : RUCHE_CALL;
}

/* A task with an id or a key is everybody's who knows it. */
static bool is_private(const struct apply *apply)
{
	return !apply->is_task && (apply->options == NULL || apply->options->key == NULL);
}

static bool is_name(const char *function)
{
	return *function != '\0' && strlen(function) <= SCAN_METHOD_MAX;
}

int apply_begin(struct request *request, struct ruche *ruche, const struct apply *apply)
{
	int r;

	if (!is_name(apply->function))
		return -EINVAL;
	r = request_begin(request, ruche, method_of(apply));
	if (r < 0)
		return r;
	request->may_share = is_private(apply);
	if (is_plain(apply))
		return 0;
	/* What goes wrong here the request keeps for its end. */
	if (msgpack_pack_array(&request->pk, has_options(apply) ? 3 : 2) == 0)
		(void)message_pack_str(&request->pk, apply->function);
	return 0;
}

int apply_end(struct request *request, const struct apply *apply, int status)
{
	if (status == 0 && has_options(apply))
		status = options_pack(&request->pk, apply->options, apply->is_process);
	return request_end(request, status);
}

int apply_values(struct ruche *ruche, uint32_t *ret_id, const struct apply *apply,
	const char *types, va_list values)
{
	struct request request;
	int r;

	if (ruche == NULL || ret_id == NULL || apply->function == NULL || types == NULL)
		return -EINVAL;
	r = apply_begin(&request, ruche, apply);
	if (r < 0)
		return r;
	r = args_pack(&request, types, values);
	/* It may have been too long for a message. */
	if (apply->waits && request.has_large && ruche->arena_state == ARENA_UNKNOWN) {
		(void)request_end(&request, -EAGAIN);
		arena_wait(ruche);
		return apply_values(ruche, ret_id, apply, types, values);
	}
	r = apply_end(&request, apply, r);
	if (r == 0)
		*ret_id = request.id;
	return r;
}

/* Inside a frame of another form, one that is none would not be noticed. */
static bool is_array(const void *data, size_t len)
{
	size_t value_len, head;
	uint32_t count;

	return scan_value(data, len, &value_len) == 0 && value_len == len &&
	       scan_array(data, len, &count, &head) == 0;
}

int apply_packed(struct ruche *ruche, uint32_t *ret_id, const struct apply *apply, const void *args,
	size_t args_len)
{
	struct request request;
	int r;

	if (ruche == NULL || ret_id == NULL || apply->function == NULL || args == NULL)
		return -EINVAL;
	if (!is_plain(apply) && !is_array(args, args_len))
		return -EINVAL;
	r = apply_begin(&request, ruche, apply);
	if (r < 0)
		return r;
	request.is_foreign = true;
	r = apply_end(&request, apply, request.pk.callback(request.pk.data, args, args_len));
	if (r == 0)
		*ret_id = request.id;
	return r;
}

int apply_check(const struct ruche *ruche, const void *ret)
{
	if (ruche == NULL || ret == NULL)
		return -EINVAL;
	return ruche->dispatching ? -EBUSY : 0;
}

int apply_wait(struct ruche *ruche, int status, uint32_t id, struct ruche_reply **ret)
{
	int r;

	if (status < 0)
		return status;
	r = ruche_wait(ruche, id, -1, ret);
	if (r >= 0)
		return 0;
	(void)ruche_cancel(ruche, id, 0);
	return r;
}
