/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_NESTED_H
#define SUPERVISOR_NESTED_H

/*
 * Calls that tasks make themselves.  A connection that names a worker's token belongs to the
 * task that this worker runs: while it waits for calls of such a connection, the worker lends its place
 * to another one, so that nesting never runs out of workers; and when it ends or is stopped, so are
 * its calls.
 *
 * It has the rights of whoever asked for the task.  In a pool with a `user`, what the worker has started and does not name
 * the token is taken for that user: so that one should have no more rights than those who may run something there.
 */

#include <stdbool.h>
#include <stddef.h>

struct session;
struct supervisor;
struct worker;

/* The session says whose it is.  A token that nobody has, or that is none of its business, means nothing. */
void nested_join(struct session *session, const char *token, size_t len);

/*
 * The session was opened by this worker itself, if it was by any; where it matters (allow in ruche.conf(5)), also if it was
 * by what a worker has started.
 */
void nested_join_by_pid(struct session *session);

/*
 * Before a request of the session is looked at: its worker's answers to tasks before that one are taken, and it
 * speaks for whoever asked for that one.
 */
void nested_catch_up(struct session *session);

/* With no worker left to take its task's place, what it waits for might wait for ever for one. */
bool nested_is_too_deep(const struct session *session);

/* The number of calls that the session waits for has changed. */
void nested_note(struct session *session);

/* The worker's task is to stop, or has ended: so do its calls. */
void nested_stop(struct worker *worker);
/* Its task has ended: what that has left held is released. */
void nested_release(struct worker *worker);

/* The worker has gone; its sessions belong to nobody, and may do nothing. */
void nested_let_go(struct worker *worker);

/* The session goes. */
void nested_leave(struct session *session);

#endif
