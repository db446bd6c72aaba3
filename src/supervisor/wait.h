/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_WAIT_H
#define SUPERVISOR_WAIT_H

/*
 * Requests that wait for the end of tasks that others have started: ruche.result, ruche.wait,
 * ruche.log, and calls whose key another task has.  A wait belongs to its session and ends with it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/alarm.h"
#include "core/handle.h"

struct session;
struct supervisor;

/* Tasks that one connection may wait for at a time, in all its waits. */
enum { WAIT_LINKS_MAX = 65536 };

/* A wait's place in the list of those that wait for one task. */
struct wait_link {
	struct wait *wait;
	struct handle *handle; /* NULL: it has ended */
	uint64_t id;
	struct wait_link *next_of_handle, **at_handle; /* what points to it */
};

enum wait_kind { WAIT_RESULT, WAIT_TASKS, WAIT_LOG };

struct wait {
	struct session *session;
	struct wait *next, *prev; /* of the session */
	enum wait_kind kind;
	uint32_t msgid;
	bool any;
	bool forget;   /* the result once it has been told */
	uint64_t told; /* bytes of a log */
	uint64_t cut;  /* bytes of it that were not told */
	struct alarm alarm;
	size_t count, open;
	struct wait_link links[];
};

/* Answered with the task's answer, at once or at its end; `pending` after `timeout` ns (UINT64_MAX: never). */
void wait_for_result(struct session *session, uint32_t msgid, struct handle *handle,
	uint64_t timeout, bool forget);

/*
 * Answered with the ids of those that have ended, when all or any of them have, or after
 * `timeout`.  `handles` is borrowed for the call.
 */
void wait_for_tasks(struct session *session, uint32_t msgid, struct handle *const *handles,
	size_t count, bool any, uint64_t timeout);

/* Told what its log gets, and answered at its end. */
void wait_for_log(struct session *session, uint32_t msgid, struct handle *handle);

/*
 * One of an earlier daemon, whose numbers are in `like`, with room for `count` links: wait_link_up() adds them one after the
 * other.  NULL: no memory.
 */
struct wait *wait_restore(
	struct session *session, const struct wait *like, size_t count, uint64_t alarm);
/* `handle` NULL: that one has ended. */
void wait_link_up(struct wait *wait, uint64_t id, struct handle *handle);

/* The task has ended, with this body. */
void waits_on_end(struct supervisor *sup, struct handle *handle, const void *body, size_t len);

/* Its time is up. */
void wait_on_time(struct supervisor *sup, struct wait *wait);

/* Ends a wait by its msgid, which is answered `cancelled`; the task goes on.  False: there is none. */
bool wait_cancel(struct session *session, uint32_t msgid);

/* The session has gone. */
void waits_abandon_all(struct session *session);

#endif
