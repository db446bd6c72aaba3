/* SPDX-License-Identifier: MIT */
#include "supervisor/wait.h"

#include <stdlib.h>

#include "base/clock.h"
#include "supervisor/call.h"
#include "supervisor/keep.h"
#include "supervisor/nested.h"
#include "supervisor/reply.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/timers.h"

static bool has_ended(const struct handle *handle)
{
	return handle->task->state == TASK_ENDED;
}

/* ---- lists ------------------------------------------------------------------------------ */

static void enter_session(struct wait *wait)
{
	struct session *session = wait->session;

	wait->next = session->waits;
	if (wait->next != NULL)
		wait->next->prev = wait;
	session->waits = wait;
	session->wait_count++;
	nested_note(session);
}

static void leave_session(struct wait *wait)
{
	struct session *session = wait->session;

	*(wait->prev != NULL ? &wait->prev->next : &session->waits) = wait->next;
	if (wait->next != NULL)
		wait->next->prev = wait->prev;
	session->wait_count--;
	session->wait_links -= wait->count;
	nested_note(session);
	session_wake(session);
}

static void enter_handle(struct wait_link *link)
{
	struct wait_link **first = &link->handle->waits;

	link->next_of_handle = *first;
	link->at_handle = first;
	if (*first != NULL)
		(*first)->at_handle = &link->next_of_handle;
	*first = link;
}

static void leave_handle(struct wait_link *link)
{
	*link->at_handle = link->next_of_handle;
	if (link->next_of_handle != NULL)
		link->next_of_handle->at_handle = link->at_handle;
	link->handle = NULL;
}

static void wait_free(struct wait *wait)
{
	for (size_t i = 0; i < wait->count; i++)
		if (wait->links[i].handle != NULL)
			leave_handle(&wait->links[i]);
	alarms_clear(&wait->session->sup->alarms, &wait->alarm);
	leave_session(wait);
	free(wait);
}

/* ---- beginning -------------------------------------------------------------------------- */

static void refuse(struct session *session, uint32_t msgid, const char *why)
{
	struct message_error error = error_make(RUCHE_BUSY, why);

	reply_error(session, msgid, &error);
}

void wait_link_up(struct wait *wait, uint64_t id, struct handle *handle)
{
	struct wait_link *link = &wait->links[wait->count++];

	*link = (struct wait_link){.wait = wait, .id = id, .handle = handle};
	wait->session->wait_links++;
	if (handle == NULL)
		return;
	enter_handle(link);
	wait->open++;
}

/* Its alarm is set if it is to have one. */
static struct wait *make(struct session *session, size_t count, uint64_t alarm)
{
	struct wait *wait = calloc(1, sizeof(*wait) + count * sizeof(wait->links[0]));

	if (wait == NULL)
		return NULL;
	wait->session = session;
	wait->alarm.kind = TIMER_WAIT;
	if (alarm == 0 || alarms_set(&session->sup->alarms, &wait->alarm, alarm) == 0)
		return wait;
	free(wait);
	return NULL;
}

static struct wait *wait_new(struct session *session, enum wait_kind kind, uint32_t msgid,
	struct handle *const *handles, size_t count, uint64_t timeout)
{
	struct wait *wait;

	if (session->wait_links + count > WAIT_LINKS_MAX) {
		refuse(session, msgid, "the connection waits for 65536 tasks of others already");
		return NULL;
	}
	wait = make(session, count, timeout != UINT64_MAX ? clock_now() + timeout : 0);
	if (wait == NULL) {
		refuse(session, msgid, "the daemon has no memory to wait");
		return NULL;
	}
	wait->kind = kind;
	wait->msgid = msgid;
	for (size_t i = 0; i < count; i++)
		wait_link_up(wait, handles[i]->id, has_ended(handles[i]) ? NULL : handles[i]);
	enter_session(wait);
	return wait;
}

struct wait *wait_restore(
	struct session *session, const struct wait *like, size_t count, uint64_t alarm)
{
	struct wait *wait = make(session, count, alarm);

