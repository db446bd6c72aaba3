/* SPDX-License-Identifier: MIT */
#include "client/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "client/reply.h"
#include "client/value.h"
#include "wire/link.h"

#define RUCHE_ERROR "ruche.error" /* daemon → client: [error map], and then it closes */

enum { PARAMS_MAX = 3 };

static struct piece piece_of(const struct ruche *ruche, struct span span)
{
	return (struct piece){buf_data(&ruche->in) + span.off, span.len};
}

/* ---- responses */

/* A result, where it is. */
struct result {
	struct piece value;
	bool is_shared;
	uint32_t lane; /* of the arena */
};

static struct ruche_reply *make_reply(
	struct ruche *ruche, uint32_t id, struct piece error, const struct result *result)
{
	if (!value_is_nil(error))
		return reply_new_error(id, error.data, error.len);
	if (result->is_shared)
		return reply_new_shared(id, result->value.data, result->value.len,
			ruche->calls.arena, result->lane);
	return reply_new_result(id, result->value.data, result->value.len);
}

/* Does the answer say that a descriptor comes with it? */
static bool has_fd(const struct call *call, struct piece error, struct piece result)
{
	struct piece said;
	bool has = false;

	return call->brings_fd && value_is_nil(error) && value_find(result, "fd", &said) == 0 &&
	       value_get_bool(said.data, said.len, &has) == 0 && has;
}

/*
 * The first of those that have come: they come in the order of their answers.  One that a later read has brought than that in which
 * the answer begins is not its own, which has been lost then: -1.
 */
static int take_fd(struct ruche *ruche)
{
	const struct fd_queued *first = fd_queue_at(&ruche->fds, 0);

	if (first == NULL || first->at > ruche->received - buf_len(&ruche->in))
		return -1;
	return fd_queue_pop(&ruche->fds);
}

/* The end of a call whose reply is fetched by the caller. */
static int finish(
	struct ruche *ruche, struct call *call, struct piece error, const struct result *result)
{
	struct ruche_reply *reply = make_reply(ruche, call->id, error, result);

	if (reply == NULL)
		return -ENOMEM;
	if (has_fd(call, error, result->value))
		reply_give_fd(reply, take_fd(ruche));
	calls_finish(&ruche->calls, call, reply);
	return 0;
}

/* Its owner has taken from the result what it wants when this returns. */
static int end_owned(
	struct ruche *ruche, struct call *call, struct piece error, const struct result *result)
{
	int r = call->owner->on_end(call, error, result->value), fd;

	if (r < 0)
		return r;
	if (has_fd(call, error, result->value)) { /* and nobody wants it */
		fd = take_fd(ruche);
		fd_close(&fd);
	}
	calls_remove(&ruche->calls, call);
	if (result->is_shared)
		arena_give(ruche->calls.arena->arena.head, result->lane);
	return 0;
}

static int on_response(struct ruche *ruche)
{
	uint32_t id = ruche->scan.msgid;
	struct call *call = calls_find(&ruche->calls, id);
	struct piece error = piece_of(ruche, ruche->scan.error);
	struct result result = {.value = piece_of(ruche, ruche->scan.result)};
	int r;

	if (call == NULL || call->finished) {
		connection_break(ruche, "the daemon answered call %u, which is not open", id);
		return 0;
	}
	r = call->is_item ? 0
			  : client_arena_resolve(ruche->calls.arena, &result.value,
				    call->brings_pairs, &result.lane);
	if (r < 0) {
		connection_break(ruche, "the answer to call %u refers to nothing", id);
		return 0;
	}
	result.is_shared = r > 0;
	r = call->owner == NULL ? finish(ruche, call, error, &result)
				: end_owned(ruche, call, error, &result);
	if (r == 0 && !result.is_shared && result.value.len >= ARENA_MIN)
		arena_want(ruche);
	return r;
}

/* ---- notifications: each is given its params and passes over those that make no sense */

