/* SPDX-License-Identifier: MIT */
#include "client/object_reply.h"

#include <errno.h>
#include <ruche/objects.h>

#include "client/apply.h"
#include "client/reply.h"

static int errno_of(enum ruche_code code)
{
	static const int errnos[RUCHE_CODE_COUNT] = {
		[RUCHE_UNKNOWN_FUNCTION] = ENOENT,
		[RUCHE_BAD_ARGUMENTS] = EINVAL,
		[RUCHE_TIMEOUT] = ETIMEDOUT,
		[RUCHE_CANCELLED] = ECANCELED,
		[RUCHE_BUSY] = EAGAIN,
		[RUCHE_TOO_LARGE] = EMSGSIZE,
		[RUCHE_DENIED] = EACCES,
		[RUCHE_QUARANTINED] = EACCES,
		[RUCHE_SHUTTING_DOWN] = ECONNRESET,
		[RUCHE_UNAVAILABLE] = EAGAIN,
		[RUCHE_DISCONNECTED] = ECONNRESET,
		[RUCHE_UNKNOWN_TASK] = ENOENT,
		[RUCHE_PENDING] = ETIMEDOUT,
		[RUCHE_UNKNOWN_OBJECT] = ENOENT,
		[RUCHE_EXISTS] = EEXIST,
		[RUCHE_NOT_HELD] = EPERM,
		[RUCHE_DEADLOCK] = EDEADLK,
		[RUCHE_BROKEN] = EPIPE,
		[RUCHE_CLOSED] = EPIPE,
		[RUCHE_REMOVED] = EIDRM,
	};
	int known = (unsigned int)code < RUCHE_CODE_COUNT ? errnos[code] : 0;

	return known == 0 ? -EPROTO : -known;
}

static void forget_error(struct ruche *ruche)
{
	ruche_reply_free(ruche->said);
	ruche->said = NULL;
}

int object_begin(struct ruche *ruche, const void *ret)
{
	if (ruche != NULL)
		forget_error(ruche);
	return apply_check(ruche, ret);
}

int object_not_asked(struct ruche *ruche, int error)
{
	if (error == -ECONNRESET && ruche->said == NULL)
		ruche->said = reply_new_own(0, RUCHE_DISCONNECTED, RUCHE_EXECUTED_NO, ruche->why);
	return error;
}

int object_wait(struct ruche *ruche, int status, uint32_t id, struct ruche_reply **ret)
{
	int r = apply_wait(ruche, status, id, ret);

	return r < 0 ? object_not_asked(ruche, r) : object_result(ruche, *ret);
}

int object_result(struct ruche *ruche, struct ruche_reply *reply)
{
	forget_error(ruche);
	if (ruche_reply_error(reply) == NULL)
		return 0;
	ruche->said = reply;
	return errno_of(ruche_reply_code(reply));
}

const struct ruche_error *ruche_last_error(const struct ruche *ruche)
{
	return ruche == NULL ? NULL : ruche_reply_error(ruche->said);
}
