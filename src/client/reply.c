/* SPDX-License-Identifier: MIT */
#include "client/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "base/fd.h"
#include "client/value.h"
#include "wire/message.h"

/* An error over this size is not unpacked: msgpack-c would take many times its length. */
enum { ERROR_MAX = 1024 * 1024 };

struct ruche_reply {
	const struct ruche_error *error; /* in `own`; NULL: a result */
	const uint8_t *data;             /* the packed result, here or in a lane of the arena */
	size_t len;                      /* of it, or of what is here */
	struct client_arena *arena;      /* held, as is the lane; NULL: neither */
	uint32_t id, lane;
	int fd; /* negative: none */
	/* The packed result; or the error and after it its strings. */
	_Alignas(struct ruche_error) uint8_t own[];
};

static struct ruche_reply *reply_new(uint32_t id, size_t len)
{
	struct ruche_reply *reply = malloc(sizeof(*reply) + len);

	if (reply != NULL)
		*reply = (struct ruche_reply){.data = reply->own, .len = len, .id = id, .fd = -1};
	return reply;
}

struct ruche_reply *reply_new_result(uint32_t id, const void *data, size_t len)
{
	struct ruche_reply *reply = reply_new(id, len);

	if (reply != NULL)
		copy_few(reply->own, data, len);
	return reply;
}

struct ruche_reply *reply_new_room(uint32_t id, size_t len, void **ret_data)
{
	struct ruche_reply *reply = reply_new(id, len);

	if (reply != NULL)
		*ret_data = reply->own;
	return reply;
}

struct ruche_reply *reply_new_shared(
	uint32_t id, const void *data, size_t len, struct client_arena *arena, uint32_t lane)
{
	struct ruche_reply *reply = reply_new(id, 0);

	if (reply == NULL)
		return NULL;
	reply->data = data;
	reply->len = len;
	reply->arena = arena;
	reply->lane = lane;
	client_arena_hold(arena);
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

static struct ruche_reply *reply_new_failure(uint32_t id, struct message_error *said)
{
	struct ruche_reply *reply;
	struct ruche_error *error;
	char *to;

	if (said->message == NULL || said->message_len == 0) {
		said->message = ruche_code_name(said->code);
		said->message_len = strlen(said->message);
	}
	if (said->output == NULL)
		said->output_len = 0;
	if (said->cause == NULL)
		said->cause_len = 0;
	reply = reply_new(
		id, sizeof(*error) + said->message_len + said->output_len + said->cause_len + 3);
	if (reply == NULL)
		return NULL;
	error = (struct ruche_error *)(void *)reply->own;
	to = (char *)(error + 1);
	*error = (struct ruche_error){
		.code = said->code,
		.message = copy_text(&to, said->message, said->message_len),
		.executed = said->executed,
		.signal = said->signal,
		.exit_status = said->exit_status,
		.output = copy_text(&to, said->output, said->output_len),
		.peak_memory = said->peak_memory,
		.attempts = said->attempts,
		.queued_for = said->queued,
		.ran_for = said->ran,
		.cause = copy_text(&to, said->cause, said->cause_len),
	};
	reply->error = error;
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

struct ruche_reply *reply_new_own(
	uint32_t id, enum ruche_code code, enum ruche_executed executed, const char *message)
{
	struct message_error error = {
		.code = code,
		.executed = executed,
		.exit_status = -1,
		.message = message,
		.message_len = strlen(message),
	};

	return reply_new_failure(id, &error);
}

struct ruche_reply *reply_copy(const struct ruche_reply *reply)
{
	const struct ruche_error *said = reply->error;
	struct message_error error;

	if (said == NULL)
		return reply_new_result(reply->id, reply->data, reply->len);
	error = (struct message_error){
		.code = said->code,
		.executed = said->executed,
		.signal = said->signal,
		.exit_status = said->exit_status,
		.peak_memory = said->peak_memory,
		.message = said->message,
		.message_len = strlen(said->message),
		.output = said->output,
		.output_len = strlen(said->output),
		.attempts = said->attempts,
		.queued = said->queued_for,
		.ran = said->ran_for,
		.cause = said->cause,
		.cause_len = strlen(said->cause),
	};
	return reply_new_failure(reply->id, &error);
}

void reply_give_fd(struct ruche_reply *reply, int fd)
{
	fd_close(&reply->fd);
	reply->fd = fd;
}

int reply_take_fd(struct ruche_reply *reply)
{
	int fd = reply->fd;

	reply->fd = -1;
	return fd;
}

struct piece reply_piece(const struct ruche_reply *reply)
{
	return (struct piece){reply->data, reply->len};
}

void reply_narrow(struct ruche_reply *reply, struct piece part)
{
	reply->data = part.data;
	reply->len = part.len;
}

size_t reply_size(const struct ruche_reply *reply)
{
	return reply == NULL ? 0 : sizeof(*reply) + reply->len;
}

void ruche_reply_free(struct ruche_reply *reply)
{
	if (reply == NULL)
		return;
	if (reply->arena != NULL) {
		client_arena_give(reply->arena, UINT64_C(1) << reply->lane);
		client_arena_release(reply->arena);
	}
	if (reply->fd >= 0)
		fd_close(&reply->fd);
	free(reply);
}

uint32_t ruche_reply_id(const struct ruche_reply *reply)
{
	return reply == NULL ? 0 : reply->id;
}

enum ruche_code ruche_reply_code(const struct ruche_reply *reply)
{
	if (reply == NULL)
		return RUCHE_FAILED;
	return reply->error == NULL ? RUCHE_OK : reply->error->code;
}

const struct ruche_error *ruche_reply_error(const struct ruche_reply *reply)
{
	return reply == NULL ? NULL : reply->error;
}

/* ---- results */

static bool has_result(const struct ruche_reply *reply)
{
	return reply != NULL && reply->error == NULL;
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
