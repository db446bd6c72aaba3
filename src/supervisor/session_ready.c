/* SPDX-License-Identifier: MIT */
/* session.h: which of them are to be pumped, and in which order. */
#include "supervisor/session.h"
#include "supervisor/supervisor.h"

void session_mark_ready(struct session *session)
{
	struct sessions *sessions = &session->sup->sessions;

	if (session->queued)
		return;
	session->queued = true;
	session->next_ready = NULL;
	*(sessions->ready != NULL ? &sessions->last_ready->next_ready : &sessions->ready) = session;
	sessions->last_ready = session;
}

void session_set_blocked(struct session *session, bool blocked)
{
	session->sup->sessions.blocked += blocked - session->blocked;
	session->blocked = blocked;
}

/* Before all that are ready. */
static void mark_first(struct session *session)
{
	struct sessions *sessions = &session->sup->sessions;

	if (session->queued)
		return;
	session->queued = true;
	session->next_ready = sessions->ready;
	if (sessions->ready == NULL)
		sessions->last_ready = session;
	sessions->ready = session;
}

/*
 * Tasks have ended: who waits for room may try again, before those that come only now, and each time another one first, or
 * one that has always more would take all the room.
 */
void sessions_wake_blocked(struct sessions *sessions)
{
	uint32_t first = sessions->turn;

	if (sessions->blocked == 0 || !sessions->has_room)
		return;
	sessions->has_room = false;
	for (uint32_t n = sessions->cap; n-- > 0;) {
		uint32_t i = (first + n) % sessions->cap;
		struct session *session = sessions->all[i];

		if (session == NULL || !session->blocked)
			continue;
		session_set_blocked(session, false);
		mark_first(session);
		sessions->turn = i + 1;
	}
}
