/* SPDX-License-Identifier: MIT */
#include "cli/lines.h"

#include <errno.h>
#include <string.h>

void lines_fini(struct lines *lines)
{
	buf_fini(&lines->buf);
}

static void drop_taken(struct lines *lines)
{
	buf_consume(&lines->buf, lines->taken);
	lines->taken = 0;
}

int lines_read(struct lines *lines, int fd, size_t max)
{
	ssize_t n;

	drop_taken(lines);
	n = buf_read(&lines->buf, fd, max);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n <= 0)
		lines->ended = true;
	return n < 0 ? (int)n : 0;
}

/* The bytes up to a newline, or up to the end; -EAGAIN if there is neither yet. */
static ssize_t find_end(struct lines *lines, const char *data, size_t len)
{
	const char *newline = NULL;

	if (len > lines->scanned)
		newline = memchr(data + lines->scanned, '\n', len - lines->scanned);
	if (newline != NULL)
		return newline - data;
	lines->scanned = len;
	return lines->ended && (len > 0 || lines->too_long) ? (ssize_t)len : -EAGAIN;
}

int lines_next(struct lines *lines, const char **ret, size_t *ret_len)
{
	const char *data;
	size_t len;
	ssize_t end;

	drop_taken(lines);
	data = (const char *)buf_data(&lines->buf);
	len = buf_len(&lines->buf);
	end = find_end(lines, data, len);
	if (end < 0 && len > LINE_MAX_BYTES)
		lines->too_long = true;
	if (end < 0) {
		if (lines->too_long)
			lines->taken = len;
		lines->scanned -= lines->taken;
		return 0;
	}
	lines->scanned = 0;
	lines->taken = (size_t)end < len ? (size_t)end + 1 : len;
	if (lines->too_long || (size_t)end > LINE_MAX_BYTES) {
		lines->too_long = false;
		return -EMSGSIZE;
	}
	*ret = data;
	*ret_len = (size_t)end;
	return 1;
}
