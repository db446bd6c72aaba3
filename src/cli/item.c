/* SPDX-License-Identifier: MIT */
#include "cli/item.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/lines.h"
#include "cli/print.h"

enum { READ_MAX = 65536 };

static int pack_text(msgpack_packer *pk, const char *line, size_t len)
{
	if (!json_is_text(line, len)) {
		if (msgpack_pack_bin(pk, len) < 0)
			return -ENOMEM;
		return msgpack_pack_bin_body(pk, line, len) < 0 ? -ENOMEM : 0;
	}
	if (msgpack_pack_str(pk, len) < 0)
		return -ENOMEM;
	return msgpack_pack_str_body(pk, line, len) < 0 ? -ENOMEM : 0;
}

int item_pack(const struct cli *cli, msgpack_packer *pk, const char *line, size_t len,
	const char **ret_why)
{
	return cli->json ? json_arg_pack(pk, line, len, ret_why) : pack_text(pk, line, len);
}

static int append_value(const struct cli *cli, struct buf *out, const msgpack_object *item)
{
	if (!cli->json && item->type == MSGPACK_OBJECT_STR)
		return buf_append(out, item->via.str.ptr, item->via.str.size);
	if (!cli->json && item->type == MSGPACK_OBJECT_BIN)
		return buf_append(out, item->via.bin.ptr, item->via.bin.size);
	return json_append(out, item);
}

int item_append(const struct cli *cli, struct buf *out, const msgpack_object *item)
{
	int broken = append_value(cli, out, item);

	return broken < 0 ? broken : buf_append(out, "\n", 1);
}

int item_print(const struct cli *cli, const msgpack_object *item)
{
	struct buf out = {0};

	return print_finish(&out, item_append(cli, &out, item));
}

/* ---- stdin */

static int read_some(struct lines *lines)
{
	struct pollfd poll_fd = {.fd = STDIN_FILENO, .events = POLLIN};
	int broken;

	do {
		(void)poll(&poll_fd, 1, -1);
		broken = lines_read(lines, STDIN_FILENO, READ_MAX);
	} while (broken == -EAGAIN);
	if (broken == 0)
		return 0;
	log_error("cannot read the input: %s", strerror(-broken));
	return STATUS_OUTPUT;
}

static int take_lines(const struct item_sink *sink, struct lines *lines)
{
	const char *line;
	size_t len;
	int status = 0, got;

	while (status == 0 && (got = lines_next(lines, &line, &len)) != 0) {
		if (got > 0) {
			status = sink->line(sink->user, line, len);
		} else {
			log_error("a line of over %zu MiB", LINE_MAX_BYTES >> 20);
			status = STATUS_FAILED;
		}
	}
	return status;
}

int item_read_all(const struct item_sink *sink)
{
	struct lines lines = {0};
	int status = 0, flushed;

	while (status == 0 && !lines.ended) {
		status = read_some(&lines);
		if (status == 0)
			status = take_lines(sink, &lines);
		/* Also what came before the one that is no good. */
		flushed = sink->flush(sink->user);
		status = status != 0 ? status : flushed;
	}
	lines_fini(&lines);
	return status;
}
