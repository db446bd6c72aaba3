/* SPDX-License-Identifier: MIT */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

/*
 * The fork-server protocol, version 2: how the supervisor and a runtime speak.
 * PROTOCOL.md, "The fork server", is the reference; this header has its numbers and
 * names.  Messages are MessagePack-RPC, one a packet, over a SOCK_SEQPACKET socket that the
 * fork server finds as descriptor LINK_FD.
 */

enum {
	LINK_FD = 3,
	LINK_VERSION = 2,
	LINK_PACKET_MAX = 65536,
	LINK_TOKEN_MAX = 64,
	LINK_ORDER_MAX = 4096, /* a fork request that comes to the worker itself */
};

/* The descriptors that go with a fork request, in this order. */
enum link_worker_fd {
	LINK_WORKER_TASKS,   /* pipe: the worker reads calls */
	LINK_WORKER_RESULTS, /* pipe: the worker writes answers */
	LINK_WORKER_OUTPUT,  /* pipe: becomes its stdout and stderr */
	LINK_WORKER_CLAIMS,  /* memfd: its claim page and what is behind it, see wire/claim.h */
	LINK_WORKER_ARENAS,  /* socket: struct arena_packet with a memfd each, see wire/arena.h */
	LINK_WORKER_FDS
};

/*
 * Behind them come, if the worker is to be in control groups, their files cgroup.procs, which it writes "0" to
 * before anything else that it was ordered; and on v1 memory.oom_control, if it has a limit of memory.
 */
enum {
	LINK_GROUPS_MAX = 4,
	LINK_GROUP_FDS = LINK_GROUPS_MAX + 1,
	LINK_FDS_MAX = LINK_WORKER_FDS + LINK_GROUP_FDS
};

/* fork server → supervisor, notifications */
#define LINK_FUNCTION                                                                              \
	"function" /* [name, params or nil, summary or nil, plugin file]: once for each */
#define LINK_READY                                                                                 \
	"ready" /* [version, runtime's name, true if it knows LINK_STANDBY]: all is loaded */
#define LINK_FAILED "failed" /* [message]: cannot go on; it then exits with 1 */

/* supervisor → fork server, request; the response's result is the worker's pid */
#define LINK_FORK                                                                                  \
	"fork" /* [slot, core or -1, frame limit, worker's token, number of groups], with descriptors */

/*
 * The same: [], with the first LINK_WORKER_FDS descriptors.  With the response comes a socket, SOCK_SEQPACKET, on which that
 * worker waits for its LINK_FORK, which then comes with the other descriptors alone and is not answered.
 */
#define LINK_STANDBY "standby"

/* worker → supervisor, on its result pipe, notifications */
#define WORKER_READY "ready"   /* []: takes tasks from now on */
#define WORKER_FAILED "failed" /* [message]: it cannot be used; it then exits with 1 */
#define WORKER_RETIRE "retire" /* [message]: wants to be replaced, and works on until then */

/* supervisor → worker, on its task pipe, notification */
#define WORKER_ARENA_GONE "arena.gone" /* [id]: that client has gone */

/* The environment of a worker and its tasks: where a nested call goes to, and whose it is. */
#define WORKER_SOCKET_ENV "RUCHE_SOCKET"
#define WORKER_TOKEN_ENV "RUCHE_TASK" /* the token of its fork request */

/*
 * Notifications that pass through the supervisor, which only rewrites the msgid: it is
 * the first element of the params and always packed as uint 32 (message_pack_id()).
 */
#define RUCHE_OUTPUT "ruche.output"     /* worker → client: [msgid, stream 1 or 2, bytes] */
#define RUCHE_PROGRESS "ruche.progress" /* worker → client: [msgid, value] */
#define RUCHE_INPUT "ruche.input"       /* worker → client: [msgid, room in bytes] */
					/* client → worker: [msgid, bytes, or nil at the end] */

#endif
