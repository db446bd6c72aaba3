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

/* Blocking: writes everything (without SIGPIPE only if the caller ignores it). */
int fd_write_all(int fd, const void *data, size_t len);

/*
 * One packet with descriptors over a Unix socket.  The sender keeps its own copies.
 * fd_recv_packet() returns the packet's length (0: the peer has gone) and fills
 * `fds` with *ret_nfds descriptors, owned by the caller, close-on-exec; a packet that is
 * longer than `size` or carries more than `max_fds` is -EMSGSIZE with nothing left open.
 */
int fd_send_packet(int sock, const void *data, size_t len, const int *fds, size_t nfds);
ssize_t fd_recv_packet(
	int sock, void *data, size_t size, int *fds, size_t max_fds, size_t *ret_nfds);

#endif
