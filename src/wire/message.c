/* SPDX-License-Identifier: MIT */
#include "wire/message.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/copy.h"
#include "base/utf8.h"

/* ---- names ---------------------------------------------------------------------- */

static const char *const code_names[RUCHE_CODE_COUNT] = {
	[RUCHE_OK] = "ok",
	[RUCHE_UNKNOWN_FUNCTION] = "unknown_function",
	[RUCHE_BAD_ARGUMENTS] = "bad_arguments",
	[RUCHE_FAILED] = "failed",
	[RUCHE_CRASHED] = "crashed",
	[RUCHE_TIMEOUT] = "timeout",
	[RUCHE_CANCELLED] = "cancelled",
	[RUCHE_BUSY] = "busy",
	[RUCHE_TOO_LARGE] = "too_large",
	[RUCHE_DENIED] = "denied",
	[RUCHE_QUARANTINED] = "quarantined",
	[RUCHE_SHUTTING_DOWN] = "shutting_down",
	[RUCHE_UNAVAILABLE] = "unavailable",
	[RUCHE_PROTOCOL] = "protocol",
	[RUCHE_DISCONNECTED] = "disconnected",
	[RUCHE_UNKNOWN_TASK] = "unknown_task",
	[RUCHE_PENDING] = "pending",
	[RUCHE_UNKNOWN_OBJECT] = "unknown_object",
	[RUCHE_EXISTS] = "exists",
	[RUCHE_NOT_HELD] = "not_held",
	[RUCHE_DEADLOCK] = "deadlock",
	[RUCHE_BROKEN] = "broken",
	[RUCHE_CLOSED] = "closed",
	[RUCHE_REMOVED] = "removed",
};

static const char *const executed_names[RUCHE_EXECUTED_COUNT] = {
	[RUCHE_EXECUTED_NO] = "no",
	[RUCHE_EXECUTED_MAYBE] = "maybe",
	[RUCHE_EXECUTED_YES] = "yes",
};

static bool text_is(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && memcmp(name, text, len) == 0;
}

const char *message_code_name(enum ruche_code code)
{
	return (unsigned int)code < RUCHE_CODE_COUNT ? code_names[code] : NULL;
}

const char *message_executed_name(enum ruche_executed executed)
{
	return (unsigned int)executed < RUCHE_EXECUTED_COUNT ? executed_names[executed] : NULL;
}

enum ruche_code message_code_from_name(const char *name, size_t len)
{
	for (int code = RUCHE_OK + 1; code < RUCHE_CODE_COUNT; code++)
		if (text_is(code_names[code], name, len))
			return (enum ruche_code)code;
	return RUCHE_FAILED;
}

/* ---- frames --------------------------------------------------------------------- */

/* msgpack-c's functions return what the packer's callback does: 0, or it had no memory. */
static int status_of(int r)
{
	return r == 0 ? 0 : -ENOMEM;
}

size_t message_write_request(uint8_t *out, uint32_t msgid, const char *method, size_t method_len)
{
	size_t at = message_write_head(out, 0, msgid);

	if (method_len < 32) {
		out[at++] = (uint8_t)(0xa0 | method_len);
	} else {
		out[at++] = 0xd9;
		out[at++] = (uint8_t)method_len;
	}
	copy_few(out + at, method, method_len);
	return at + method_len;
}

static int pack_head(msgpack_packer *pk, int type, uint32_t msgid)
{
	uint8_t head[MESSAGE_HEAD_MAX];
	size_t len = message_write_head(head, type, msgid);

	return status_of(pk->callback(pk->data, (const char *)head, len));
}

int message_pack_request(msgpack_packer *pk, uint32_t msgid, const char *method, size_t method_len)
{
	uint8_t head[MESSAGE_HEAD_MAX + 2 + UINT8_MAX];
	size_t len = message_write_request(head, msgid, method, method_len);

	return status_of(pk->callback(pk->data, (const char *)head, len));
}

int message_pack_response(msgpack_packer *pk, uint32_t msgid)
{
	return pack_head(pk, 1, msgid);
}

int message_pack_notification(msgpack_packer *pk, const char *method)
{
	if (msgpack_pack_array(pk, 3) != 0 || msgpack_pack_int(pk, 2) != 0)
		return -ENOMEM;
	return message_pack_str(pk, method);
}

int message_pack_id(msgpack_packer *pk, uint32_t msgid)
{
	return status_of(msgpack_pack_fix_uint32(pk, msgid));
}

/* ---- values --------------------------------------------------------------------- */

