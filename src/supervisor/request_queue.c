/* SPDX-License-Identifier: MIT */
/* request.h, queues. */
#include <stdlib.h>

#include "supervisor/request_object.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "wire/scan.h"

enum {
	TOKENS_MAX = 65536, /* in one request */
	REPLY_MORE = 64,    /* bytes around the items of a reply, at the most */
	REPLY_DEPTH =
		3, /* arrays around an item, at the most: its token's, all of them, the reply */
};

/* ---- putting ----------------------------------------------------------------------------------- */

static bool fail_put(struct session *session, const struct request *request, struct want *want)
{
	items_free(want->use->object, &want->items);
	return request_fail(session, request, RUCHE_BUSY,
		"the user's objects would take more memory than they may: [limits] "
		"user_object_bytes");
}

static bool add_item(struct want *want, struct piece piece)
{
	struct item *item = item_new(want->use->object, piece.data, piece.len);

	if (item != NULL)
		TAILQ_INSERT_TAIL(&want->items, item, link);
	return item != NULL;
}

/* [name, item, options] */
static bool on_put(struct session *session, const struct request *request)
{
	struct want want = {.kind = WANT_PUT, .single = true};
	struct piece piece = piece_in_array(request->params, 1);
	size_t len;

	TAILQ_INIT(&want.items);
	want.use = request_find_use(session, request, WANT_PUT);
	if (want.use == NULL)
		return true;
	if (scan_value_inside(piece.data, piece.len, REPLY_DEPTH, &len) < 0)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [name, item at most 29 deep, options]");
	if (!add_item(&want, piece))
		return fail_put(session, request, &want);
	return request_ask(session, request, 2, &want);
}

/* Each of those that follow each other. */
static bool add_items(struct want *want, const uint8_t *at, const uint8_t *end, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct piece piece = piece_at(at, end, 0);

		if (!add_item(want, piece))
			return false;
		at += piece.len;
	}
	return true;
}

/* [name, [item ...], options] */
static bool on_put_many(struct session *session, const struct request *request)
{
	struct want want = {.kind = WANT_PUT};
	struct piece items = piece_in_array(request->params, 1);
	uint32_t count;
	size_t head;

	TAILQ_INIT(&want.items);
	want.use = request_find_use(session, request, WANT_PUT);
	if (want.use == NULL)
		return true;
	if (items.len == 0 || scan_array(items.data, items.len, &count, &head) < 0)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [name, array of items, options]");
	if (!add_items(&want, items.data + head, items.data + items.len, count))
		return fail_put(session, request, &want);
	return request_ask(session, request, 2, &want);
}

/* ---- getting ------------------------------------------------------------------------------------ */

static bool get(struct session *session, const struct request *request, uint32_t options_at,
	uint64_t max, bool single)
{
	struct want want = {.kind = WANT_GET, .single = single, .max = max};

	TAILQ_INIT(&want.items);
	want.max_len = session->sup->config.limits.frame - REPLY_MORE;
	want.use = request_find_use(session, request, WANT_GET);
	return want.use == NULL || request_ask(session, request, options_at, &want);
}

/* [name, options] */
static bool on_get(struct session *session, const struct request *request)
{
	return get(session, request, 1, 1, true);
}

/* [name, how many, options] */
static bool on_get_many(struct session *session, const struct request *request)
{
	uint64_t max;

	if (!request_get_uint(request, 1, UINT64_MAX, &max) || max == 0)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [name, how many items at the most, options]");
	return get(session, request, 2, max, false);
}

/* [name, options] */
static bool on_join(struct session *session, const struct request *request)
{
	struct want want = {.kind = WANT_JOIN};

	TAILQ_INIT(&want.items);
	want.use = request_find_use(session, request, WANT_JOIN);
	return want.use == NULL || request_ask(session, request, 1, &want);
}

/* ---- what is done at once ----------------------------------------------------------------------- */

static bool fill_tokens(const uint8_t *at, const uint8_t *end, uint64_t *tokens, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		size_t len;

		if (scan_uint(at, (size_t)(end - at), &tokens[i], &len) < 0)
			return false;
		at += len;
	}
	return true;
}

/* To be freed; NULL: they are none. */
static uint64_t *read_tokens(struct piece array, uint32_t *ret_count)
{
	uint64_t *tokens;
	size_t head;

	if (array.len == 0 || scan_array(array.data, array.len, ret_count, &head) < 0 ||
		*ret_count > TOKENS_MAX)
		return NULL;
	tokens = calloc((size_t)*ret_count + 1, sizeof(*tokens));
	if (tokens == NULL ||
		fill_tokens(array.data + head, array.data + array.len, tokens, *ret_count))
		return tokens;
	free(tokens);
	return NULL;
}

/* [name, [token ...]] */
static bool settle(struct session *session, const struct request *request, bool give_back)
{
	struct use *use = request_find_use(session, request, WANT_GET);
	uint64_t *tokens, settled;
	uint32_t count;

	if (use == NULL)
		return true;
	tokens = read_tokens(piece_in_array(request->params, 1), &count);
	if (tokens == NULL)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [name, array of tokens], at most 65536");
	settled = object_settle_items(use, tokens, count, give_back);
	free(tokens);
	return request_tell(session, request, settled);
}

static bool on_ack(struct session *session, const struct request *request)
{
	return settle(session, request, false);
}

static bool on_give_back(struct session *session, const struct request *request)
{
	return settle(session, request, true);
}

/* [name, how many: 1] */
static bool on_task_done(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_GET);
	uint64_t count = 1;

	if (use == NULL)
		return true;
	if (request->count > 1 && !request_get_uint(request, 1, UINT64_MAX, &count))
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [name, how many items are done with]");
	if (object_task_done(use, count) != RUCHE_OK)
		return request_fail(session, request, RUCHE_NOT_HELD,
			"this connection has not taken as many items without acknowledgement");
	return request_tell(session, request, use->object->queue.unfinished);
}

static bool on_end(struct session *session, const struct request *request)
{
	struct use *use = request_find_use(session, request, WANT_GET);

	if (use == NULL)
		return true;
	object_end_queue(use->object);
	return request_done(session, request);
}

const struct method queue_methods[] = {
	{"ruche.queue.put", on_put},
	{"ruche.queue.get", on_get},
	{"ruche.queue.put_many", on_put_many},
	{"ruche.queue.get_many", on_get_many},
	{"ruche.queue.ack", on_ack},
	{"ruche.queue.give_back", on_give_back},
	{"ruche.queue.task_done", on_task_done},
	{"ruche.queue.join", on_join},
	{"ruche.queue.end", on_end},
	{NULL, NULL},
};
