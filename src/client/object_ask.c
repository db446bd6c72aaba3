/* SPDX-License-Identifier: MIT */
/* object.h: how the daemon is asked, and its answers taken apart. */
#include "client/object.h"

#include <errno.h>
#include <string.h>

#include "client/object_reply.h"
#include "wire/message.h"
#include "wire/scan.h"

/* ---- options */

int object_pack_flag(msgpack_packer *pk, const struct object_option *option)
{
	return option->flag ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
}

int object_pack_number(msgpack_packer *pk, const struct object_option *option)
{
	return msgpack_pack_uint64(pk, option->number);
}

int object_pack_seconds(msgpack_packer *pk, const struct object_option *option)
{
	return message_pack_double(pk, option->seconds);
}

int object_pack_text(msgpack_packer *pk, const struct object_option *option)
{
	return message_pack_str(pk, option->text);
}

int object_pack_bytes(msgpack_packer *pk, const struct object_option *option)
{
	return message_pack_bin(pk, option->bytes.data, option->bytes.len);
}

struct object_option object_timeout(int timeout_ms)
{
	return (struct object_option){.name = "timeout",
		.is_set = timeout_ms >= 0,
		.pack = object_pack_seconds,
		.seconds = timeout_ms / 1000.0};
}

static size_t count_set(const struct object_question *question)
{
	size_t count = 0;

	for (size_t i = 0; i < question->option_count; i++)
		count += question->options[i].is_set;
	return count;
}

static int pack_options(msgpack_packer *pk, const struct object_question *question, size_t count)
{
	int r = msgpack_pack_map(pk, count);

	for (size_t i = 0; r == 0 && i < question->option_count; i++) {
		const struct object_option *option = &question->options[i];

		if (!option->is_set)
			continue;
		r = message_pack_str(pk, option->name);
		if (r == 0)
			r = option->pack(pk, option);
	}
	return r;
}

/* ---- asking */

static int pack_params(struct request *request, const struct object_question *question)
{
	size_t options = count_set(question);
	int r = msgpack_pack_array(
		&request->pk, (question->name != NULL) + question->count + (options > 0));

	if (r == 0 && question->name != NULL)
		r = message_pack_str(&request->pk, question->name);
	if (r == 0 && question->count > 0)
		r = question->pack(request, question->data);
	return r == 0 && options > 0 ? pack_options(&request->pk, question, options) : r;
}

static int send_question(
	struct ruche *ruche, const struct object_question *question, uint32_t *ret_id)
{
	struct request request;
	int r = request_begin(&request, ruche, question->method);

	if (r == 0)
		r = request_end(&request, pack_params(&request, question));
	if (r < 0)
		return r;
	*ret_id = request.id;
	if (question->brings_fd)
		calls_expect_fd(&ruche->calls, calls_find(&ruche->calls, request.id));
	return 0;
}

int object_ask(
	struct ruche *ruche, const struct object_question *question, struct ruche_reply **ret)
{
	int r = object_begin(ruche, question);
	struct ruche_reply *reply;
	uint32_t id = 0;

	if (r < 0)
		return r;
	r = send_question(ruche, question, &id);
	r = object_wait(ruche, r, id, &reply);
	if (r < 0)
		return r;
	if (ret != NULL)
		*ret = reply;
	else
		ruche_reply_free(reply);
	return 0;
}

int object_ask_of(struct ruche_object *object, unsigned int kinds,
	const struct object_question *question, struct ruche_reply **ret)
{
	struct object_question named = *question;

	if (object == NULL || !use_is_live(&object->use))
		return -EINVAL;
	if ((kinds & 1u << object->kind) == 0) {
		(void)object_begin(object->use.ruche, object);
		return -EINVAL;
	}
	named.name = object->use.name;
	return object_ask(object->use.ruche, &named, ret);
}

int object_ask_plain(struct ruche_object *object, unsigned int kinds, const char *method,
	int timeout_ms, struct ruche_reply **ret)
{
	const struct object_option timeout = object_timeout(timeout_ms);
	const struct object_question question = {
		.method = method, .options = &timeout, .option_count = 1};

	return object_ask_of(object, kinds, &question, ret);
}

/* ---- answers */

static struct piece result_of(const struct ruche_reply *reply)
{
	struct piece result = {0};
	const void *data;

	if (ruche_reply_packed(reply, &data, &result.len) == 0)
		result.data = data;
	return result;
}

int object_take_number(struct ruche_reply *reply, uint64_t *ret)
{
	int r = ruche_reply_uint64(reply, ret);

	ruche_reply_free(reply);
	return r < 0 ? -EPROTO : 0;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

int object_take_word(struct ruche_reply *reply, const char *first, const char *second)
{
	const char *text;
	size_t len;
	int r = -EPROTO;

	if (ruche_reply_bytes(reply, &text, &len) == 0)
		r = is_word(text, len, first) ? 0 : is_word(text, len, second) ? 1 : -EPROTO;
	ruche_reply_free(reply);
	return r;
}

int object_get(const struct ruche_reply *reply, const char *key, struct piece *ret)
{
	return value_find(result_of(reply), key, ret) < 0 ? -EPROTO : 0;
}

int object_get_number(const struct ruche_reply *reply, const char *key, uint64_t *ret)
{
	struct piece value;
	size_t len;

	if (object_get(reply, key, &value) < 0)
		return -EPROTO;
	return scan_uint(value.data, value.len, ret, &len);
}

int object_get_flag(const struct ruche_reply *reply, const char *key, bool *ret)
{
	struct piece value;

	if (object_get(reply, key, &value) < 0 || value_get_bool(value.data, value.len, ret) < 0)
		return -EPROTO;
	return 0;
}
