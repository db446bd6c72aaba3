/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CALL_H
#define SUPERVISOR_CALL_H

/*
 * The life of a call in the supervisor, from the request to its one answer.  Every task
 * that call_open() made ends in exactly one of call_answer(), call_fail() and
 * call_drop(), which free it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/task.h"
#include "wire/message.h"

struct session;
struct supervisor;

struct call_request {
	const char *name; /* the function, without its pool */
	size_t name_len;
	const void *params; /* one packed array */
	size_t params_len;
	bool wants_answer; /* else nobody waits for it */
	uint32_t msgid;
	bool exclusive; /* see struct task */
};

enum { CALL_TASKS_MAX = 1000000 }; /* open tasks of all clients, and bytes of their requests */

#define CALL_BYTES_MAX ((size_t)2 << 30)

/*
 * Queues a call.  0, or with nothing done -EBUSY (too many are open), -EMSGSIZE (over the limit as a
 * worker would get it) or -ENOMEM.
 */
int call_open(struct session *session, const struct call_request *request);

/* The worker's answer: `body` is error and result as they lay in its response. */
void call_answer(struct supervisor *sup, struct task *task, const void *body, size_t len);

void call_fail(struct supervisor *sup, struct task *task, const struct message_error *error);

/* Stops an open call: the session's own of that msgid.  False if there is none. */
bool call_cancel(struct session *session, uint32_t msgid, int signal);

/*
 * A closed session's calls: what has not started is dropped, what runs is stopped.  What nobody
 * waited for goes on.
 */
void call_abandon_all(struct supervisor *sup, struct task_list *tasks);

/* The open call of that msgid, or NULL. */
struct task *call_find(struct session *session, uint32_t msgid);

/* Fails everything that is queued. */
void call_fail_queued(struct supervisor *sup, const struct message_error *error);

/* ---- messages to a client */

void reply_error(struct session *session, uint32_t msgid, const struct message_error *error);
/* A fault that no msgid belongs to. */
void reply_fault(struct session *session, const struct message_error *error);

/* An error that says nothing but this; nothing was executed. */
struct message_error error_make(enum ruche_code code, const char *message);

#endif
