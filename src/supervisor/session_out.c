/* SPDX-License-Identifier: MIT */
/* session.h, sending: and what becomes of a client that does not read. */
#include "supervisor/session.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "supervisor/running.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "supervisor/worker.h"

/* Unread by one client, each of which is open here. */
enum { FDS_MAX = 64 };

bool session_is_full(const struct session *session)
{
	return buf_len(&session->out) > session->sup->config.limits.unread_bytes ||
	       fd_queue_count(&session->fds) >= FDS_MAX;
}

/* For the end of the turn, since whoever is sending to it is not done with it. */
static void cut_off(struct session *session, const char *why)
{
	if (session->cut_off)
		return;
	notice_send(session->sup, NOTICE_CLIENT_CUT_OFF,
		&(struct notice_fields){.session = session},
		"client %u (pid %d) does not read its answers and is cut off: %zu bytes %s",
		session->ref.index, (int)session->pid, buf_len(&session->out), why);
	session->cut_off = true;
	session->sup->sessions.unread -= buf_len(&session->out);
	buf_fini(&session->out);
	fd_queue_fini(&session->fds);
	session_mark_dirty(session);
}

/* Of all the one that has the most. */
static void cut_off_worst(struct supervisor *sup)
{
	struct session *worst = NULL;

	for (uint32_t i = 0; i < sup->sessions.cap; i++) {
		struct session *session = sup->sessions.all[i];

		if (session == NULL || session->cut_off || session->state == SESSION_CLOSED)
			continue;
		if (worst == NULL || buf_len(&session->out) > buf_len(&worst->out))
			worst = session;
	}
	if (worst != NULL)
		cut_off(worst, "unread, the most of all while they are too many");
}

static void watch_unread(struct session *session)
{
	struct supervisor *sup = session->sup;
	uint64_t timeout = sup->config.limits.unread_timeout;

	if (timeout > 0)
		alarms_set(&sup->alarms, &session->unread_alarm, clock_now() + timeout);
}

/* Its calls wait until it reads: those that have not started, too. */
static void become_full(struct session *session)
{
	session->full = true;
	queue_hold(&session->client->turns, QUEUE_HOLD_UNREAD);
	/* The last ones first: then each goes to the front of its queue. */
	for (struct task *task = session->tasks.last; task != NULL;
		task = task->prev[TASK_LIST_SESSION])
		if (task->state == TASK_HANDED)
			worker_take_back(session->sup, task);
	running_wake(session->sup);
	watch_unread(session);
}

static void go_on(struct session *session)
{
	workers_unblock(session->sup, session->ref);
	session_wake(session);
}

static void become_free(struct session *session)
{
	session->full = false;
	queue_release(&session->client->turns, QUEUE_HOLD_UNREAD);
	running_wake(session->sup);
	alarms_clear(&session->sup->alarms, &session->unread_alarm);
	go_on(session);
}

void session_on_unread_time(struct session *session)
{
	cut_off(session, "unread for too long");
}

uint8_t *session_reserve(struct session *session, size_t len)
{
	uint8_t *to;

	if (session->state == SESSION_CLOSED || session->cut_off)
		return NULL;
	to = buf_reserve(&session->out, len);
	if (to == NULL)
		cut_off(session, "unread, and no memory for more");
	return to;
}

void session_commit(struct session *session, size_t len)
{
	struct sessions *sessions = &session->sup->sessions;

	buf_commit(&session->out, len);
	sessions->unread += len;
	if (sessions->unread > session->sup->config.limits.unread_total && session_is_full(session))
		cut_off_worst(session->sup);
	session_mark_dirty(session);
}

void session_send(struct session *session, const void *data, size_t len)
{
	uint8_t *to = session_reserve(session, len);

	if (to == NULL)
		return;
	memcpy(to, data, len);
	session_commit(session, len);
}

int session_send_fd(struct session *session, int fd)
{
	if (session->state == SESSION_CLOSED || session->cut_off) {
		fd_close(&fd);
		return 0;
	}
	return fd_queue_push(&session->fds, session->sent + buf_len(&session->out), fd);
}

/* Reading and streams stop when there is much to send, though the socket may then take it. */
static void look_at_room(struct session *session, bool was_full, bool has_read)
{
	if (session_is_full(session) && !session->full)
		become_full(session);
	else if (session->full && !session_is_full(session))
		become_free(session);
	else if (was_full && !session_is_full(session))
		go_on(session);
	else if (session->full && has_read)
		watch_unread(session);
}

/* How many bytes may go in one piece from here on: a descriptor goes with the first of such a piece. */
static size_t piece_len(const struct session *session, const struct fd_queued *next)
{
	size_t len = buf_len(&session->out);

	return next != NULL && next->at - session->sent < len ? (size_t)(next->at - session->sent)
							      : len;
}

static void drop_fd(struct session *session)
{
	int fd = fd_queue_pop(&session->fds);

	fd_close(&fd);
}

/* The bytes up to the next descriptor, with the one that is theirs.  1: there may be more; 0: that was all; or a negative errno. */
static int send_piece(struct session *session)
{
	const struct fd_queued *next = fd_queue_at(&session->fds, 0);
	bool has_fd = next != NULL && next->at == session->sent;
	/* 0: the message that a descriptor was for has not been sent. */
	size_t len = piece_len(session, has_fd ? fd_queue_at(&session->fds, 1) : next);
	ssize_t n = len == 0 ? 0
			     : fd_send_some(session->fd, buf_data(&session->out), len,
				       has_fd ? next->fd : -1);

	if (n == -EAGAIN)
		return 0;
	if (has_fd)
		drop_fd(session);
	if (n == -ETOOMANYREFS) /* it will do without */
		return 1;
	if (n < 0)
		return (int)n;
	buf_consume(&session->out, (size_t)n);
	session->sent += (size_t)n;
	return (size_t)n == len;
}

/* 0 or a negative errno. */
static int send_out(struct session *session)
{
	size_t before;
	int r = 1;

	while (r > 0 && buf_len(&session->out) > 0 && fd_queue_count(&session->fds) > 0)
		r = send_piece(session);
	if (r <= 0 || buf_len(&session->out) == 0)
		return r < 0 ? r : 0;
	before = buf_len(&session->out);
	r = buf_send(&session->out, session->fd);
	session->sent += before - buf_len(&session->out);
	return r;
}

void session_write_out(struct session *session)
{
	size_t before = buf_len(&session->out);
	bool was_full = session_is_full(session);
	int r = send_out(session);

	session->sup->sessions.unread -= before - buf_len(&session->out);
	if (r < 0)
		session_close(session);
	else
		look_at_room(session, was_full, buf_len(&session->out) < before);
}
