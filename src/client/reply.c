/* SPDX-License-Identifier: MIT */
#include "client/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/value.h"
#include "wire/message.h"

/* An error over this size is not unpacked: msgpack-c would take many times its length. */
enum { ERROR_MAX = 1024 * 1024 };

struct ruche_reply {
	uint32_t id;
	struct ruche_error error;
	size_t len;
	uint8_t data[]; /* the packed result; or the error's strings */
};

static struct ruche_reply *reply_new(uint32_t id, size_t len)
{
	struct ruche_reply *reply = malloc(sizeof(*reply) + len);

	if (reply == NULL)
		return NULL;
	reply->id = id;
	reply->error = (struct ruche_error){.code = RUCHE_OK};
	reply->len = len;
	return reply;
}

struct ruche_reply *reply_new_result(uint32_t id, const void *data, size_t len)
{
	struct ruche_reply *reply = reply_new(id, len);

	if (reply != NULL)
		memcpy(reply->data, data, len);
	return reply;
}

static const char *copy_text(char **to, const char *text, size_t len)
{
	char *copy = *to;

	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	*to += len + 1;
	return copy;
}

static struct ruche_reply *reply_new_failure(uint32_t id, struct message_error *error)
{
	struct ruche_reply *reply;
	char *to;

	if (error->message == NULL || error->message_len == 0) {
		error->message = ruche_code_name(error->code);
		error->message_len = strlen(error->message);
	}
	if (error->output == NULL)
		error->output_len = 0;
	reply = reply_new(id, error->message_len + error->output_len + 2);
	if (reply == NULL)
		return NULL;
	to = (char *)reply->data;
	reply->error = (struct ruche_error){
		.code = error->code,
		.message = copy_text(&to, error->message, error->message_len),
		.executed = error->executed,
		.signal = error->signal,
		.exit_status = error->exit_status,
		.output = copy_text(&to, error->output, error->output_len),
		.peak_memory = error->peak_memory,
	};
	return reply;
}

struct ruche_reply *reply_new_error(uint32_t id, const void *data, size_t len)
{
	static const char unreadable[] = "the daemon sent an error that cannot be unpacked";
	struct message_error error = {
		.code = RUCHE_FAILED,
		.executed = RUCHE_EXECUTED_MAYBE,
		.exit_status = -1,
		.message = unreadable,
		.message_len = sizeof(unreadable) - 1,
	};
	struct ruche_reply *reply;
	msgpack_unpacked unpacked;
	size_t off = 0;

	msgpack_unpacked_init(&unpacked);
	if (len <= ERROR_MAX &&
		msgpack_unpack_next(&unpacked, data, len, &off) == MSGPACK_UNPACK_SUCCESS)
		message_get_error(&unpacked.data, &error);
	reply = reply_new_failure(id, &error);
	msgpack_unpacked_destroy(&unpacked);
	return reply;
}

struct ruche_reply *reply_new_disconnected(
	uint32_t id, enum ruche_executed executed, const char *why)
{
	struct message_error error = {
		.code = RUCHE_DISCONNECTED,
		.executed = executed,
		.exit_status = -1,
		.message = why,
		.message_len = strlen(why),
	};

	return reply_new_failure(id, &error);
}

void ruche_reply_free(struct ruche_reply *reply)
{
	free(reply);
}

uint32_t ruche_reply_id(const struct ruche_reply *reply)
{
	return reply == NULL ? 0 : reply->id;
}

enum ruche_code ruche_reply_code(const struct ruche_reply *reply)
{
	return reply == NULL ? RUCHE_FAILED : reply->error.code;
}

const struct ruche_error *ruche_reply_error(const struct ruche_reply *reply)
{
	return reply == NULL || reply->error.code == RUCHE_OK ? NULL : &reply->error;
}

/* ---- results */

static bool has_result(const struct ruche_reply *reply)
{
	return reply != NULL && reply->error.code == RUCHE_OK;
}

int ruche_reply_int128(const struct ruche_reply *reply, __int128 *ret)
{
	if (!has_result(reply) || ret == NULL)
		return -EINVAL;
	return value_get_int128(reply->data, reply->len, ret);
}

int ruche_reply_int64(const struct ruche_reply *reply, int64_t *ret)
{
	__int128 value;

	if (ret == NULL || ruche_reply_int128(reply, &value) < 0)
		return -EINVAL;
	if (value < INT64_MIN || value > INT64_MAX)
		return -EINVAL;
	*ret = (int64_t)value;
	return 0;
}

int ruche_reply_uint64(const struct ruche_reply *reply, uint64_t *ret)
{
	__int128 value;

	if (ret == NULL || ruche_reply_int128(reply, &value) < 0)
		return -EINVAL;
	if (value < 0 || value > UINT64_MAX)
		return -EINVAL;
	*ret = (uint64_t)value;
	return 0;
}

int ruche_reply_double(const struct ruche_reply *reply, double *ret)
{
	if (!has_result(reply) || ret == NULL)
		return -EINVAL;
	return value_get_double(reply->data, reply->len, ret);
}

int ruche_reply_bool(const struct ruche_reply *reply, bool *ret)
{
	if (!has_result(reply) || ret == NULL)
		return -EINVAL;
	return value_get_bool(reply->data, reply->len, ret);
}

int ruche_reply_bytes(const struct ruche_reply *reply, const char **ret, size_t *ret_len)
{
	if (!has_result(reply) || ret == NULL || ret_len == NULL)
		return -EINVAL;
	return value_get_bytes(reply->data, reply->len, ret, ret_len);
}

int ruche_reply_packed(const struct ruche_reply *reply, const void **ret, size_t *ret_len)
{
	if (!has_result(reply) || ret == NULL || ret_len == NULL)
		return -EINVAL;
	*ret = reply->data;
	*ret_len = reply->len;
	return 0;
}
