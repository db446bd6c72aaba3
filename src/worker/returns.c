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

static void give_lane(struct ruche_task *task)
{
	struct arena *arena = task_arena(task);

	if (arena != NULL)
		arena_give(arena->head, (uint32_t)task->lane);
	task->lane = -1;
}

void returns_clear(struct ruche_task *task)
{
	if (task->lane >= 0)
		give_lane(task);
	buf_consume(&task->answer, buf_len(&task->answer));
	task->answer_len = task->sound_len = 0;
}

enum {
	RESULT_AT = MESSAGE_HEAD_MAX + 1, /* behind the error, which is nil */
	ITEM_RESULT_AT = RETURNS_PAIR_AT + 2,
};

/* A new frame up to its error, or up to its result, and room for an integer; NULL: no memory. */
static uint8_t *begin(struct ruche_task *task, bool has_result)
{
	static const uint8_t item[] = {0xc0, 0x91, 0x91, 0x92}; /* up to its pair */
	uint8_t *at;

	if (buf_len(&task->answer) > 0) /* of what it returned before */
		returns_clear(task);
	at = buf_reserve(&task->answer, ITEM_RESULT_AT + MESSAGE_INT_MAX);
	task->no_memory = at == NULL;
	if (at == NULL)
		return NULL;
	at += message_write_head(at, SCAN_RESPONSE, task->seq);
	if (task->is_item) {
		memcpy(at, item, sizeof(item));
		at += sizeof(item);
	}
	if (has_result)
		*at++ = 0xc0;
	return at;
}

/* The frame goes as far as this. */
static void commit(struct ruche_task *task, const uint8_t *end)
{
	task->answer_len = (size_t)(end - buf_data(&task->answer));
	buf_commit(&task->answer, task->answer_len);
}

static msgpack_packer *begin_frame(struct ruche_task *task, bool has_result)
{
	const uint8_t *at = begin(task, has_result);

	if (at != NULL)
		commit(task, at);
	return &task->packer;
}

static msgpack_packer *begin_result(struct ruche_task *task)
{
	return begin_frame(task, true);
}

msgpack_packer *returns_begin_error(struct ruche_task *task)
{
	return begin_frame(task, false);
}

static int end_any(struct ruche_task *task, int r)
{
	if (r < 0)
		task->no_memory = true;
	return task->no_memory ? -ENOMEM : 0;
}

/* What is packed here is one value, and need not be looked at again unless more follows. */
static int end_result(struct ruche_task *task, int r)
{
	task->sound_len = buf_len(&task->answer);
	return end_any(task, r);
}

void returns_pairs(struct ruche_task *task, const struct returns_pairs *pairs)
{
	int r = msgpack_pack_array(begin_result(task), pairs->count);

	if (r == 0 && pairs->len > 0)
		r = write_answer(task, pairs->data, pairs->len);
	if (r == 0 && pairs->last_len > 0)
		r = write_answer(task, pairs->last, pairs->last_len);
	(void)end_result(task, r);
}

/* ---- results that lie elsewhere */

static uint64_t owner_of(const struct ruche_task *task)
{
	return arena_owner(atomic_load(&task->page->birth), task->seq);
}

/* The arena for a result of this size; NULL: it travels in its message, or is too large for any. */
static struct arena *arena_for(const struct ruche_task *task, size_t len)
{
	struct arena *arena;

	if (len < ARENA_MIN || len > task->frame_max - MESSAGE_HEAD_MAX)
		return NULL;
	arena = task_arena(task);
	return arena != NULL && atomic_load(&arena->head->ready) != 0 ? arena : NULL;
}

static int pack_ref(struct ruche_task *task, int lane, const struct arena_ref *ref)
{
	int r = message_pack_ref(begin_result(task), ref);

	task->lane = lane; /* begin_result() gives back one that was there before */
	return r;
}

/* False: it travels in its message. */
static bool return_elsewhere(
	struct ruche_task *task, bool is_str, const void *data, size_t len, int *ret)
{
	struct arena *arena = arena_for(task, len);
	struct arena_ref ref;
	int lane;

