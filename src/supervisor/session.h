/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_SESSION_H
#define SUPERVISOR_SESSION_H

/*
 * A session: one client's connection.  It owns the socket, its buffers and the list of the
 * client's open calls.  Reading is edge-triggered: an event only notes that there is something,
 * and sessions_pump() reads it, 64 KiB a turn, unless the client's next request has to wait
 * because too much is open or unread.  Of a client that has very much open, few requests are handled a turn.
 *
 *	          faulty frame, or the peer will send no more
 *	 OPEN ───────────────────────────────────────────────▶ LAST_ANSWERS
 *	   │                                                        │ all answered and sent
 *	   └──────────────▶ CLOSED ◀────────────────────────────────┘
 *	     peer gone, or too much unread
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fd_queue.h"
#include "core/alarm.h"
#include "core/user.h"
#include "wire/scan.h"

struct holder;
struct identity;
struct session_arena;
struct supervisor;
struct wait;
struct worker;

enum session_state { SESSION_OPEN, SESSION_LAST_ANSWERS, SESSION_CLOSED };

struct session {
	struct supervisor *sup;
	struct ref ref;
	enum session_state state;
	int fd;
	pid_t pid;                   /* the peer, when it connected */
	struct identity *self;       /* and who that was */
	struct identity *speaks_for; /* see rights.h; NULL: nobody */
	struct event on_read, on_write;

	struct buf in, out;
	uint64_t sent;       /* bytes in all */
	struct fd_queue fds; /* that go with bytes of `out`, each with the one after so many */
	struct scan scan;    /* of the frame at the front of `in` */
	bool readable;       /* an edge was seen and not read to its end */
	bool ended;          /* the peer sends no more after what is there */
	bool dirty;          /* has something to send, or to be freed */
	bool queued;         /* among those to be pumped */
	bool doubtful;       /* was read since it was last looked at whether the peer is there */
	struct session *next_dirty, *next_ready;

	struct client *client;  /* whose turns its calls take */
	struct task_list tasks; /* open calls */
	bool indexed;           /* those can be found by their msgids: it has asked for one */
	size_t task_bytes;
	struct wait *waits;            /* for tasks of others */
	size_t wait_count, wait_links; /* and the tasks that they are for; at objects too */
	struct holder *holder;         /* of objects; NULL: it has opened none */

	bool blocked;              /* its next request waits for room */
	bool full;                 /* too much is unread: it gets no work done */
	bool cut_off;              /* and far too much, or for too long: it is closed */
	struct alarm unread_alarm; /* while it is full */

	struct session_arena *arena; /* owned; NULL: it has not asked for one */

	struct worker *parent; /* whose task opened it; NULL: nobody's */
	struct session *next_nested;
};

struct sessions {
	struct session **all; /* by index; NULL: free */
	uint32_t *generations;
	uint32_t cap, count;
	/* In the order in which they came to be so: who is told something can rely on what was done before. */
	struct session *dirty, *last_dirty, *ready, *last_ready;
	uint32_t turn; /* whose it is of those that wait for room: this one's, or the next one's */
	uint32_t blocked;         /* sessions whose next request waits for room */
	uint64_t requests;        /* that were handled */
	bool has_room;            /* a task has ended since they were looked at */
	struct event doubt_timer; /* set while some are doubtful */
	size_t unread;            /* bytes of all */
};

/* Takes `fd`, a connected socket.  0, or a negative errno with `fd` closed. */
int session_open(struct supervisor *sup, int fd);

/* NULL if the reference is stale or the session closed. */
struct session *session_get(const struct supervisor *sup, struct ref ref);
/* Also one that was closed in this turn: its tasks are its own until each has been seen to. */
struct session *session_find(const struct supervisor *sup, struct ref ref);

/* Drops the connection and cancels its calls; freed at the end of the turn. */
void session_close(struct session *session);

/* Takes no more requests; closes when all open calls are answered and sent. */
void session_finish(struct session *session);

/* Appends to what is to be sent in this turn. */
void session_send(struct session *session, const void *data, size_t len);
/* The same for what is written in place: room for it, at least a byte, and then that it is there.  NULL: it is not to be sent. */
uint8_t *session_reserve(struct session *session, size_t len);
void session_commit(struct session *session, size_t len);

/*
 * Takes `fd`, which goes with the first byte of what is sent next, and is closed then, or with the session.  0, or -ENOMEM
 * with `fd` closed.  Where the kernel takes no more descriptors of this user the bytes go without it.
 */
int session_send_fd(struct session *session, int fd);

/* It has not read anything for too long. */
void session_on_unread_time(struct session *session);

/* More unread, bytes or descriptors, than anything should add to. */
bool session_is_full(const struct session *session);

/* A call was opened or ended: may reading go on? */
void session_wake(struct session *session);

/* Something of the session waits for this turn of the loop. */
bool sessions_have_work(const struct supervisor *sup);
/* No client can send any more; what each has sent is still to be read, and answered. */
void sessions_hang_up(struct supervisor *sup);
/* Something of that is not read yet. */
bool sessions_have_unread(const struct supervisor *sup);
/* Some client has not taken all its answers yet. */
bool sessions_have_unsent(const struct supervisor *sup);
void sessions_pump(struct supervisor *sup);
void sessions_flush(struct supervisor *sup);

/* Sends what there is, and no more: in the middle of a turn. */
void sessions_write(struct supervisor *sup);
void sessions_fini(struct supervisor *sup);

/* ---- of an earlier daemon, see upgrade.h */

/* Room for as many, with the generations that they had.  0 or -ENOMEM. */
int sessions_restore(struct sessions *sessions, const uint32_t *generations, uint32_t cap);
/* This one, with its ref, its descriptor and its client, takes its place; it is watched from now on. */
void session_restore(struct supervisor *sup, struct session *session);

/* ---- among the session*.c */

/* It has something to send, or is to be freed, at the end of the turn. */
void session_mark_dirty(struct session *session);

/* It is to be pumped. */
void session_mark_ready(struct session *session);

/* Its next request waits for room; or may be tried again, of all that do. */
void session_set_blocked(struct session *session, bool blocked);
void sessions_wake_blocked(struct sessions *sessions);

/* Its peer neither sends nor reads any more. */
bool session_has_gone(const struct session *session);

/* Its peer may have gone without a word: that is looked at before long. */
void session_doubt(struct session *session);
void session_doubts_init(struct sessions *sessions, struct event_base *base);
void session_doubts_fini(struct sessions *sessions);

/* Sends what the socket takes, which may close it. */
void session_write_out(struct session *session);

#endif
