/* SPDX-License-Identifier: MIT */
/* objects.h: queues. */
#include <errno.h>
#include <stdarg.h>

#include "client/args.h"
#include "client/object.h"
#include "client/reply.h"
#include "wire/scan.h"

enum { QUEUE = 1 << RUCHE_QUEUE };

/* ---- putting */

/* An item, or several, as the caller has packed them. */
static int pack_piece(struct request *request, const void *data)
{
	const struct piece *piece = data;

	request->is_foreign = true;
	return request->pk.callback(request->pk.data, (const char *)piece->data, piece->len);
}

struct values {
	const char *types;
	va_list values;
};

static int pack_values(struct request *request, const void *data)
{
	struct values *values = (struct values *)data; /* va_list has no const */

	return args_pack_value(request, values->types, values->values);
}

static int put(struct ruche_object *queue, const char *method, int timeout_ms,
	int (*pack)(struct request *request, const void *data), const void *data,
	struct ruche_reply **ret)
{
	const struct object_option timeout = object_timeout(timeout_ms);
	const struct object_question question = {.method = method,
		.count = 1,
		.pack = pack,
		.data = data,
		.options = &timeout,
		.option_count = 1};

	return object_ask_of(queue, QUEUE, &question, ret);
}

int ruche_queue_put(struct ruche_object *queue, int timeout_ms, const char *types, ...)
{
	struct values values = {.types = types};
	int r;

	if (types == NULL)
		return -EINVAL;
	va_start(values.values, types);
	r = put(queue, "ruche.queue.put", timeout_ms, pack_values, &values, NULL);
	va_end(values.values);
	return r;
}

static bool is_one_value(const void *data, size_t len)
{
	size_t value_len;

	return data != NULL && scan_value(data, len, &value_len) == 0 && value_len == len;
}

int ruche_queue_put_packed(
	struct ruche_object *queue, int timeout_ms, const void *item, size_t item_len)
{
	const struct piece piece = {item, item_len};

	if (!is_one_value(item, item_len))
		return -EINVAL;
	return put(queue, "ruche.queue.put", timeout_ms, pack_piece, &piece, NULL);
}

/* Why not all went in: there was not time enough, or the queue takes no more. */
static int why_not_all(int timeout_ms)
{
	return timeout_ms < 0 ? -EPIPE : timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
}

int ruche_queue_put_many(struct ruche_object *queue, int timeout_ms, const void *items,
	size_t items_len, size_t *ret_count)
{
	const struct piece piece = {items, items_len};
	struct ruche_reply *reply;
	uint64_t went_in = 0;
	uint32_t count;
	size_t head;
	int r;

	if (ret_count == NULL)
		return -EINVAL;
	*ret_count = 0;
	if (!is_one_value(items, items_len) || scan_array(items, items_len, &count, &head) < 0)
		return -EINVAL;
	r = put(queue, "ruche.queue.put_many", timeout_ms, pack_piece, &piece, &reply);
	if (r == 0)
		r = object_take_number(reply, &went_in);
	if (r < 0)
		return r;
	if (went_in > count)
		return -EPROTO;
	*ret_count = (size_t)went_in;
	return went_in < count ? why_not_all(timeout_ms) : 0;
}

/* ---- getting */

static int pack_size(struct request *request, const void *data)
{
	const size_t *size = data;

	return msgpack_pack_uint64(&request->pk, *size);
}

int ruche_queue_get(struct ruche_object *queue, int timeout_ms, struct ruche_reply **ret)
{
	if (ret == NULL)
		return -EINVAL;
	return object_ask_plain(queue, QUEUE, "ruche.queue.get", timeout_ms, ret);
}

int ruche_queue_get_many(
	struct ruche_object *queue, size_t max, int timeout_ms, struct ruche_reply **ret)
{
	const struct object_option timeout = object_timeout(timeout_ms);
	const struct object_question question = {.method = "ruche.queue.get_many",
		.count = 1,
		.pack = pack_size,
		.data = &max,
		.options = &timeout,
		.option_count = 1};

	if (ret == NULL || max == 0)
		return -EINVAL;
	return object_ask_of(queue, QUEUE, &question, ret);
}

/* [token, item]: what is left of the reply is the item. */
static int split_token(struct ruche_reply *reply, uint64_t *ret_token)
{
	struct piece result, parts[2];
	const void *data;
	size_t len;

	if (ruche_reply_packed(reply, &data, &result.len) < 0)
		return -EPROTO;
	result.data = data;
	if (value_split(result, 2, parts) < 0 ||
		scan_uint(parts[0].data, parts[0].len, ret_token, &len) < 0)
		return -EPROTO;
	reply_narrow(reply, parts[1]);
	return 0;
}

int ruche_queue_get_ack(
	struct ruche_object *queue, int timeout_ms, uint64_t *ret_token, struct ruche_reply **ret)
{
	const struct object_option options[] = {
		object_timeout(timeout_ms), {"ack", true, object_pack_flag, {.flag = true}}};
	const struct object_question question = {
		.method = "ruche.queue.get", .options = options, .option_count = 2};
	struct ruche_reply *reply;
	int r;

	if (ret_token == NULL || ret == NULL)
		return -EINVAL;
	r = object_ask_of(queue, QUEUE, &question, &reply);
	if (r < 0)
		return r;
	r = split_token(reply, ret_token);
	if (r < 0)
		ruche_reply_free(reply);
	else
		*ret = reply;
	return r;
}

/* ---- after that */

static int pack_token(struct request *request, const void *data)
{
	const uint64_t *token = data;
	int r = msgpack_pack_array(&request->pk, 1);

	return r < 0 ? r : msgpack_pack_uint64(&request->pk, *token);
}

static int settle(struct ruche_object *queue, const char *method, uint64_t token)
{
	const struct object_question question = {
		.method = method, .count = 1, .pack = pack_token, .data = &token};
	struct ruche_reply *reply;
	uint64_t count = 0;
	int r = object_ask_of(queue, QUEUE, &question, &reply);

	if (r == 0)
		r = object_take_number(reply, &count);
	return r == 0 && count == 0 ? -EPERM : r;
}

int ruche_queue_ack(struct ruche_object *queue, uint64_t token)
{
	return settle(queue, "ruche.queue.ack", token);
}

int ruche_queue_give_back(struct ruche_object *queue, uint64_t token)
{
	return settle(queue, "ruche.queue.give_back", token);
}

int ruche_queue_task_done(struct ruche_object *queue, size_t count)
{
	const struct object_question question = {
		.method = "ruche.queue.task_done", .count = 1, .pack = pack_size, .data = &count};

	return object_ask_of(queue, QUEUE, &question, NULL);
}

int ruche_queue_join(struct ruche_object *queue, int timeout_ms)
{
	return object_ask_plain(queue, QUEUE, "ruche.queue.join", timeout_ms, NULL);
}

int ruche_queue_size(struct ruche_object *queue, size_t *ret)
{
	struct ruche_reply *reply;
	uint64_t size = 0;
	int r;

	if (ret == NULL)
		return -EINVAL;
	r = object_ask_plain(queue, QUEUE, "ruche.object", -1, &reply);
	if (r < 0)
		return r;
	r = object_get_number(reply, "size", &size);
	ruche_reply_free(reply);
	if (r == 0)
		*ret = (size_t)size;
	return r;
}

int ruche_queue_end(struct ruche_object *queue)
{
	return object_ask_plain(queue, QUEUE, "ruche.queue.end", -1, NULL);
}
