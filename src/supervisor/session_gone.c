/* SPDX-License-Identifier: MIT */
/*
 * session.h: peers that go.  Of one that goes with answers unread while bytes of its own are on their way the loop tells no more than
 * of the bytes.  To look after each read would cost a system call each time, so it is done a little later, for all that were read.
 */
#include <poll.h>

#include "base/clock.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"

#define DOUBT_FOR (100 * CLOCK_MS)

bool session_has_gone(const struct session *session)
{
	struct pollfd poller = {.fd = session->fd};

	return poll(&poller, 1, 0) == 1 && (poller.revents & (POLLHUP | POLLERR)) != 0;
}

static void look(struct session *session)
{
	session->doubtful = false;
	if (!session_has_gone(session))
		return;
	if (session->state != SESSION_OPEN) { /* nobody reads it any more */
		session_close(session);
		return;
	}
	session->ended = session->readable = true;
	session_mark_ready(session);
}

static void on_doubt(evutil_socket_t fd, short what, void *data)
{
	struct sessions *sessions = data;

	(void)fd;
	(void)what;
	for (uint32_t i = 0; i < sessions->cap; i++)
		if (sessions->all[i] != NULL && sessions->all[i]->doubtful)
			look(sessions->all[i]);
}

void session_doubt(struct session *session)
{
	struct sessions *sessions = &session->sup->sessions;

	session->doubtful = true;
	if (!evtimer_pending(&sessions->doubt_timer, NULL))
		supervisor_set_timer(&sessions->doubt_timer, DOUBT_FOR);
}

void session_doubts_init(struct sessions *sessions, struct event_base *base)
{
	evtimer_assign(&sessions->doubt_timer, base, on_doubt, sessions);
}

void session_doubts_fini(struct sessions *sessions)
{
	if (event_initialized(&sessions->doubt_timer))
		evtimer_del(&sessions->doubt_timer);
}