	if (wait == NULL)
		return NULL;
	wait->kind = like->kind;
	wait->msgid = like->msgid;
	wait->any = like->any;
	wait->forget = like->forget;
	wait->told = like->told;
	wait->cut = like->cut;
	enter_session(wait);
	return wait;
}

/* ---- ending ----------------------------------------------------------------------------- */

static void tell_pending(struct session *session, uint32_t msgid)
{
	struct message_error error =
		error_make(RUCHE_PENDING, "it has not ended yet; it goes on, ask again");

	error.executed = RUCHE_EXECUTED_MAYBE;
	reply_error(session, msgid, &error);
}

static void tell_ended(struct wait *wait)
{
	msgpack_packer pk = reply_begin(wait->session, wait->msgid);
	int r = msgpack_pack_array(&pk, wait->count - wait->open);

	for (size_t i = 0; r == 0 && i < wait->count; i++)
		if (wait->links[i].handle == NULL)
			r = msgpack_pack_uint64(&pk, wait->links[i].id);
	if (r == 0)
		reply_send(wait->session);
	wait_free(wait);
}

void wait_for_result(struct session *session, uint32_t msgid, struct handle *handle,
	uint64_t timeout, bool forget)
{
	struct wait *wait;

	if (has_ended(handle)) {
		reply_body(session, msgid, handle->answer, handle->answer_len);
		if (forget)
			keep_drop(session->sup, handle);
		return;
	}
	if (timeout == 0) {
		tell_pending(session, msgid);
		return;
	}
	wait = wait_new(session, WAIT_RESULT, msgid, &handle, 1, timeout);
	if (wait != NULL)
		wait->forget = forget;
}

void wait_for_tasks(struct session *session, uint32_t msgid, struct handle *const *handles,
	size_t count, bool any, uint64_t timeout)
{
	struct wait *wait = wait_new(session, WAIT_TASKS, msgid, handles, count, timeout);

	if (wait == NULL)
		return;
	wait->any = any;
	if (timeout == 0 || wait->open == 0 || (any && wait->open < count))
		tell_ended(wait);
}

void wait_for_log(struct session *session, uint32_t msgid, struct handle *handle)
{
	wait_new(session, WAIT_LOG, msgid, &handle, 1, UINT64_MAX);
}

static void end_link(struct wait *wait, struct handle *handle, const void *body, size_t len)
{
	wait->open--;
	switch (wait->kind) {
	case WAIT_RESULT:
		reply_body(wait->session, wait->msgid, body, len);
		if (wait->forget)
			handle->keep = 0;
		wait_free(wait);
		break;
	case WAIT_LOG:
		tasklog_end(wait, handle);
		wait_free(wait);
		break;
	case WAIT_TASKS:
		if (wait->open == 0 || wait->any)
			tell_ended(wait);
		break;
	}
}

void waits_on_end(struct supervisor *sup, struct handle *handle, const void *body, size_t len)
{
	(void)sup;
	while (handle->waits != NULL) {
		struct wait_link *link = handle->waits;

		leave_handle(link);
		end_link(link->wait, handle, body, len);
	}
}

void wait_on_time(struct supervisor *sup, struct wait *wait)
{
	(void)sup;
	if (wait->kind == WAIT_TASKS) {
		tell_ended(wait);
		return;
	}
	tell_pending(wait->session, wait->msgid);
	wait_free(wait);
}

bool wait_cancel(struct session *session, uint32_t msgid)
{
	struct message_error error = error_make(
		RUCHE_CANCELLED, "does not wait any more; the task that it waited for goes on");
	struct wait *wait = session->waits;

	while (wait != NULL && wait->msgid != msgid)
		wait = wait->next;
	if (wait == NULL)
		return false;
	error.executed = RUCHE_EXECUTED_MAYBE;
	reply_error(session, msgid, &error);
	wait_free(wait);
	return true;
}

void waits_abandon_all(struct session *session)
{
	while (session->waits != NULL)
		wait_free(session->waits);
}
