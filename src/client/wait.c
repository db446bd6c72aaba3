/* SPDX-License-Identifier: MIT */

/* Waiting for replies, and fetching them. */

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
		call->end <= ruche->sent ? RUCHE_EXECUTED_MAYBE : RUCHE_EXECUTED_NO;

	return reply_new_own(call->id, RUCHE_DISCONNECTED, executed, ruche->why);
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

/* ---- waiting */

/*
 * Sends, reads and runs callbacks until `look` gives other than 0, and returns that; 0: time is
 * up; or a negative errno.
 */
static int wait_for(
	struct ruche *ruche, int timeout_ms, int (*look)(struct ruche *, void *data), void *data)
{
	uint64_t deadline;
	int r;

	if (ruche->dispatching)
		return -EBUSY;
	r = look(ruche, data);
	if (r != 0) {
		connection_send_due(ruche);
		return r;
	}
	deadline = connection_deadline(timeout_ms);
	do {
		r = connection_poll(ruche, deadline);
		if (r <= 0)
			return r;
		r = connection_process(ruche);
		if (r == 0)
			r = look(ruche, data);
	} while (r == 0 && clock_now() < deadline);
	return r;
}

struct fetch {
	uint32_t id;
	struct ruche_reply **ret;
};

/* 1; 0: it has not come yet; -ENOENT: there is no such call; or -ENOMEM. */
static int fetch(struct ruche *ruche, void *data)
{
	struct calls *calls = &ruche->calls;
	const struct fetch *what = data;
	struct call *call;

	if (what->id != 0)
		call = calls_find_public(calls, what->id);
	else if ((call = TAILQ_FIRST(&calls->finished)) == NULL && calls_count_public(calls) > 0)
		return 0;
	if (call == NULL)
		return -ENOENT;
	return call->finished ? take(ruche, call, what->ret) : 0;
}

int ruche_wait(struct ruche *ruche, uint32_t id, int timeout_ms, struct ruche_reply **ret)
{
	struct fetch what = {id, ret};

	if (ruche == NULL || ret == NULL)
		return -EINVAL;
	return wait_for(ruche, timeout_ms, fetch, &what);
}

int ruche_ready(const struct ruche *ruche, uint32_t id)
{
	const struct call *call;

	if (ruche == NULL)
		return -EINVAL;
	call = calls_find_public(&ruche->calls, id);
	return call == NULL ? -ENOENT : call->finished;
}

int ruche_successful(const struct ruche *ruche, uint32_t id)
{
	const struct call *call;

	if (ruche == NULL)
		return -EINVAL;
	call = calls_find_public(&ruche->calls, id);
	if (call == NULL)
		return -ENOENT;
	if (!call->finished)
		return -EAGAIN;
	return call->reply != NULL && ruche_reply_code(call->reply) == RUCHE_OK;
}

struct several {
	const uint32_t *ids;
	size_t count;
	size_t at; /* the first that has ended; or how many have, one after the other */
};

/* Is each of them open? */
static bool are_open(const struct ruche *ruche, const struct several *several)
{
	for (size_t i = several->at; i < several->count; i++)
		if (calls_find_public(&ruche->calls, several->ids[i]) == NULL)
			return false;
	return true;
}

static int find_ended(struct ruche *ruche, void *data)
{
	struct several *several = data;
	int r;

	for (size_t i = 0; i < several->count; i++) {
		r = ruche_ready(ruche, several->ids[i]);
		if (r != 0) {
			several->at = i;
			return r;
		}
	}
	return 0;
}

static int pass_ended(struct ruche *ruche, void *data)
{
	struct several *several = data;
	int r = 1;

	while (several->at < several->count &&
		(r = ruche_ready(ruche, several->ids[several->at])) == 1)
		several->at++;
	return r;
}

int ruche_wait_any(
	struct ruche *ruche, const uint32_t *ids, size_t count, int timeout_ms, size_t *ret_index)
{
	struct several several = {ids, count, 0};
	int r;

	if (ruche == NULL || ret_index == NULL || (ids == NULL && count > 0))
		return -EINVAL;
	if (count == 0 || !are_open(ruche, &several))
		return -ENOENT;
	r = wait_for(ruche, timeout_ms, find_ended, &several);
	if (r == 1)
		*ret_index = several.at;
	return r;
}

int ruche_wait_all(struct ruche *ruche, const uint32_t *ids, size_t count, int timeout_ms)
{
	struct several several = {ids, count, 0};

	if (ruche == NULL || (ids == NULL && count > 0))
		return -EINVAL;
	if (!are_open(ruche, &several))
		return -ENOENT;
	return wait_for(ruche, timeout_ms, pass_ended, &several);
}

/* ---- event loops */

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

int ruche_flush(struct ruche *ruche)
{
	if (ruche == NULL)
		return -EINVAL;
	connection_send(ruche);
	return ruche->broken || ruche->send_error < 0 ? -ECONNRESET : 0;
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
	return ruche == NULL ? 0 : calls_count_public(&ruche->calls);
}
