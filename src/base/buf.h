/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * A growing byte queue: bytes are appended at the end and consumed from the
 * front, and what lies between is one contiguous piece.  Zeroed memory is an empty
 * buffer.  Pointers into it are valid until the next append, reserve or consume.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/copy.h"

struct buf {
	uint8_t *data;
	size_t start, end, cap;
};

enum { BUF_KEPT = 256 * 1024 }; /* an empty buffer over this size is freed */

void buf_fini(struct buf *buf); /* leaves an empty buffer */

static inline size_t buf_len(const struct buf *buf)
{
	return buf->end - buf->start;
}

static inline uint8_t *buf_data(const struct buf *buf)
{
	return buf->start == 0 ? buf->data : buf->data + buf->start; /* NULL + 0 is undefined */
}

/* As buf_reserve(), when there is not as much. */
uint8_t *buf_make_room(struct buf *buf, size_t len);

/* Room for `len` more bytes at the end, to be followed by buf_commit(); NULL: no memory. */
static inline uint8_t *buf_reserve(struct buf *buf, size_t len)
{
	return buf->cap - buf->end < len ? buf_make_room(buf, len) : buf->data + buf->end;
}

static inline void buf_commit(struct buf *buf, size_t len)
{
	buf->end += len;
}

/* 0 or -ENOMEM, and then nothing was appended. */
static inline int buf_append(struct buf *buf, const void *data, size_t len)
{
	uint8_t *to;

	if (len == 0)
		return 0;
	to = buf_reserve(buf, len);
	if (to == NULL)
		return -ENOMEM;
	copy_few(to, data, len);
	buf_commit(buf, len);
	return 0;
}

/* Drops `len` bytes, no more than there are, from the front.  A large empty buffer is given back. */
static inline void buf_consume(struct buf *buf, size_t len)
{
	buf->start += len;
	if (buf->start < buf->end)
		return;
	buf->start = buf->end = 0;
	if (buf->cap > BUF_KEPT)
		buf_fini(buf);
}

/*
 * `missing` bytes are said to come, read by reads of `max`: makes room for them in fewer and larger steps, as far as what has come
 * already makes that believable.
 */
void buf_expect(struct buf *buf, size_t missing, size_t max);

/*
 * One read(2) of at most `max` bytes.  The number of bytes, 0 at the end of the file, or
 * a negative errno (-EAGAIN among them).
 */
ssize_t buf_read(struct buf *buf, int fd, size_t max);

/*
 * One write(2) of all there is, or send(2) without SIGPIPE on a socket; consumes what was
 * taken.  0, also if some is left, or a negative errno but never -EAGAIN.
 */
int buf_write(struct buf *buf, int fd);
int buf_send(struct buf *buf, int sock);

#endif
