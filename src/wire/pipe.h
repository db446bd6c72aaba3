/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PIPE_H
#define WIRE_PIPE_H

/*
 * What passes through a pipe, two SOCK_SEQPACKET sockets that the daemon has made: one packet is one message, a single packed
 * value.  Its first byte says where that is.
 */

enum {
	PIPE_PLAIN = 0, /* behind this byte */
	PIPE_MEMORY =
		1, /* in memory of exactly its size, which nobody can change any more; the descriptor comes with the packet */
	PIPE_PLAIN_MAX = 64 * 1024, /* a larger message goes in memory */
};

#endif
