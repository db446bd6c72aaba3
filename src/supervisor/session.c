/* SPDX-License-Identifier: MIT */
#include "supervisor/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "supervisor/arena.h"
#include "supervisor/call.h"
#include "supervisor/nested.h"
#include "supervisor/objects.h"
#include "supervisor/request.h"
#include "supervisor/rights.h"
#include "supervisor/running.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"
#include "wire/message.h"

enum {
	READ_SIZE = 64 * 1024,
	PORTION = 256, /* requests: workers begin with them while the next are read */
	PLENTY = 4096, /* open tasks, beyond which a session may make no more than */
	SHARE = 256,   /* requests a turn */
};

/* ---- the table ---------------------------------------------------------------------- */

static int reserve(struct sessions *sessions)
{
	uint32_t cap = sessions->cap == 0 ? 16 : sessions->cap * 2;
	struct session **all = realloc(sessions->all, cap * sizeof(struct session *));
	uint32_t *generations;

	if (all == NULL)
		return -ENOMEM;
	sessions->all = all;
	generations = realloc(sessions->generations, cap * sizeof(*generations));
	if (generations == NULL)
		return -ENOMEM;
	sessions->generations = generations;
	for (uint32_t i = sessions->cap; i < cap; i++) {
		all[i] = NULL;
		generations[i] = 1;
	}
	sessions->cap = cap;
	return 0;
}

static int enter(struct sessions *sessions, struct session *session)
{
	uint32_t i = 0;

	if (sessions->count == sessions->cap && reserve(sessions) < 0)
		return -ENOMEM;
	while (sessions->all[i] != NULL)
		i++;
	sessions->all[i] = session;
	sessions->count++;
	session->ref = (struct ref){i, sessions->generations[i]};
	return 0;
}

static void leave(struct sessions *sessions, const struct session *session)
{
	uint32_t i = session->ref.index;

	sessions->all[i] = NULL;
	sessions->count--;
	if (++sessions->generations[i] == 0)
		sessions->generations[i] = 1;
}

struct session *session_find(const struct supervisor *sup, struct ref ref)
{
	const struct sessions *sessions = &sup->sessions;

	if (ref.generation == 0 || ref.index >= sessions->cap ||
		sessions->generations[ref.index] != ref.generation)
		return NULL;
	return sessions->all[ref.index];
}

struct session *session_get(const struct supervisor *sup, struct ref ref)
{
	struct session *session = session_find(sup, ref);

	return session == NULL || session->state == SESSION_CLOSED ? NULL : session;
}

/* ---- marks for the end of the turn ---------------------------------------------------- */

void session_mark_dirty(struct session *session)
{
	struct sessions *sessions = &session->sup->sessions;

	if (session->dirty)
		return;
	session->dirty = true;
	session->next_dirty = NULL;
	*(sessions->dirty != NULL ? &sessions->last_dirty->next_dirty : &sessions->dirty) = session;
	sessions->last_dirty = session;
}

bool sessions_have_work(const struct supervisor *sup)
{
	const struct sessions *sessions = &sup->sessions;

	return sessions->ready != NULL || sessions->dirty != NULL ||
	       (sessions->blocked > 0 && sessions->has_room);
}

/* ---- opening and closing -------------------------------------------------------------- */

static bool may_read(const struct session *session)
{
	return session->state == SESSION_OPEN && !session_is_full(session) && !session->blocked;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct session *session = data;

	(void)fd;
	if (!may_read(session) && session_has_gone(session)) {
		session_close(session);
		return;
	}
	session->readable = true;
	session->ended |= (what & EV_CLOSED) != 0;
	session_mark_ready(session);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	session_mark_dirty(data);
}

/* 0 or -ENOMEM. */
static int learn_peer(struct session *session)
{
	int r = rights_learn(session);

	if (r == 0)
		session->client = client_new(&session->sup->users, session->self->uid);
	return session->client == NULL ? -ENOMEM : r;
}

/* What there is to be read or written already is told at once. */
static void watch(struct session *session)
{
	struct event_base *base = session->sup->base;

	session->unread_alarm.kind = TIMER_SESSION;
	scan_init(&session->scan, session->sup->config.limits.frame);
	event_assign(&session->on_read, base, session->fd, EV_READ | EV_CLOSED | EV_ET | EV_PERSIST,
		on_readable, session);
	event_assign(&session->on_write, base, session->fd, EV_WRITE | EV_ET, on_writable, session);
	event_add(&session->on_read, NULL);
}

