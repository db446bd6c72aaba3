/* SPDX-License-Identifier: MIT */
/* client/pipe.h: what comes.  Nothing is known of who is at the other end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/connection.h"
#include "client/pipe.h"
#include "client/reply.h"
#include "wire/message.h"
#include "wire/scan.h"

int pipe_flags(int timeout_ms)
{
	return timeout_ms < 0 ? 0 : MSG_DONTWAIT;
}

int pipe_wait(int fd, short events, uint64_t deadline, int timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&pollfd, 1, connection_milliseconds(deadline));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT;
	return n < 0 ? -errno : 0;
}

static bool is_value(const void *data, size_t len)
{
	size_t value_len;

	return scan_value(data, len, &value_len) == 0 && value_len == len;
}

static int take_plain(const uint8_t *data, size_t len, struct ruche_reply **ret)
{
	if (!is_value(data, len))
		return -EPROTO;
	*ret = reply_new_result(0, data, len);
	return *ret == NULL ? -ENOMEM : 0;
}

static bool read_all(int fd, uint8_t *to, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, to + done, len - done, (off_t)done);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Only memory has seals, and reading that waits for nobody.  It is copied before anything looks at it. */
static int measure_memory(int fd, size_t *ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &st) < 0 || st.st_size <= 0 ||
		(uint64_t)st.st_size > MESSAGE_FRAME_MAX)
		return -EPROTO;
	*ret = (size_t)st.st_size;
	return 0;
}

static int take_memory(int fd, struct ruche_reply **ret)
{
	struct ruche_reply *reply;
	void *data;
	size_t len;

	if (measure_memory(fd, &len) < 0)
		return -EPROTO;
	reply = reply_new_room(0, len, &data);
	if (reply == NULL)
		return -ENOMEM;
	if (read_all(fd, data, len) && is_value(data, len)) {
		*ret = reply;
		return 0;
	}
	ruche_reply_free(reply);
	return -EPROTO;
}

static int take_packet(
	const uint8_t *packet, size_t len, const int *fds, size_t nfds, struct ruche_reply **ret)
{
	if (packet[0] == PIPE_PLAIN && nfds == 0)
		return take_plain(packet + 1, len - 1, ret);
	if (packet[0] == PIPE_MEMORY && len == 1 && nfds == 1)
		return take_memory(fds[0], ret);
	return -EPROTO;
}

/* 0, -EAGAIN, -EPIPE at the end, or -EPROTO. */
static int try_receive(struct ruche_pipe *pipe, int flags, struct ruche_reply **ret)
{
	int fds[1] = {-1}, r;
	size_t nfds = 0;
	ssize_t n;

	do /* told once, when the other end goes and has not read all; what it sent comes after that */
		n = fd_recv_packet(
			pipe->fd, flags, pipe->packet, sizeof(pipe->packet), fds, 1, &nfds);
	while (n == -ECONNRESET);
	if (n > 0)
		r = take_packet(pipe->packet, (size_t)n, fds, nfds, ret);
	else
		r = n == 0 ? -EPIPE : n == -EMSGSIZE ? -EPROTO : (int)n;
	if (nfds > 0)
		fd_close(&fds[0]);
	return r;
}

static int receive_in_time(struct ruche_pipe *pipe, int timeout_ms, struct ruche_reply **ret)
{
	uint64_t deadline = connection_deadline(timeout_ms);
	int r;

	while ((r = try_receive(pipe, pipe_flags(timeout_ms), ret)) == -EAGAIN) {
		r = pipe_wait(pipe->fd, POLLIN, deadline, timeout_ms);
		if (r < 0)
			break;
	}
	return r;
}

/* For the answer of one who answers quickly. */
static int receive_with_patience(struct ruche_pipe *pipe, int timeout_ms, struct ruche_reply **ret)
{
	int r = -EAGAIN;

	patience_begin(&pipe->patience);
	while (r == -EAGAIN && patience_lasts(&pipe->patience))
		r = try_receive(pipe, MSG_DONTWAIT, ret);
	if (r == -EAGAIN)
		r = receive_in_time(pipe, timeout_ms, ret);
	patience_end(&pipe->patience);
	return r;
}

int ruche_pipe_receive(struct ruche_pipe *pipe, int timeout_ms, struct ruche_reply **ret)
{
	struct ruche_reply *reply = NULL;
	int r;

	if (pipe == NULL || ret == NULL || !pipe->can_receive)
		return -EINVAL;
	r = timeout_ms == 0 ? try_receive(pipe, MSG_DONTWAIT, &reply)
			    : receive_with_patience(pipe, timeout_ms, &reply);
	if (r == 0)
		*ret = reply;
	return r;
}

int ruche_pipe_poll(struct ruche_pipe *pipe, int timeout_ms)
{
	int r;

	if (pipe == NULL || !pipe->can_receive)
		return -EINVAL;
	r = pipe_wait(pipe->fd, POLLIN, connection_deadline(timeout_ms), timeout_ms);
	return r == 0 ? 1 : r == -EAGAIN || r == -ETIMEDOUT ? 0 : r;
}
