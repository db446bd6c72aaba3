/* SPDX-License-Identifier: MIT */
#include "worker/task.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wire/link.h"
#include "wire/message.h"
#include "worker/call.h"
#include "worker/memory.h"
#include "worker/returns.h"
#include "worker/stop.h"

enum { ZONE_CHUNK = 8192 };

int task_init(struct ruche_task *task, struct outbox *outbox, struct inbox *inbox, size_t frame_max)
{
	*task = (struct ruche_task){
		.outbox = outbox, .inbox = inbox, .frame_max = frame_max, .lane = -1};
	returns_init(task);
	if (!msgpack_zone_init(&task->zone, ZONE_CHUNK))
		return -ENOMEM;
	task->zone_start = task->zone.chunk_list.ptr;
	return 0;
}

int task_init_item(struct ruche_task *item, const struct ruche_task *chunk, size_t frame_max)
{
	int r = task_init(item, chunk->outbox, NULL, frame_max);

	item->plugins = chunk->plugins;
	item->is_item = true;
	return r;
}

void task_fini(struct ruche_task *task)
{
	msgpack_zone_destroy(&task->zone);
	buf_fini(&task->answer);
	buf_fini(&task->note);
}

void task_begin(struct ruche_task *task, uint32_t seq)
{
	task->args = NULL;
	task->arg_count = 0;
	task->seq = seq;
	task->code = RUCHE_OK;
	task->signal = 0;
	task->exit_status = -1;
	task->peak_memory = -1;
	task->no_memory = false;
}

/* The client may change what is there at any time, so the head is looked at once. */
static bool read_bytes(const uint8_t *at, uint64_t len, msgpack_object *ret)
{
	uint8_t copy[5];
	uint32_t size;
	size_t head;

	memcpy(copy, at, len < sizeof(copy) ? (size_t)len : sizeof(copy));
	if (len < sizeof(copy))
		return false;
	if (scan_bin(copy, sizeof(copy), &size, &head) == 0)
		ret->type = MSGPACK_OBJECT_BIN;
	else if (scan_str(copy, sizeof(copy), &size, &head) == 0)
		ret->type = MSGPACK_OBJECT_STR;
	else
		return false;
	ret->via.bin.size = size; /* that of a str has the same form */
	ret->via.bin.ptr = (const char *)at + head;
	return head + size == len;
}

/* An argument that lies in the client's arena becomes what is there. */
static int resolve(struct ruche_task *task, msgpack_object *arg, size_t index)
{
	const uint32_t id = claim_arena(task->page, task->seq);
	struct arena *arena = task_arena(task);
	const uint8_t *value = NULL;
	struct arena_ref ref;

	if (!arenas_have(task->arenas, id))
		return task_fail(task, RUCHE_FAILED, RUCHE_EXECUTED_NO,
			"argument %zu lies in memory that has not come to this worker: it may have "
			"no "
			"descriptor left (rlimit_nofile)",
			index + 1);
	if (arg->via.ext.size == ARENA_REF_SIZE - 2) {
		arena_read_ref((const uint8_t *)arg->via.ext.ptr, &ref);
		value = arena != NULL ? arena_value(arena, &ref)
				      : arenas_read(task->arenas, id, &ref, &task->zone);
	}
	if (value != NULL && read_bytes(value, ref.len, arg))
		return 0;
	return task_fail(task, RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO,
		"argument %zu refers to no str or bin in the memory that is shared with its client",
		index + 1);
}

static int resolve_all(struct ruche_task *task, const msgpack_object_array *args)
{
	for (uint32_t i = 0; i < args->size; i++)
		if (args->ptr[i].type == MSGPACK_OBJECT_EXT &&
			args->ptr[i].via.ext.type == ARENA_EXT &&
			resolve(task, &args->ptr[i], i) < 0)
			return -1;
	return 0;
}

static msgpack_unpack_return unpack(
	struct ruche_task *task, const void *params, size_t len, msgpack_object *ret)
{
	size_t off = 0;

	if (message_get_plain_array(params, len, task->few, &task->zone, ret) == 0)
		return MSGPACK_UNPACK_SUCCESS;
	return msgpack_unpack(params, len, &off, &task->zone, ret);
}

int task_decode(struct ruche_task *task, const void *params, size_t len)
{
	msgpack_object object;
	msgpack_unpack_return r = unpack(task, params, len, &object);

	if (r == MSGPACK_UNPACK_NOMEM_ERROR)
		return task_fail(task, RUCHE_FAILED, RUCHE_EXECUTED_NO,
			"the worker has no memory to decode the arguments, %zu bytes", len);
	if (r != MSGPACK_UNPACK_SUCCESS || object.type != MSGPACK_OBJECT_ARRAY)
		return task_fail(task, RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO,
			"the arguments are not an array");
	task->args = object.via.array.ptr;
	task->arg_count = object.via.array.size;
	if (task->arenas == NULL || claim_arena(task->page, task->seq) == 0)
		return 0;
	/* Also if it is not needed: a socket that is full takes no more of them. */
	(void)task_arena(task);
	return resolve_all(task, &object.via.array);
}

struct arena *task_arena(const struct ruche_task *task)
{
	if (task->arenas == NULL || call_is_copy()) /* whose lane nobody would give back */
		return NULL;
	return arenas_find(task->arenas, claim_arena(task->page, task->seq));
}

/* ---- failures */