int session_open(struct supervisor *sup, int fd)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL || fd_set_nonblock(fd) < 0 || enter(&sup->sessions, session) < 0) {
		free(session);
		fd_close(&fd);
		return -ENOMEM;
	}
	session->sup = sup;
	session->fd = fd;
	if (learn_peer(session) < 0) {
		leave(&sup->sessions, session);
		rights_forget(session);
		free(session);
		fd_close(&fd);
		return -ENOMEM;
	}
	nested_join_by_pid(session);
	task_list_init(&session->tasks, TASK_LIST_SESSION);
	watch(session);
	log_debug("client %u: pid %d, uid %u connected", session->ref.index, (int)session->pid,
		(unsigned int)session->self->uid);
	return 0;
}

int sessions_restore(struct sessions *sessions, const uint32_t *generations, uint32_t cap)
{
	while (sessions->cap < cap)
		if (reserve(sessions) < 0)
			return -ENOMEM;
	if (cap > 0)
		memcpy(sessions->generations, generations, cap * sizeof(*generations));
	return 0;
}

void session_restore(struct supervisor *sup, struct session *session)
{
	session->sup = sup;
	sup->sessions.all[session->ref.index] = session;
	sup->sessions.count++;
	sup->sessions.unread += buf_len(&session->out);
	task_list_init(&session->tasks, TASK_LIST_SESSION);
	watch(session);
	if (session->full)
		queue_hold(&session->client->turns, QUEUE_HOLD_UNREAD);
	if (buf_len(&session->in) > 0)
		session_mark_ready(session); /* a request that waited for room, or for its end */
	session_mark_dirty(session);
}

void session_close(struct session *session)
{
	if (session->state == SESSION_CLOSED)
		return;
	log_debug(
		"client %u: closed with %zu calls open", session->ref.index, session->tasks.count);
	session->state = SESSION_CLOSED;
	nested_leave(session);
	waits_abandon_all(session);
	objects_end(session);
	call_abandon_all(session);
	arena_close(session);
	fd_queue_fini(&session->fds);
	session_mark_dirty(session);
}

void session_finish(struct session *session)
{
	if (session->state != SESSION_OPEN)
		return;
	session->state = SESSION_LAST_ANSWERS;
	session->readable = false;
	session_mark_dirty(session);
}

static void session_free(struct session *session)
{
	struct supervisor *sup = session->sup;
	bool is_private = sup->options.session_fd >= 0 && session->fd == sup->options.session_fd;

	leave(&sup->sessions, session);
	session_set_blocked(session, false);
	nested_leave(session);
	waits_abandon_all(session);
	objects_end(session);
	alarms_clear(&sup->alarms, &session->unread_alarm);
	client_release(&sup->users, session->client);
	rights_forget(session);
	arena_close(session);
	running_wake(sup);
	sup->sessions.unread -= buf_len(&session->out);
	event_del(&session->on_read);
	event_del(&session->on_write);
	fd_close(&session->fd);
	buf_fini(&session->in);
	buf_fini(&session->out);
	fd_queue_fini(&session->fds);
	workers_unblock(sup, session->ref);
	free(session);
	if (is_private)
		supervisor_stop(sup, 0, 0);
}

/* ---- reading --------------------------------------------------------------------------- */

static bool has_all_answers(const struct session *session)
{
	return session->state == SESSION_LAST_ANSWERS && session->tasks.count == 0 &&
	       session->wait_count == 0;
}

void session_wake(struct session *session)
{
	if ((session->readable || buf_len(&session->in) > 0) && may_read(session))
		session_mark_ready(session);
	if (has_all_answers(session))
		session_mark_dirty(session);
}

/*
 * Tasks that wait in great numbers are in no cache any more when their turn comes.  So who has plenty goes on after others,
 * and after what workers have answered meanwhile: mostly as many.
 */
static bool has_had_its_share(const struct session *session, uint64_t since)
{
	return session->tasks.count >= PLENTY && session->sup->sessions.requests - since >= SHARE;
}

/* Handles each whole frame; false if the session takes no more for now. */
static bool handle_frames(struct session *session, uint64_t since)
{
	while (buf_len(&session->in) > 0) {
		int r;

		if (!may_read(session))
			return false;
		if (has_had_its_share(session, since)) {
			session_mark_ready(session); /* for the next turn */
			return false;
		}
		r = scan_feed(&session->scan, buf_data(&session->in), buf_len(&session->in));
		if (r == SCAN_MORE)
			return true;
		if (r < 0) {
			request_refuse(session, &session->scan, r);
			return false;
		}
		if (!request_handle(session, &session->scan, buf_data(&session->in))) {
			session_set_blocked(session, true); /* until there is room */
			return false;
		}
		if (session->state == SESSION_CLOSED)
			return false;
		session->sup->sessions.requests++;
		supervisor_note_size(session->sup, session->scan.len);
		buf_consume(&session->in, session->scan.len);
		scan_init(&session->scan, session->sup->config.limits.frame);
	}
	return may_read(session);
}