	if (arena == NULL)
		return false;
	lane = arena_put_bytes(arena, owner_of(task), is_str, data, len, &ref);
	if (lane < 0)
		return false;
	*ret = pack_ref(task, lane, &ref);
	return true;
}

int returns_move(struct ruche_task *task)
{
	size_t len = buf_len(&task->answer);
	struct arena *arena;
	struct arena_ref ref;
	int lane;

	if (task->is_item || len < RESULT_AT + ARENA_MIN)
		return 0;
	arena = arena_for(task, len - RESULT_AT);
	if (arena == NULL)
		return 0;
	lane = arena_put_value(
		arena, owner_of(task), buf_data(&task->answer) + RESULT_AT, len - RESULT_AT, &ref);
	return lane >= 0 ? end_result(task, pack_ref(task, lane, &ref)) : 0;
}

/* A result that is itself of our extension type would be taken for a reference. */
static const char *look_for_ref(const struct ruche_task *task)
{
	const uint8_t *result = buf_data(&task->answer) + RESULT_AT;
	struct arena_ref ref;

	if (task->is_item || task->lane >= 0 ||
		!arena_is_ref(result, buf_len(&task->answer) - RESULT_AT, &ref))
		return NULL;
	return "extension type 2 is the daemon's own";
}

const char *returns_fault(struct ruche_task *task)
{
	struct scan scan;
	int r;

	if (buf_len(&task->answer) == 0 && ruche_return_nil(task) < 0)
		return "there is no memory for it";
	if (buf_len(&task->answer) == task->sound_len)
		return NULL;
	scan_init(&scan, task->frame_max);
	r = scan_feed(&scan, buf_data(&task->answer), buf_len(&task->answer));
	if (r < 0)
		return scan.why;
	if (r == SCAN_MORE)
		return "it is not complete";
	return scan.len == buf_len(&task->answer) ? look_for_ref(task) : "it is more than one";
}

/* ---- the plugin's functions */

/* Most results are integers, which need no packer. */
static int return_integer(struct ruche_task *task, __int128 value)
{
	uint8_t *at = begin(task, true);

	if (at == NULL)
		return -ENOMEM;
	commit(task, at + message_write_int128(at, value));
	task->sound_len = task->answer_len;
	return 0;
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
	return return_integer(task, value);
}

RUCHE_PLUGIN_EXPORT int ruche_return_uint64(struct ruche_task *task, uint64_t value)
{
	return return_integer(task, value);
}

RUCHE_PLUGIN_EXPORT int ruche_return_int128(struct ruche_task *task, __int128 value)
{
	return return_integer(task, value);
}

RUCHE_PLUGIN_EXPORT int ruche_return_double(struct ruche_task *task, double value)
{
	return end_result(task, msgpack_pack_double(begin_result(task), value));
}

RUCHE_PLUGIN_EXPORT int ruche_return_str(struct ruche_task *task, const char *text)
{
	int r;

	if (return_elsewhere(task, true, text, strlen(text), &r))
		return end_result(task, r);
	return end_result(task, message_pack_str(begin_result(task), text));
}

RUCHE_PLUGIN_EXPORT int ruche_return_bin(struct ruche_task *task, const void *data, size_t len)
{
	int r;

	if (return_elsewhere(task, false, data, len, &r))
		return end_result(task, r);
	return end_result(task, message_pack_bin(begin_result(task), data, len));
}

RUCHE_PLUGIN_EXPORT int ruche_return_object(struct ruche_task *task, const msgpack_object *object)
{
	bool is_str = object->type == MSGPACK_OBJECT_STR;
	int r;

	if ((is_str || object->type == MSGPACK_OBJECT_BIN) &&
		return_elsewhere(task, is_str, object->via.bin.ptr, object->via.bin.size, &r))
		return end_result(task, r);
	return end_any(task, msgpack_pack_object(begin_result(task), *object));
}

RUCHE_PLUGIN_EXPORT msgpack_packer *ruche_return_packer(struct ruche_task *task)
{
	return begin_result(task);
}