int message_pack_str(msgpack_packer *pk, const char *text)
{
	if (text == NULL)
		return status_of(msgpack_pack_nil(pk));
	return status_of(msgpack_pack_str_with_body(pk, text, strlen(text)));
}

int message_pack_ref(msgpack_packer *pk, const struct arena_ref *ref)
{
	uint8_t body[ARENA_REF_SIZE - 2];

	arena_write_ref(body, ref);
	if (msgpack_pack_ext(pk, sizeof(body), ARENA_EXT) < 0)
		return -ENOMEM;
	return status_of(msgpack_pack_ext_body(pk, body, sizeof(body)));
}

int message_pack_bin(msgpack_packer *pk, const void *data, size_t len)
{
	return status_of(msgpack_pack_bin_with_body(pk, data, len));
}

int message_pack_double(msgpack_packer *pk, double value)
{
	return status_of(msgpack_pack_double(pk, value));
}

const msgpack_object *message_map_get(const msgpack_object *map, const char *key)
{
	if (map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *kv = &map->via.map.ptr[i];

		if (kv->key.type == MSGPACK_OBJECT_STR &&
			text_is(key, kv->key.via.str.ptr, kv->key.via.str.size))
			return &kv->val;
	}
	return NULL;
}

/* ---- errors --------------------------------------------------------------------- */

enum { FIELDS_ALWAYS = 3 }; /* code, message, executed */

/* A worker's last words may be any bytes, and many clients choke on a str that is not UTF-8. */
static int pack_clean(msgpack_packer *pk, const char *text, size_t len)
{
	int r = status_of(msgpack_pack_str(pk, len));
	size_t done = 0;

	for (size_t at = 0; r == 0 && at < len;) {
		size_t n = utf8_len(text + at, len - at);

		at += n;
		if (n > 0 && at < len)
			continue;
		r = status_of(msgpack_pack_str_body(pk, text + done, at - done));
		if (r == 0 && n == 0) {
			r = status_of(msgpack_pack_str_body(pk, "?", 1));
			at++;
		}
		done = at;
	}
	return r;
}

static int pack_key_text(msgpack_packer *pk, const char *key, const char *text, size_t len)
{
	int r = message_pack_str(pk, key);

	return r < 0 ? r : pack_clean(pk, text, len);
}

static int pack_key_uint(msgpack_packer *pk, const char *key, uint64_t value)
{
	int r = message_pack_str(pk, key);

	return r < 0 ? r : status_of(msgpack_pack_uint64(pk, value));
}

static bool has_output(const struct message_error *error)
{
	return error->output != NULL && error->output_len > 0;
}

static size_t cause_len(const struct message_error *error)
{
	return error->cause_len > 0 ? error->cause_len : strlen(error->cause);
}

static bool has_attempts(const struct message_error *error)
{
	return error->attempts > 0 || error->has_times;
}

static int pack_always(msgpack_packer *pk, const struct message_error *error)
{
	const char *code = message_code_name(error->code);
	const char *executed = message_executed_name(error->executed);
	const char *message = error->message == NULL ? "" : error->message;
	size_t message_len = error->message == NULL ? 0 : error->message_len;
	int r = pack_key_text(pk, "code", code, strlen(code));

	if (r == 0)
		r = pack_key_text(pk, "message", message, message_len);
	if (r == 0)
		r = pack_key_text(pk, "executed", executed, strlen(executed));
	return r;
}

static int pack_key_double(msgpack_packer *pk, const char *key, double value)
{
	int r = message_pack_str(pk, key);

	return r < 0 ? r : message_pack_double(pk, value);
}

/* How the worker or command ended. */
static int pack_death(msgpack_packer *pk, const struct message_error *error)
{
	int r = 0;

	if (error->signal > 0)
		r = pack_key_uint(pk, "signal", (uint64_t)error->signal);
	if (r == 0 && error->exit_status >= 0)
		r = pack_key_uint(pk, "exit_status", (uint64_t)error->exit_status);
	if (r == 0 && error->cause != NULL)
		r = pack_key_text(pk, "cause", error->cause, cause_len(error));
	if (r == 0 && has_output(error))
		r = pack_key_text(pk, "output", error->output, error->output_len);
	if (r == 0 && error->peak_memory > 0)
		r = pack_key_uint(pk, "peak_memory", error->peak_memory);
	return r;
}

/* What the task has come to: a task that was never started has made no attempt. */
static int pack_times(msgpack_packer *pk, const struct message_error *error)
{
	int r = 0;

	if (has_attempts(error))
		r = pack_key_uint(pk, "attempts", error->attempts);
	if (r == 0 && error->has_times)
		r = pack_key_double(pk, "queued", error->queued);
	if (r == 0 && error->has_times)
		r = pack_key_double(pk, "ran", error->ran);
	return r;
}