static void on_end(struct session *session, ssize_t n)
{
	if (n < 0 || session_has_gone(session))
		session_close(session);
	else
		session_finish(session); /* a half-close: it still wants its answers */
}

/* It is not read for now, and its going away has been told already, which is told once. */
static void close_if_gone(struct session *session)
{
	if (session->ended && session_has_gone(session))
		session_close(session);
}

static void pump(struct session *session)
{
	const uint64_t since = session->sup->sessions.requests;
	ssize_t n;

	if (session->state != SESSION_OPEN)
		return;
	nested_catch_up(session);
	supervisor_look_at_clock(session->sup);
	if (!handle_frames(session, since)) {
		close_if_gone(session);
		return;
	}
	if (!session->readable)
		return;
	buf_expect(&session->in, scan_missing(&session->scan, buf_len(&session->in)), READ_SIZE);
	n = buf_read(&session->in, session->fd, READ_SIZE);
	if (n == -EAGAIN) {
		session->readable = false;
		return;
	}
	if (n <= 0) {
		on_end(session, n);
		return;
	}
	session_doubt(session);
	/* After a short read the next byte brings a new edge; only the end may come without. */
	session->readable = n == READ_SIZE || session->ended;
	nested_catch_up(session);
	if (!handle_frames(session, since))
		close_if_gone(session);
	else if (session->readable)
		session_mark_ready(session);
}

void sessions_pump(struct supervisor *sup)
{
	struct session *next, *session;
	uint64_t until = sup->sessions.requests + PORTION;

	sessions_wake_blocked(&sup->sessions);
	session = sup->sessions.ready;
	sup->sessions.ready = NULL;
	for (; session != NULL; session = next) {
		next = session->next_ready;
		session->queued = false;
		pump(session);
		if (next != NULL && sup->sessions.requests >= until) {
			supervisor_hand_out(sup);
			until = sup->sessions.requests + PORTION;
		}
	}
}

/* ---- writing --------------------------------------------------------------------------- */

static void flush(struct session *session)
{
	if (session->cut_off) {
		session_close(session);
		return;
	}
	session_write_out(session);
	if (session->state == SESSION_CLOSED)
		return;
	if (buf_len(&session->out) > 0)
		event_add(&session->on_write, NULL);
	else if (has_all_answers(session))
		session_close(session);
}

void sessions_write(struct supervisor *sup)
{
	struct session *session;

	for (session = sup->sessions.dirty; session != NULL; session = session->next_dirty)
		if (session->state != SESSION_CLOSED && !session->cut_off)
			session_write_out(session);
}

void sessions_flush(struct supervisor *sup)
{
	struct session *next, *session = sup->sessions.dirty;

	sup->sessions.dirty = NULL;
	for (; session != NULL; session = next) {
		next = session->next_dirty;
		session->dirty = false;
		if (session->state != SESSION_CLOSED)
			flush(session);
		if (session->state == SESSION_CLOSED && !session->queued && !session->dirty)
			session_free(session);
		else if (session->state == SESSION_CLOSED)
			session_mark_dirty(session);
	}
}

/* From here on the peer cannot write; what it has written is read to its end, and answered. */
void sessions_hang_up(struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->sessions.cap; i++) {
		struct session *session = sup->sessions.all[i];

		if (session == NULL || session->state != SESSION_OPEN)
			continue;
		shutdown(session->fd, SHUT_RD);
		session->readable = session->ended = true;
		session_wake(session);
	}
}

bool sessions_have_unread(const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->sessions.cap; i++)
		if (sup->sessions.all[i] != NULL && may_read(sup->sessions.all[i]))
			return true;
	return false;
}

bool sessions_have_unsent(const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->sessions.cap; i++)
		if (sup->sessions.all[i] != NULL && buf_len(&sup->sessions.all[i]->out) > 0)
			return true;
	return false;
}

void sessions_fini(struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->sessions.cap; i++)
		if (sup->sessions.all[i] != NULL)
			session_free(sup->sessions.all[i]);
	session_doubts_fini(&sup->sessions);
	free(sup->sessions.all);
	free(sup->sessions.generations);
	sup->sessions = (struct sessions){0};
}
