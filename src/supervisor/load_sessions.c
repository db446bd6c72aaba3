/* SPDX-License-Identifier: MIT */
/* load.h, sessions: connections, and what is theirs. */
#include <errno.h>
#include <stdlib.h>

#include "supervisor/arena.h"
#include "supervisor/load.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/state_fields.h"
#include "supervisor/supervisor.h"

struct session *load_session_at(const struct loading *l, uint64_t index)
{
	return index < l->sup->sessions.cap ? l->sup->sessions.all[index] : NULL;
}

int load_session(struct loading *l)
{
	struct supervisor *sup = l->sup;
	struct session *session = calloc(1, sizeof(*session));
	uint64_t unread = state_get_uint(&l->r, "unread");

	if (session == NULL)
		return -ENOMEM;
	state_get_fields(&l->r, &state_of_session, session);
	session->client = load_numbered(&l->clients, state_get_uint(&l->r, "client"));
	session->fd = state_get_fd(&l->r, "fd");
	session->sup = sup;
	session->self = load_identity(l, "self");
	session->speaks_for = load_identity(l, "speaks_for");
	if (session->ref.index >= sup->sessions.cap || session->client == NULL || session->fd < 0 ||
		session->self == NULL || load_session_at(l, session->ref.index) != NULL) {
		rights_forget(session);
		free(session);
		return load_fail(l, "a session has no place, no client, no socket or is nobody's");
	}
	session->client->is_held = true;
	state_get_buf(&l->r, "in", &session->in);
	state_get_buf(&l->r, "out", &session->out);
	session_restore(sup, session);
	l->session = session;
	return unread == 0 ? 0 : alarms_set(&sup->alarms, &session->unread_alarm, unread);
}

/* Of a descriptor that the session has not been sent yet. */
int load_passing(struct loading *l)
{
	uint64_t at = state_get_uint(&l->r, "at");
	int fd = state_get_fd(&l->r, "fd");

	return fd < 0 ? 0 : fd_queue_push(&l->session->fds, at, fd);
}

int load_arena(struct loading *l)
{
	struct session_arena *arena = calloc(1, sizeof(*arena));
	const void *births;
	size_t len;

	if (arena == NULL)
		return -ENOMEM;
	l->session->arena = arena;
	state_get_fields(&l->r, &state_of_arena, arena);
	arena->fd = state_get_memory(&l->r, "fd");
	births = state_get_bytes(&l->r, "births", &len);
	l->sup->arena_bytes += arena->size;
	return arena_restore(arena, births, (uint32_t)(len / sizeof(*arena->births)));
}