static int __attribute__((format(printf, 4, 0))) set_failure(struct ruche_task *task,
	enum ruche_code code, enum ruche_executed executed, const char *format, va_list args)
{
	task->code = code;
	task->executed = executed;
	if (vsnprintf(task->message, sizeof(task->message), format, args) < 0)
		task->message[0] = '\0';
	return -1;
}

int task_fail(struct ruche_task *task, enum ruche_code code, enum ruche_executed executed,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_failure(task, code, executed, format, args);
	va_end(args);
	return -1;
}

RUCHE_PLUGIN_EXPORT int ruche_fail(struct ruche_task *task, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_failure(task, RUCHE_FAILED, RUCHE_EXECUTED_YES, format, args);
	va_end(args);
	return -1;
}

RUCHE_PLUGIN_EXPORT int ruche_refuse(struct ruche_task *task, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_failure(task, RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO, format, args);
	va_end(args);
	return -1;
}

/* ---- the answer */

/* What goes out when the function returned something else than 0. */
static void settle_failure(struct ruche_task *task)
{
	if (task->code == RUCHE_CANCELLED)
		return; /* a command knows more */
	if (stop_is_asked())
		task_fail(task, RUCHE_CANCELLED, RUCHE_EXECUTED_MAYBE,
			"the task was cancelled while it ran");
	else if (task->code == RUCHE_OK)
		ruche_fail(task, "the function returned a failure without saying why");
}

const char *task_why(struct ruche_task *task)
{
	settle_failure(task);
	return task->message;
}

/* False: it cannot go out, and the task has failed. */
static bool result_is_good(struct ruche_task *task)
{
	const char *why;

	if (task->no_memory)
		ruche_fail(task, "the worker has no memory for the result");
	else if (task->answer_len > task->frame_max)
		task_fail(task, RUCHE_TOO_LARGE, RUCHE_EXECUTED_YES,
			"the result is %zu bytes with its frame, over the limit of %zu",
			task->answer_len, task->frame_max);
	else if ((why = returns_fault(task)) != NULL)
		ruche_fail(task, "the function's result is not one MessagePack value: %s", why);
	else
		return true;
	return false;
}

/* What was refused has taken no memory worth telling. */
static uint64_t peak_of(const struct ruche_task *task)
{
	if (task->executed == RUCHE_EXECUTED_NO)
		return 0;
	return task->peak_memory >= 0 ? (uint64_t)task->peak_memory : memory_peak();
}

static int pack_failure(struct ruche_task *task)
{
	const struct message_error error = {.code = task->code,
		.executed = task->executed,
		.signal = task->signal,
		.exit_status = task->exit_status,
		.peak_memory = peak_of(task),
		.message = task->message,
		.message_len = strlen(task->message)};
	msgpack_packer *pk = returns_begin_error(task);
	int r = message_pack_error(pk, &error);

	if (r == 0)
		r = msgpack_pack_nil(pk);
	return r < 0 || task->no_memory ? -ENOMEM : 0;
}

int task_complete(struct ruche_task *task, int returned)
{
	if (returned != 0)
		settle_failure(task);
	if (returned == 0 && result_is_good(task)) {
		if (returns_move(task) == 0)
			return 0;
		ruche_fail(task, "the worker has no memory for the result");
	}
	return pack_failure(task);
}

void task_end(struct ruche_task *task)
{
	returns_clear(task);
	if (task->zone.chunk_list.ptr != task->zone_start) /* else nothing is there */
		msgpack_zone_clear(&task->zone);
}

void task_sent(struct ruche_task *task)
{
	task->lane = -1;
}

const uint8_t *task_response(const struct ruche_task *task, size_t *ret_len)
{
	*ret_len = buf_len(&task->answer);
	return buf_data(&task->answer);
}

const uint8_t *task_item_pair(const struct ruche_task *item, size_t *ret_len)
{
	*ret_len = buf_len(&item->answer) - RETURNS_PAIR_AT;
	return buf_data(&item->answer) + RETURNS_PAIR_AT;
}

/* ---- while it runs */

static int write_note(void *data, const char *bytes, size_t len)
{
	return buf_append(data, bytes, len);
}

msgpack_packer *task_note(struct ruche_task *task, msgpack_packer *packer, const char *method)
{
	buf_consume(&task->note, buf_len(&task->note));
	msgpack_packer_init(packer, &task->note, write_note);
	return message_pack_notification(packer, method) == 0 ? packer : NULL;
}

int task_send_note(struct ruche_task *task)
{
	return outbox_write(task->outbox, buf_data(&task->note), buf_len(&task->note));
}

RUCHE_PLUGIN_EXPORT bool ruche_should_stop(const struct ruche_task *task)
{
	(void)task;
	return stop_is_asked();
}

/* A small frame goes into a pipe whole or not at all, so waiting for room can be given up. */
RUCHE_PLUGIN_EXPORT int ruche_progress(struct ruche_task *task, double value)
{
	msgpack_packer packer, *pk = task_note(task, &packer, RUCHE_PROGRESS);
	int r = outbox_flush(task->outbox);

	if (r < 0)
		return r;
	if (pk == NULL || msgpack_pack_array(pk, 2) < 0 || message_pack_id(pk, task->seq) < 0 ||
		msgpack_pack_double(pk, value) < 0)
		return -ENOMEM;
	while (write(task->outbox->fd, buf_data(&task->note), buf_len(&task->note)) < 0) {
		if (errno != EINTR)
			return -errno;
		if (stop_is_asked())
			return -ECANCELED;
	}
	return 0;
}
