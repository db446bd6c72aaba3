/* SPDX-License-Identifier: MIT */
#include "worker/returns.h"

#include <errno.h>
#include <string.h>

#include "wire/message.h"
#include "wire/scan.h"

/*
 * What would make the frame longer than the limit is counted and dropped, so that a
 * result of any size takes no more memory than the limit and the message can name its size.
 */
static int write_answer(void *data, const char *bytes, size_t len)
{
	struct ruche_task *task = data;

	task->answer_len += len;
	if (task->answer_len > task->frame_max)
		return 0;
	if (buf_append(&task->answer, bytes, len) == 0)
		return 0;
	task->no_memory = true;
	return -1;
}

void returns_init(struct ruche_task *task)
{
	msgpack_packer_init(&task->packer, task, write_answer);
}

void returns_clear(struct ruche_task *task)
{
	buf_consume(&task->answer, buf_len(&task->answer));
	task->answer_len = 0;
}

static void begin_frame(struct ruche_task *task)
{
	uint8_t head[MESSAGE_HEAD_MAX];
	size_t len = message_write_head(head, SCAN_RESPONSE, task->seq);

	returns_clear(task);
	task->no_memory = false;
	(void)write_answer(task, (const char *)head, len);
	if (task->is_item)
		(void)write_answer(task, "\xc0\x91\x91\x92", 4);
}

static msgpack_packer *begin_result(struct ruche_task *task)
{
	begin_frame(task);
	(void)msgpack_pack_nil(&task->packer);
	return &task->packer;
}

msgpack_packer *returns_begin_error(struct ruche_task *task)
{
	begin_frame(task);
	return &task->packer;
}

const char *returns_fault(struct ruche_task *task)
{
	struct scan scan;
	int r;

	if (buf_len(&task->answer) == 0)
		ruche_return_nil(task);
	scan_init(&scan, task->frame_max);
	r = scan_feed(&scan, buf_data(&task->answer), buf_len(&task->answer));
	if (r < 0)
		return scan.why;
	if (r == SCAN_MORE)
		return "it is not complete";
	return scan.len == buf_len(&task->answer) ? NULL : "it is more than one";
}

/* ---- the plugin's functions */

static int end_result(struct ruche_task *task, int r)
{
	if (r < 0)
		task->no_memory = true;
	return task->no_memory ? -ENOMEM : 0;
}

RUCHE_PLUGIN_EXPORT int ruche_return_nil(struct ruche_task *task)
{
	return end_result(task, msgpack_pack_nil(begin_result(task)));
}

RUCHE_PLUGIN_EXPORT int ruche_return_bool(struct ruche_task *task, bool value)
{
	msgpack_packer *pk = begin_result(task);

	return end_result(task, value ? msgpack_pack_true(pk) : msgpack_pack_false(pk));
}

RUCHE_PLUGIN_EXPORT int ruche_return_int64(struct ruche_task *task, int64_t value)
{
	return end_result(task, msgpack_pack_int64(begin_result(task), value));
}

RUCHE_PLUGIN_EXPORT int ruche_return_uint64(struct ruche_task *task, uint64_t value)
{
	return end_result(task, msgpack_pack_uint64(begin_result(task), value));
}

RUCHE_PLUGIN_EXPORT int ruche_return_int128(struct ruche_task *task, __int128 value)
{
	return end_result(task, message_pack_int128(begin_result(task), value));
}

RUCHE_PLUGIN_EXPORT int ruche_return_double(struct ruche_task *task, double value)
{
	return end_result(task, msgpack_pack_double(begin_result(task), value));
}

RUCHE_PLUGIN_EXPORT int ruche_return_str(struct ruche_task *task, const char *text)
{
	return end_result(task, message_pack_str(begin_result(task), text));
}

RUCHE_PLUGIN_EXPORT int ruche_return_bin(struct ruche_task *task, const void *data, size_t len)
{
	return end_result(task, message_pack_bin(begin_result(task), data, len));
}

RUCHE_PLUGIN_EXPORT int ruche_return_object(struct ruche_task *task, const msgpack_object *object)
{
	return end_result(task, msgpack_pack_object(begin_result(task), *object));
}

RUCHE_PLUGIN_EXPORT msgpack_packer *ruche_return_packer(struct ruche_task *task)
{
	return begin_result(task);
}
