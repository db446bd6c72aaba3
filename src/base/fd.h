/* SPDX-License-Identifier: MIT */
#ifndef BASE_FD_H
#define BASE_FD_H

/*
 * File descriptors.  Every descriptor made here is close-on-exec.  All functions
 * return 0 (or a count) or a negative errno, and retry EINTR.
 */

#include <stddef.h>
#include <sys/types.h>

/* Closes *fd unless it is negative and makes it -1; keeps errno. */
void fd_close(int *fd);

int fd_set_nonblock(int fd);

/* A pipe: ret[0] reads, ret[1] writes. */
int fd_pipe(int ret[2]);

/* Two connected Unix sockets of `type` (SOCK_STREAM, SOCK_SEQPACKET). */
int fd_socketpair(int type, int ret[2]);

/*
 * Memory to be shared with whom nobody trusts: `size` bytes that cannot be made more or fewer.  The
 * descriptor or a negative errno.
 */
int fd_memory(const char *name, off_t size);

/*
 * All that there is to be read, with a NUL behind it, but no more than `size` - 1 bytes.  Files of the kernel come in pieces,
 * so one read(2) is not enough.  The length or a negative errno.
 */
ssize_t fd_read_text(int fd, char *ret, size_t size);

/* Blocking: writes everything (without SIGPIPE only if the caller ignores it). */
int fd_write_all(int fd, const void *data, size_t len);

/*
 * One send(2) without SIGPIPE of what a stream socket takes, with a descriptor; negative: without.  The number of
 * bytes, or a negative errno (-EAGAIN among them).
 */
ssize_t fd_send_some(int sock, const void *data, size_t len, int fd);

/*
 * One recv(2) of a stream socket, and the descriptor that came with it, which is the caller's then; -1: none
 * came, or there was no room for it.  The number of bytes, 0 at the end, or a negative errno.
 */
ssize_t fd_recv_some(int sock, void *data, size_t size, int *ret_fd);

/*
 * One packet with descriptors over a Unix socket.  The sender keeps its own copies.  `flags` are those of send(2) and recv(2).
 * fd_recv_packet() returns the packet's length (0: the peer has gone) and fills
 * `fds` with *ret_nfds descriptors, owned by the caller, close-on-exec; a packet that is
 * longer than `size` or carries more than `max_fds` is -EMSGSIZE with nothing left open.
 */
int fd_send_packet(int sock, int flags, const void *data, size_t len, const int *fds, size_t nfds);
ssize_t fd_recv_packet(
	int sock, int flags, void *data, size_t size, int *fds, size_t max_fds, size_t *ret_nfds);

#endif
