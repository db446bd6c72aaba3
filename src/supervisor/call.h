/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CALL_H
#define SUPERVISOR_CALL_H

/*
 * The life of a task in the supervisor, from the request to its one answer.  call.c opens
 * it, ending.c ends it, stopping.c stops it.  Every task that call_open() made ends in exactly one of
 * call_answer() and call_fail(), which free it, or keep it for those who may ask for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan.h"
#include "core/task.h"
#include "supervisor/terms.h"
#include "wire/message.h"

struct pool;
struct queue;
struct session;
struct supervisor;

struct call_request {
	struct pool *pool;
	struct record *record;
	const char *name; /* the function, without its pool */
	size_t name_len;
	const void *params; /* one packed array */
	size_t params_len;
	bool wants_answer; /* else nobody waits for it */
	uint32_t msgid;
	bool is_command;
	bool exclusive;            /* see struct task */
	bool submitted;            /* is answered with its id, and asked for later */
	bool logged;               /* what it writes is kept */
	const struct terms *terms; /* NULL: none */
};

/*
 * Accepts a call.  0, or with nothing done -EBUSY (over a limit: *ret_why says which), -EMSGSIZE
 * (over the limit of a frame as a worker would get it) or -ENOMEM.
 */
int call_open(struct session *session, const struct call_request *request, const char **ret_why);

/* The worker's answer: `body` is error and result as they lay in its response. */
void call_answer(struct supervisor *sup, struct task *task, const void *body, size_t len);

/* It has no result, for this reason.  `started`: a worker had begun with it. */
void call_fail(
	struct supervisor *sup, struct task *task, const struct message_error *error, bool started);

/* How far a task was from its end when it was to be stopped. */
enum call_stopped {
	CALL_STOPPED,  /* it had not started, and has been answered */
	CALL_STOPPING, /* its worker was asked to stop it */
	CALL_ENDED     /* its answer was there already, and has been sent */
};

enum call_stopped call_stop(
	struct supervisor *sup, struct task *task, enum task_stop why, int signal);

/* This of its plan has come due. */
void call_on_time(struct supervisor *sup, struct task *task, enum plan_event due);

/* Stops an open call: the session's own of that msgid.  False if there is none. */
bool call_cancel(struct session *session, uint32_t msgid, int signal);

/*
 * A closed session's calls: what has not started is dropped, what runs is stopped.  What nobody
 * or somebody else waits for goes on.
 */
void call_abandon_all(struct session *session);

/* The open call of that msgid, or NULL. */
struct task *call_find(struct session *session, uint32_t msgid);

/* Where it waits for a worker. */
struct queue *call_queue(struct pool *pool, const struct task *task);

/* Fails all that is in one of the pool's queues. */
void call_fail_queued(
	struct supervisor *sup, struct queue *queue, const struct message_error *error);
/* The same for what waits for a point of time or for another task. */
void call_fail_waiting(struct supervisor *sup, const struct message_error *error);
/* ... and for what is queued of a function. */
void call_fail_function(
	struct supervisor *sup, const struct record *record, const struct message_error *error);

/* An error that says nothing but this; nothing was executed. */
struct message_error error_make(enum ruche_code code, const char *message);

#endif
