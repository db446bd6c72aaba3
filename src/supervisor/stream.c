/* SPDX-License-Identifier: MIT */
#include "supervisor/stream.h"

#include <errno.h>
#include <string.h>

#include "supervisor/pieces.h"
#include "supervisor/results.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/worker.h"
#include "wire/message.h"

/*
 * The client does not read, so its worker is not read from: that shall cost nobody else.  What waits
 * behind the task goes elsewhere; if the worker has started that already, the stream has ended.
 */
static void block(struct worker *worker, const struct session *session)
{
	worker_requeue_unstarted(worker);
	if (worker->slot->live != 1)
		return;
	worker->slot->exclusive = true; /* until it is idle */
	worker->blocked_on = session->ref;
	event_del(&worker->on_results);
}

/* For whoever asks for it by its id. */
static void note_stream(struct supervisor *sup, struct handle *handle, const uint8_t *frame,
	const struct scan *scan, size_t array_head)
{
	const uint8_t *first = frame + scan->params.off + array_head;
	const uint8_t *end = frame + scan->params.off + scan->params.len;
	struct piece value = piece_at(first, end, 1), bytes = piece_at(first, end, 2);
	uint64_t stream;
	size_t head;
	uint32_t len;

	if (scan->method.len == strlen(RUCHE_PROGRESS) && value.len > 0 &&
		scan_number(value.data, value.len, &handle->progress) == 0)
		handle->has_progress = true;
	if (handle->log != NULL && bytes.len > 0 &&
		scan_uint(value.data, value.len, &stream, &head) == 0 &&
		scan_bin(bytes.data, bytes.len, &len, &head) == 0 && len <= bytes.len - head)
		tasklog_add(sup, handle, stream == 2 ? 2 : 1, bytes.data + head, len);
}

int stream_pass(struct worker *worker, const uint8_t *frame)
{
	const struct scan *scan = &worker->scan;
	struct supervisor *sup = worker->sup;
	const struct slot_entry *head = slot_head(worker->slot);
	const uint8_t *params = frame + scan->params.off;
	struct session *session;
	struct task *task;
	uint8_t msgid[4];
	uint32_t count;
	size_t array_head;

	scan_array(params, scan->params.len, &count, &array_head);
	if (count == 0 || params[array_head] != 0xce)
		return -EPROTO;
	if (head != NULL && message_read_id(params + array_head + 1) != head->seq) {
		/* A process that the task has forked may write, but not flush. */
		results_take_held(worker);
		head = slot_head(worker->slot);
	}
	if (head == NULL || message_read_id(params + array_head + 1) != head->seq)
		return 0; /* of a task that has been answered */
	task = task_get(&sup->tasks, head->task);
	if (task != NULL && task->handle != NULL)
		note_stream(sup, task->handle, frame, scan, array_head);
	session = task != NULL && task->answered_to ? session_get(sup, task->session) : NULL;
	if (session == NULL)
		return 0;
	session_send(session, frame, scan->params.off + array_head + 1);
	message_write_id(msgid, task->msgid);
	session_send(session, msgid, sizeof(msgid));
	session_send(session, params + array_head + 5, scan->params.len - array_head - 5);
	if (session_is_full(session))
		block(worker, session);
	return 0;
}

static void unblock(struct worker *worker, struct ref session)
{
	if (!ref_is_equal(worker->blocked_on, session))
		return;
	worker->blocked_on = REF_NONE;
	if (worker->kit.results_fd >= 0)
		event_add(&worker->on_results, NULL);
}

void workers_unblock(struct supervisor *sup, struct ref session)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			unblock(&sup->pools[p]->workers[i], session);
}
