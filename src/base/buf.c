/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/heap.h"

enum {
	MIN_CAP = 4096,
	AHEAD = 32, /* times what has come: no more room than that is made for what is to come */
};

void buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

static void move_to_front(struct buf *buf)
{
	memmove(buf->data, buf_data(buf), buf_len(buf));
	buf->end -= buf->start;
	buf->start = 0;
}

static int grow(struct buf *buf, size_t need)
{
	size_t cap = buf->cap < MIN_CAP ? MIN_CAP : buf->cap;
	uint8_t *data;

	while (cap < need)
		cap *= 2;
	if (buf->start > 0)
		move_to_front(buf);
	data = realloc(buf->data, cap); /* a large one is moved without a copy */
	if (data == NULL)
		return -ENOMEM;
	heap_advise(data, cap);
	buf->data = data;
	buf->cap = cap;
	return 0;
}

uint8_t *buf_make_room(struct buf *buf, size_t len)
{
	size_t need = buf_len(buf) + len;

	if (need <= buf->cap / 2)
		move_to_front(buf);
	else if (grow(buf, need) < 0)
		return NULL;
	return buf->data + buf->end;
}

void buf_expect(struct buf *buf, size_t missing, size_t max)
{
	size_t most = AHEAD * buf_len(buf);

	if (missing > most)
		missing = most; /* it is only said so */
	if (missing > max)
		(void)buf_reserve(buf, missing + max);
}

ssize_t buf_read(struct buf *buf, int fd, size_t max)
{
	uint8_t *to = buf_reserve(buf, max);
	ssize_t n;

	if (to == NULL)
		return -ENOMEM;
	do
		n = read(fd, to, max);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf_commit(buf, (size_t)n);
	return n;
}

static int account(struct buf *buf, ssize_t n)
{
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buf_consume(buf, (size_t)n);
	return 0;
}

int buf_write(struct buf *buf, int fd)
{
	return account(buf, write(fd, buf_data(buf), buf_len(buf)));
}

int buf_send(struct buf *buf, int sock)
{
	return account(buf, send(sock, buf_data(buf), buf_len(buf), MSG_NOSIGNAL));
}
