/* SPDX-License-Identifier: MIT */
/* client/pipe.h: what goes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/args.h"
#include "client/pipe.h"
#include "wire/message.h"
#include "wire/scan.h"

enum { NAP_MS = 2, SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL };

/* ---- packets ------------------------------------------------------------------------------- */

static int send_plain(int fd, int flags, const void *data, size_t len)
{
	uint8_t head = PIPE_PLAIN;
	struct iovec parts[] = {{&head, 1}, {(void *)data, len}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t n;

	do
		n = sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Memory that has these bytes and cannot be changed: a descriptor, or a negative errno. */
static int make_memory(const void *data, size_t len)
{
	int fd = memfd_create("ruche-message", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	fd_close(&fd);
	return r;
}

/* `memory` < 0: the message goes in the packet. */
static int try_send(int fd, int flags, int memory, const void *data, size_t len)
{
	static const uint8_t head = PIPE_MEMORY;

	return memory < 0 ? send_plain(fd, flags, data, len)
			  : fd_send_packet(fd, flags, &head, 1, &memory, 1);
}

/* When too many descriptors are on their way, nobody tells when there are fewer. */
static int nap(uint64_t deadline, int timeout_ms)
{
	uint64_t end = clock_now() + NAP_MS * CLOCK_MS;
	int r = pipe_wait(-1, 0, deadline < end ? deadline : end, timeout_ms);

	return deadline < end || (r != -EAGAIN && r != -ETIMEDOUT) ? r : 0;
}

static int send_in_time(
	struct ruche_pipe *pipe, int memory, int timeout_ms, const void *data, size_t len)
{
	uint64_t deadline = connection_deadline(timeout_ms);
	int r;

	while ((r = try_send(pipe->fd, pipe_flags(timeout_ms), memory, data, len)) == -EAGAIN ||
		r == -ETOOMANYREFS) {
		r = r == -EAGAIN ? pipe_wait(pipe->fd, POLLOUT, deadline, timeout_ms)
				 : nap(deadline, timeout_ms);
		if (r < 0)
			return r;
	}
	return r == -ECONNRESET || r == -ENOTCONN ? -EPIPE : r;
}

/* One value. */
static int send_message(struct ruche_pipe *pipe, int timeout_ms, const void *data, size_t len)
{
	int memory, r = -EMSGSIZE;

	if (len <= PIPE_PLAIN_MAX)
		r = send_in_time(pipe, -1, timeout_ms, data, len);
	if (r != -EMSGSIZE) /* the socket may take less than most do */
		return r;
	memory = make_memory(data, len);
	if (memory < 0)
		return memory;
	r = send_in_time(pipe, memory, timeout_ms, data, len);
	fd_close(&memory);
	return r;
}

/* ---- values -------------------------------------------------------------------------------- */

static int check_value(const void *data, size_t len)
{
	size_t value_len;

	if (scan_value(data, len, &value_len) < 0 || value_len != len)
		return -EINVAL;
	return len > MESSAGE_FRAME_MAX ? -EMSGSIZE : 0;
}

int ruche_pipe_send_packed(struct ruche_pipe *pipe, int timeout_ms, const void *data, size_t len)
{
	int r;

	if (pipe == NULL || data == NULL || !pipe->can_send)
		return -EINVAL;
	r = check_value(data, len);
	return r < 0 ? r : send_message(pipe, timeout_ms, data, len);
}

struct packed {
	struct buf buf;
	int error; /* of the packer */
};

/* The packer's callback. */
static int append(void *data, const char *bytes, size_t len)
{
	struct packed *packed = data;

	if (packed->error == 0)
		packed->error = len > MESSAGE_FRAME_MAX - buf_len(&packed->buf)
					? -EMSGSIZE
					: buf_append(&packed->buf, bytes, len);
	return packed->error;
}

int ruche_pipe_send(struct ruche_pipe *pipe, int timeout_ms, const char *types, ...)
{
	struct request request = {0}; /* that goes to no daemon */
	struct packed packed = {0};
	va_list values;
	int r;

	if (pipe == NULL || types == NULL || !pipe->can_send)
		return -EINVAL;
	msgpack_packer_init(&request.pk, &packed, append);
	va_start(values, types);
	r = args_pack_value(&request, types, values);
	va_end(values);
	if (packed.error < 0)
		r = packed.error;
	if (r == 0 && request.is_foreign)
		r = check_value(buf_data(&packed.buf), buf_len(&packed.buf));
	if (r == 0)
		r = send_message(pipe, timeout_ms, buf_data(&packed.buf), buf_len(&packed.buf));
	buf_fini(&packed.buf);
	return r;
}