/* The values as they are. */
static int pack_partial(msgpack_packer *pk, const struct message_error *error)
{
	int r = message_pack_str(pk, "partial");

	if (r == 0)
		r = status_of(msgpack_pack_array(pk, error->partial_count));
	return r == 0 ? status_of(pk->callback(pk->data, error->partial, error->partial_len)) : r;
}

int message_pack_error(msgpack_packer *pk, const struct message_error *error)
{
	size_t fields = FIELDS_ALWAYS + (error->signal > 0) + (error->exit_status >= 0) +
			has_output(error) + (error->peak_memory > 0) + (error->cause != NULL) +
			has_attempts(error) + 2 * (size_t)error->has_times +
			(error->partial != NULL);
	int r = status_of(msgpack_pack_map(pk, fields));

	if (r == 0)
		r = pack_always(pk, error);
	if (r == 0)
		r = pack_death(pk, error);
	if (r == 0)
		r = pack_times(pk, error);
	return r == 0 && error->partial != NULL ? pack_partial(pk, error) : r;
}

/* Text, be it str or bin: worker output need not be UTF-8, so foreign peers may send either. */
static const char *get_text(const msgpack_object *object, size_t *ret_len)
{
	if (object == NULL)
		return NULL;
	if (object->type == MSGPACK_OBJECT_STR) {
		*ret_len = object->via.str.size;
		return object->via.str.ptr;
	}
	if (object->type == MSGPACK_OBJECT_BIN) {
		*ret_len = object->via.bin.size;
		return object->via.bin.ptr;
	}
	return NULL;
}

static uint64_t get_uint(const msgpack_object *object)
{
	if (object == NULL || object->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return 0;
	return object->via.u64;
}

static int get_int(const msgpack_object *object, int otherwise)
{
	if (object == NULL || object->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		object->via.u64 > INT_MAX)
		return otherwise;
	return (int)object->via.u64;
}

/* A time in seconds: false if there is none, or none that makes sense. */
static bool get_seconds(const msgpack_object *object, double *ret)
{
	if (object == NULL)
		return false;
	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		*ret = (double)object->via.u64;
	else if ((object->type == MSGPACK_OBJECT_FLOAT32 ||
			 object->type == MSGPACK_OBJECT_FLOAT64) &&
		 isfinite(object->via.f64) && object->via.f64 >= 0)
		*ret = object->via.f64;
	else
		return false;
	return true;
}

static enum ruche_executed get_executed(const msgpack_object *object)
{
	size_t len = 0;
	const char *text = get_text(object, &len);

	for (int i = 0; text != NULL && i < RUCHE_EXECUTED_COUNT; i++)
		if (text_is(executed_names[i], text, len))
			return (enum ruche_executed)i;
	return RUCHE_EXECUTED_MAYBE;
}

static void get_foreign(const msgpack_object *object, struct message_error *ret)
{
	static const char unknown[] = "the peer sent an error of a form that is not known";

	ret->message = get_text(object, &ret->message_len);
	if (ret->message != NULL)
		return;
	ret->message = unknown;
	ret->message_len = sizeof(unknown) - 1;
}

void message_get_error(const msgpack_object *object, struct message_error *ret)
{
	size_t code_len = 0;
	const char *code = get_text(message_map_get(object, "code"), &code_len);

	*ret = (struct message_error){
		.code = RUCHE_FAILED, .executed = RUCHE_EXECUTED_MAYBE, .exit_status = -1};
	if (code == NULL) {
		get_foreign(object, ret);
		return;
	}
	ret->code = message_code_from_name(code, code_len);
	ret->executed = get_executed(message_map_get(object, "executed"));
	ret->signal = get_int(message_map_get(object, "signal"), 0);
	ret->exit_status = get_int(message_map_get(object, "exit_status"), -1);
	ret->peak_memory = get_uint(message_map_get(object, "peak_memory"));
	ret->cause = get_text(message_map_get(object, "cause"), &ret->cause_len);
	ret->message = get_text(message_map_get(object, "message"), &ret->message_len);
	ret->output = get_text(message_map_get(object, "output"), &ret->output_len);
	ret->attempts = (unsigned int)get_int(message_map_get(object, "attempts"), 0);
	ret->has_times = get_seconds(message_map_get(object, "queued"), &ret->queued);
	ret->has_times |= get_seconds(message_map_get(object, "ran"), &ret->ran);
}
