/* SPDX-License-Identifier: MIT */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 16 };

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int fd_pipe(int ret[2])
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ret[0] = fds[0];
	ret[1] = fds[1];
	return 0;
}

int fd_socketpair(int type, int ret[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ret[0] = fds[0];
	ret[1] = fds[1];
	return 0;
}

int fd_memory(const char *name, off_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, size) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	fd_close(&fd); /* keeps errno */
	return -errno;
}

ssize_t fd_read_text(int fd, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, ret + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < size - 1) || (n < 0 && errno == EINTR));
	ret[len] = '\0';
	return n < 0 ? -errno : (ssize_t)len;
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static ssize_t send_with(
	int sock, int flags, const void *data, size_t len, const int *fds, size_t nfds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_MAX)] = {0};
	struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (nfds > FDS_MAX)
		return -EINVAL;
	if (nfds > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int fd_send_packet(int sock, int flags, const void *data, size_t len, const int *fds, size_t nfds)
{
	ssize_t n = send_with(sock, flags, data, len, fds, nfds);

	return n < 0 ? (int)n : 0;
}

ssize_t fd_send_some(int sock, const void *data, size_t len, int fd)
{
	return send_with(sock, 0, data, len, &fd, fd >= 0 ? 1 : 0);
}

/* The descriptors of a received message; those that do not fit are closed.  How many came. */
static size_t take_fds(struct msghdr *msg, int *fds, size_t max_fds)
{
	size_t came = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++, came++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (came < max_fds)
				fds[came] = fd;
			else
				fd_close(&fd);
		}
	}
	return came;
}

/* How many bytes, and *ret_came descriptors, of which `fds` has those that fit.  *flags: of recv(2), and then what it told. */
static ssize_t recv_with(
	int sock, int *flags, void *data, size_t size, int *fds, size_t max_fds, size_t *ret_came)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	*ret_came = 0;
	do
		n = recvmsg(sock, &msg, *flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_came = take_fds(&msg, fds, max_fds);
	*flags = msg.msg_flags;
	return n;
}

ssize_t fd_recv_some(int sock, void *data, size_t size, int *ret_fd)
{
	size_t came;
	int flags = 0;

	*ret_fd = -1;
	return recv_with(sock, &flags, data, size, ret_fd, 1, &came);
}

ssize_t fd_recv_packet(
	int sock, int flags, void *data, size_t size, int *fds, size_t max_fds, size_t *ret_nfds)
{
	size_t came;
	ssize_t n = recv_with(sock, &flags, data, size, fds, max_fds, &came);

	if (n < 0)
		return n;
	if (came > max_fds || (flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		for (size_t i = 0; i < came && i < max_fds; i++)
			fd_close(&fds[i]);
		return -EMSGSIZE;
	}
	*ret_nfds = came;
	return n;
}
