/* SPDX-License-Identifier: MIT */

/* A connection with a protocol of lines. */

#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* What was taken is made room of when it is so much. */
#define COMPACT ((size_t)1 << 20)

/* Smaller payloads are cheaper to copy than to send by themselves. */
#define LARGE ((size_t)32 << 10)

/* What is put is sent when it is so much, so that the server has something to do. */
#define OUT_MAX ((size_t)128 << 10)

static char *new_room(void)
{
	void *room = mmap(NULL, LINES_ROOM, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		peer_die("mmap");
	return room;
}

void lines_init(struct lines *lines, int fd)
{
	*lines = (struct lines){.fd = fd, .in = new_room(), .out = new_room()};
}

void lines_fini(struct lines *lines)
{
	munmap(lines->in, LINES_ROOM);
	munmap(lines->out, LINES_ROOM);
	close(lines->fd);
}

/* ---- receiving -------------------------------------------------------------------------- */

/* Returns false if nothing is there and it was told not to wait. */
static bool receive(struct lines *lines, int flags)
{
	ssize_t size = recv(lines->fd, lines->in + lines->end, LINES_ROOM - lines->end, flags);

	if (size > 0) {
		lines->end += (size_t)size;
		return true;
	}
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (size == 0)
		errno = 0;
	peer_die("the server has closed the connection");
}

/* Only between lines: whoever has one or a payload looks into the buffer. */
static void compact(struct lines *lines)
{
	if (lines->begin != lines->end && lines->begin < COMPACT)
		return;
	memmove(lines->in, lines->in + lines->begin, lines->end - lines->begin);
	lines->end -= lines->begin;
	lines->begin = 0;
}

/* Takes a line that is there, or returns NULL. */
static char *take_line(struct lines *lines)
{
	char *line = lines->in + lines->begin;
	char *end = memchr(line, '\n', lines->end - lines->begin);

	if (end == NULL)
		return NULL;
	lines->begin += (size_t)(end + 1 - line);
	end[-1] = '\0';
	return line;
}

char *lines_read(struct lines *lines)
{
	char *line;

	while ((line = take_line(lines)) == NULL) {
		compact(lines);
		lines_flush(lines);
		receive(lines, 0);
	}
	return line;
}

char *lines_poll(struct lines *lines)
{
	char *line = take_line(lines);

	if (line != NULL)
		return line;
	compact(lines);
	return receive(lines, MSG_DONTWAIT) ? take_line(lines) : NULL;
}

struct bytes lines_read_payload(struct lines *lines, size_t size)
{
	struct bytes payload = {lines->in + lines->begin, size};

	while (lines->end - lines->begin < size + 2) {
		lines_flush(lines);
		receive(lines, 0);
	}
	lines->begin += size + 2;
	return payload;
}

/* ---- sending ---------------------------------------------------------------------------- */

/* A server that waits until we read would otherwise wait for ever. */
static void wait_until_writable(struct lines *lines)
{
	struct pollfd pollfd = {.fd = lines->fd, .events = POLLIN | POLLOUT};

	if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
		peer_die("poll");
	if (pollfd.revents & POLLIN)
		receive(lines, MSG_DONTWAIT);
}

static void send_all(struct lines *lines, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(lines->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			peer_die("the server has closed the connection");
		if (sent < 0) {
			wait_until_writable(lines);
			continue;
		}
		data += sent;
		size -= (size_t)sent;
	}
}

void lines_flush(struct lines *lines)
{
	size_t size = lines->out_size;

	lines->out_size = 0;
	send_all(lines, lines->out, size);
}

void lines_put(struct lines *lines, const void *data, size_t size)
{
	if (lines->out_size > OUT_MAX)
		lines_flush(lines);
	memcpy(lines->out + lines->out_size, data, size);
	lines->out_size += size;
}

void lines_print(struct lines *lines, const char *format, ...)
{
	char text[512];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	lines_put(lines, text, (size_t)size);
}

void lines_put_large(struct lines *lines, struct bytes bytes)
{
	if (bytes.size < LARGE) {
		lines_put(lines, bytes.data, bytes.size);
		return;
	}
	lines_flush(lines);
	send_all(lines, bytes.data, bytes.size);
}
