/* SPDX-License-Identifier: MIT */

/* Fetching replies. */

#include <errno.h>
#include <poll.h>
#include <ruche/ruche.h>

#include "base/clock.h"
#include "client/connection.h"
#include "client/reply.h"

/*
 * The reply of a call that the end of the connection finished is made only now, so that
 * there can be no end of a connection for which there is no memory.
 */
static struct ruche_reply *make_reply(const struct ruche *ruche, const struct call *call)
{
	enum ruche_executed executed =
		call->start < ruche->sent ? RUCHE_EXECUTED_MAYBE : RUCHE_EXECUTED_NO;

	return reply_new_disconnected(call->id, executed, ruche->why);
}

/* 1, or -ENOMEM and the call stays. */
static int take(struct ruche *ruche, struct call *call, struct ruche_reply **ret)
{
	struct ruche_reply *reply = call->reply;

	if (reply == NULL)
		reply = make_reply(ruche, call);
	if (reply == NULL)
		return -ENOMEM;
	calls_remove(&ruche->calls, call);
	*ret = reply;
	return 1;
}

/* 1; 0: it has not come yet; -ENOENT: there is no such call; or -ENOMEM. */
static int fetch(struct ruche *ruche, uint32_t id, struct ruche_reply **ret)
{
	struct call *call;

	if (id != 0)
		call = calls_find(&ruche->calls, id);
	else if ((call = TAILQ_FIRST(&ruche->calls.finished)) == NULL)
		call = TAILQ_FIRST(&ruche->calls.open);
	if (call == NULL)
		return -ENOENT;
	return call->finished ? take(ruche, call, ret) : 0;
}

static uint64_t deadline_after(int timeout_ms)
{
	if (timeout_ms < 0)
		return UINT64_MAX;
	return timeout_ms == 0 ? 0 : clock_now() + (uint64_t)timeout_ms * CLOCK_MS;
}

int ruche_wait(struct ruche *ruche, uint32_t id, int timeout_ms, struct ruche_reply **ret)
{
	uint64_t deadline;
	int r;

	if (ruche == NULL || ret == NULL)
		return -EINVAL;
	if (ruche->dispatching)
		return -EBUSY;
	r = fetch(ruche, id, ret);
	if (r != 0) {
		connection_send_due(ruche);
		return r;
	}
	deadline = deadline_after(timeout_ms);
	do {
		r = connection_poll(ruche, deadline);
		if (r <= 0)
			return r;
		r = connection_process(ruche);
		if (r == 0)
			r = fetch(ruche, id, ret);
	} while (r == 0 && clock_now() < deadline);
	return r;
}

int ruche_fd(const struct ruche *ruche)
{
	return ruche == NULL ? -EINVAL : ruche->sock;
}

short ruche_events(const struct ruche *ruche)
{
	if (ruche == NULL)
		return 0;
	return buf_len(&ruche->out) > 0 ? POLLIN | POLLOUT : POLLIN;
}

int ruche_process(struct ruche *ruche)
{
	int r;

	if (ruche == NULL)
		return -EINVAL;
	r = connection_process(ruche);
	if (r == 0 && ruche->broken && TAILQ_EMPTY(&ruche->calls.finished))
		return -ECONNRESET;
	return r;
}

int ruche_next(struct ruche *ruche, struct ruche_reply **ret)
{
	struct call *call;

	if (ruche == NULL || ret == NULL)
		return -EINVAL;
	call = TAILQ_FIRST(&ruche->calls.finished);
	return call == NULL ? 0 : take(ruche, call, ret);
}

size_t ruche_pending(const struct ruche *ruche)
{
	return ruche == NULL ? 0 : ruche->calls.count;
}