static void on_output(struct ruche *ruche, struct call *call, const struct piece *params)
{
	const struct callbacks *callbacks = &ruche->callbacks;
	const struct call_log *log = call->log;
	const char *data;
	uint64_t stream;
	size_t len;

	if (scan_uint(params[1].data, params[1].len, &stream, &len) < 0 ||
		value_get_bytes(params[2].data, params[2].len, &data, &len) < 0)
		return;
	if (stream != 1 && stream != 2)
		return;
	if (log != NULL)
		log->on_output(log->user, (int)stream, data, len);
	else if (callbacks->on_output != NULL)
		callbacks->on_output(callbacks->output_user, call->id, (int)stream, data, len);
}

static void on_progress(struct ruche *ruche, struct call *call, const struct piece *params)
{
	const struct callbacks *callbacks = &ruche->callbacks;
	double value;

	if (callbacks->on_progress == NULL ||
		value_get_double(params[1].data, params[1].len, &value) < 0)
		return;
	callbacks->on_progress(callbacks->progress_user, call->id, value);
}

static void on_input(struct ruche *ruche, struct call *call, const struct piece *params)
{
	const struct callbacks *callbacks = &ruche->callbacks;
	uint64_t room;
	size_t len;

	if (scan_uint(params[1].data, params[1].len, &room, &len) < 0 || room > UINT32_MAX)
		return;
	call->room += room;
	if (callbacks->on_input != NULL)
		callbacks->on_input(callbacks->input_user, call->id, (size_t)room);
}

static const struct notification {
	const char *method;
	uint32_t count; /* of params, the first being the msgid of an open call */
	void (*run)(struct ruche *ruche, struct call *call, const struct piece *params);
} notifications[] = {
	{RUCHE_OUTPUT, 3, on_output},
	{RUCHE_PROGRESS, 2, on_progress},
	{RUCHE_INPUT, 2, on_input},
};

static void run_notification(
	struct ruche *ruche, const struct notification *notification, struct piece array)
{
	struct piece params[PARAMS_MAX] = {{0}};
	struct call *call;
	uint64_t id;
	size_t len;

	if (value_split(array, notification->count, params) < 0 ||
		scan_uint(params[0].data, params[0].len, &id, &len) < 0 || id > UINT32_MAX)
		return;
	call = calls_find_public(&ruche->calls, (uint32_t)id);
	if (call != NULL && !call->finished)
		notification->run(ruche, call, params);
}

/* Kept for the moment that the daemon closes the connection. */
static void keep_complaint(struct ruche *ruche, struct piece array)
{
	struct ruche_reply *reply;
	struct piece error;

	if (value_split(array, 1, &error) < 0)
		return;
	reply = reply_new_error(0, error.data, error.len);
	if (reply != NULL)
		snprintf(ruche->why, sizeof(ruche->why), "%s", ruche_reply_error(reply)->message);
	ruche_reply_free(reply);
}

static bool is_named(struct piece method, const char *name)
{
	return method.len == strlen(name) && memcmp(method.data, name, method.len) == 0;
}

/* One that is not known belongs to a later protocol. */
static int on_notification(struct ruche *ruche)
{
	struct piece method = piece_of(ruche, ruche->scan.method);
	struct piece params = piece_of(ruche, ruche->scan.params);

	for (size_t i = 0; i < sizeof(notifications) / sizeof(notifications[0]); i++)
		if (is_named(method, notifications[i].method))
			run_notification(ruche, &notifications[i], params);
	if (is_named(method, RUCHE_ERROR))
		keep_complaint(ruche, params);
	return 0;
}

static int on_request(struct ruche *ruche)
{
	connection_break(ruche, "the daemon sent a request, which is for clients to do");
	return 0;
}

int dispatch_frame(struct ruche *ruche)
{
	static int (*const handlers[])(struct ruche * ruche) = {
		[SCAN_REQUEST] = on_request,
		[SCAN_RESPONSE] = on_response,
		[SCAN_NOTIFICATION] = on_notification,
	};

	return handlers[ruche->scan.type](ruche);
}
