/* SPDX-License-Identifier: MIT */
#include "supervisor/errors.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "core/record.h"
#include "supervisor/pieces.h"
#include "supervisor/supervisor.h"
#include "wire/scan.h"

/* ---- reading ---------------------------------------------------------------------------- */

static enum ruche_code read_code(struct piece value)
{
	uint32_t len;
	size_t head;

	if (scan_str(value.data, value.len, &len, &head) < 0)
		return RUCHE_FAILED;
	return message_code_from_name((const char *)value.data + head, len);
}

static enum ruche_executed read_executed(struct piece value)
{
	for (int i = 0; i < RUCHE_EXECUTED_COUNT; i++)
		if (piece_is_str(value, message_executed_name((enum ruche_executed)i)))
			return (enum ruche_executed)i;
	return RUCHE_EXECUTED_MAYBE;
}

struct errors_gist errors_read(const void *body, size_t len)
{
	struct errors_gist gist = {RUCHE_FAILED, RUCHE_EXECUTED_YES};
	const uint8_t *bytes = body;
	struct piece error, code;

	if (len > 0 && bytes[0] == 0xc0)
		return (struct errors_gist){RUCHE_OK, RUCHE_EXECUTED_YES};
	error = piece_at(bytes, bytes + len, 0);
	code = piece_in_map(error, "code");
	if (code.len == 0)
		return gist;
	gist.code = read_code(code);
	gist.executed = read_executed(piece_in_map(error, "executed"));
	return gist;
}

/* ---- writing ---------------------------------------------------------------------------- */

static msgpack_packer begin(struct supervisor *sup)
{
	msgpack_packer pk;

	msgpack_sbuffer_clear(&sup->body);
	msgpack_packer_init(&pk, &sup->body, msgpack_sbuffer_write);
	return pk;
}

/* {"code": "failed", "message": "no memory", "executed": "maybe"} nil */
static const char no_memory[] = "\x83\xa4"
				"code\xa6"
				"failed\xa7"
				"message\xa9"
				"no memory\xa8"
				"executed\xa5"
				"maybe\xc0";

struct errors_body errors_pack(struct supervisor *sup, const struct message_error *error)
{
	msgpack_packer pk = begin(sup);

	if (message_pack_error(&pk, error) == 0 && msgpack_pack_nil(&pk) == 0)
		return (struct errors_body){sup->body.data, sup->body.size};
	return (struct errors_body){no_memory, sizeof(no_memory) - 1};
}

enum { STORY_PAIRS = 3 };

static int pack_story(msgpack_packer *pk, const struct message_error *story)
{
	if (message_pack_str(pk, "attempts") < 0 || msgpack_pack_uint64(pk, story->attempts) < 0 ||
		message_pack_str(pk, "queued") < 0 || msgpack_pack_double(pk, story->queued) < 0 ||
		message_pack_str(pk, "ran") < 0 || msgpack_pack_double(pk, story->ran) < 0)
		return -1;
	return 0;
}

static int write_bytes(struct supervisor *sup, const uint8_t *from, const uint8_t *to)
{
	return msgpack_sbuffer_write(&sup->body, (const char *)from, (size_t)(to - from));
}

/* What stands from `pairs` on, with at least this `executed`. */
static int copy_pairs(struct supervisor *sup, msgpack_packer *pk, struct piece error,
	const uint8_t *pairs, enum ruche_executed least)
{
	const uint8_t *end = error.data + error.len;
	struct piece executed = piece_in_map(error, "executed");

	if (executed.len == 0 || read_executed(executed) >= least)
		return write_bytes(sup, pairs, end);
	if (write_bytes(sup, pairs, executed.data) < 0 ||
		message_pack_str(pk, message_executed_name(least)) < 0)
		return -1;
	return write_bytes(sup, executed.data + executed.len, end);
}

struct errors_body errors_extend(
	struct supervisor *sup, const void *body, size_t len, const struct message_error *story)
{
	struct piece error = {.data = body};
	msgpack_packer pk = begin(sup);
	size_t head;
	uint32_t pairs;

	if (scan_map(error.data, len, &pairs, &head) < 0 ||
		scan_value(error.data, len, &error.len) < 0 ||
		piece_in_map(error, "attempts").len > 0 ||
		msgpack_pack_map(&pk, pairs + STORY_PAIRS) < 0 ||
		copy_pairs(sup, &pk, error, error.data + head, story->executed) < 0 ||
		pack_story(&pk, story) < 0 ||
		write_bytes(sup, error.data + error.len, error.data + len) < 0)
		return (struct errors_body){body, len};
	return (struct errors_body){sup->body.data, sup->body.size};
}

void errors_quarantined(const struct record *record, char *ret, size_t size)
{
	text_format(ret, size,
		"%s killed its worker %" PRIu64 " times running and is not called any more, until "
		"`ruche quarantine --release %s`; the last time: %s",
		record->name, record->crashes, record->name, record->reasons[0]);
}
