/* SPDX-License-Identifier: MIT */
#include "supervisor/results.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/nested.h"
#include "supervisor/pieces.h"
#include "supervisor/reload.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/timers.h"
#include "supervisor/worker.h"

enum { READ_SIZE = 64 * 1024 };

/* After the first fault nothing it says counts any more. */
static void fault(struct worker *worker, const char *why)
{
	worker->faulty = true;
	worker_kill(worker, why);
}

/* ---- answers -------------------------------------------------------------------------- */

/* What was handed ahead has become what it runs, or it has nothing to do. */
static void begin_next(struct worker *worker, uint64_t now)
{
	struct task *task = worker_head(worker);

	if (task != NULL) {
		task->started_at = now;
		timers_watch(worker->sup, task);
	}
	if (worker->slot->state == SLOT_STOPPING)
		return;
	evtimer_del(&worker->timer); /* it did stop in time */
	if (task != NULL && task->stop_signal != 0)
		worker_request_stop(worker, task); /* the next has started too, and is to stop */
	if (task == NULL && worker->slot->leaving)
		worker_leave(worker);
}

/*
 * A second answer to the task before: a function wrote it, and what the worker itself says of the
 * tasks behind is still true.  So it costs none of them, but the worker gets no more.
 */
static bool is_repeated(struct worker *worker, uint32_t seq)
{
	if (seq != worker->last_answered || seq == 0)
		return false;
	if (!worker->slot->leaving && worker->slot->state != SLOT_STOPPING) {
		log_warning("worker %u (pid %d) answered twice and is replaced",
			worker->slot->index, (int)worker->pid);
		worker_leave(worker);
		staff_balance(worker->pool);
	}
	return true;
}

static void on_response(struct worker *worker, const uint8_t *frame)
{
	const struct scan *scan = &worker->scan;
	struct supervisor *sup = worker->sup;
	struct slot *slot = worker->slot;
	const struct slot_entry *head = slot_head(slot);
	struct task *task;
	uint64_t now;

	if (is_repeated(worker, scan->msgid))
		return;
	if (head == NULL || head->seq != scan->msgid ||
		!claim_is_started(worker->claims, head->seq)) {
		fault(worker, "it answered what it was not asked");
		return;
	}
	task = task_get(&sup->tasks, head->task);
	now = clock_now();
	worker->last_answered = head->seq;
	slot_pop(slot, now);
	slot->done++;
	worker->answered++;
	worker->useful = true;
	if (task != NULL && task->stop_signal != 0)
		claim_clear_stop(worker->claims);
	if (worker->nested != NULL)
		nested_stop(worker);
	if (task != NULL)
		call_answer(sup, task, frame + scan->error.off, scan->len - scan->error.off);
	begin_next(worker, now);
}

/* ---- streams -------------------------------------------------------------------------- */

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

/* Sends a notification on to whom the running task is for; its msgid is the first parameter. */
static void on_stream(struct worker *worker, const uint8_t *frame)
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
	if (count == 0 || params[array_head] != 0xce) {
		fault(worker, "it sent a stream without a msgid");
		return;
	}
	if (head == NULL || message_read_id(params + array_head + 1) != head->seq)
		return; /* of a task that has been answered */
	task = task_get(&sup->tasks, head->task);
	if (task != NULL && task->handle != NULL)
		note_stream(sup, task->handle, frame, scan, array_head);
	session = task != NULL && task->answered_to ? session_get(sup, task->session) : NULL;
	if (session == NULL)
		return;
	session_send(session, frame, scan->params.off + array_head + 1);
	message_write_id(msgid, task->msgid);
	session_send(session, msgid, sizeof(msgid));
	session_send(session, params + array_head + 5, scan->params.len - array_head - 5);
	if (session_is_full(session))
		block(worker, session);
}

static void unblock(struct worker *worker, struct ref session)
{
	if (!ref_is_equal(worker->blocked_on, session))
		return;
	worker->blocked_on = REF_NONE;
	if (worker->results_fd >= 0)
		event_add(&worker->on_results, NULL);
}

void workers_unblock(struct supervisor *sup, struct ref session)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			unblock(&sup->pools[p]->workers[i], session);
}

/* ---- readiness ------------------------------------------------------------------------ */

void results_check_ready(struct worker *worker)
{
	if (!worker->ready || worker->pid <= 0 || worker->slot->state != SLOT_STARTING)
		return;
	evtimer_del(&worker->timer);
	worker->slot->idle_since = clock_now();
	slot_change(worker->slot, SLOT_ON_READY);
	log_debug("worker %u (pid %d) is ready", worker->slot->index, (int)worker->pid);
	if (worker->slot->leaving)
		worker_leave(worker);
	else if (worker->slot->reserve)
		reload_on_ready(worker);
	else
		staff_on_ready(worker);
}

static void on_ready(struct worker *worker, const uint8_t *frame)
{
	(void)frame;
	worker->ready = true;
	results_check_ready(worker);
}

/* [message]: it will exit by itself */
static void on_failed(struct worker *worker, const uint8_t *frame)
{
	const uint8_t *params = frame + worker->scan.params.off;
	uint32_t count = 0, len = 0;
	size_t head = 0, text = 0;

	scan_array(params, worker->scan.params.len, &count, &head);
	if (count == 1 && scan_str(params + head, worker->scan.params.len - head, &len, &text) == 0)
		text_format(worker->problem, sizeof(worker->problem), "%.*s", (int)len,
			(const char *)params + head + text);
}

/* [message]: it has grown too large */
static void on_retire(struct worker *worker, const uint8_t *frame)
{
	(void)frame;
	worker->worn_out = true;
	staff_balance(worker->pool);
}

static const struct notice {
	const char *name;
	void (*handle)(struct worker *worker, const uint8_t *frame);
} notices[] = {
	{RUCHE_OUTPUT, on_stream},
	{RUCHE_INPUT, on_stream},
	{RUCHE_PROGRESS, on_stream},
	{WORKER_READY, on_ready},
	{WORKER_FAILED, on_failed},
	{WORKER_RETIRE, on_retire},
};

static void on_notification(struct worker *worker, const uint8_t *frame)
{
	const struct span *name = &worker->scan.method;

	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
		if (strlen(notices[i].name) == name->len &&
			memcmp(notices[i].name, frame + name->off, name->len) == 0) {
			notices[i].handle(worker, frame);
			return;
		}
	}
	fault(worker, "it sent a message that means nothing");
}

/* ---- reading -------------------------------------------------------------------------- */

static void handle_frame(struct worker *worker, const uint8_t *frame)
{
	switch (worker->scan.type) {
	case SCAN_RESPONSE:
		on_response(worker, frame);
		break;
	case SCAN_NOTIFICATION:
		on_notification(worker, frame);
		break;
	case SCAN_REQUEST:
		fault(worker, "it sent a request");
		break;
	}
}

/* Handles each whole frame, and drops what follows a fault. */
static void handle_frames(struct worker *worker)
{
	while (!worker->faulty && buf_len(&worker->in) > 0) {
		const uint8_t *frame = buf_data(&worker->in);
		int r = scan_feed(&worker->scan, frame, buf_len(&worker->in));

		if (r == SCAN_MORE)
			return;
		if (r < 0) {
			fault(worker, worker->scan.why);
			break;
		}
		handle_frame(worker, frame);
		buf_consume(&worker->in, worker->scan.len);
		scan_init(&worker->scan, worker->sup->config.limits.frame);
	}
	buf_consume(&worker->in, buf_len(&worker->in));
}

static ssize_t read_some(struct worker *worker)
{
	ssize_t n = buf_read(&worker->in, worker->results_fd, READ_SIZE);

	worker->answered = 0;
	if (n > 0)
		handle_frames(worker);
	if (worker->answered > 0)
		slot_measure(worker->slot, worker->answered, clock_now());
	return n;
}

void results_read(struct worker *worker)
{
	ssize_t n = read_some(worker);

	if (n == 0 || (n < 0 && n != -EAGAIN))
		event_del(&worker->on_results); /* its exit will tell what happened */
}

void results_read_output(struct worker *worker)
{
	char text[4096];
	ssize_t n = read(worker->output_fd, text, sizeof(text));

	if (n > 0)
		tail_add(&worker->tail, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		event_del(&worker->on_output);
}

void results_drain(struct worker *worker)
{
	char text[4096];
	ssize_t n;

	while (read_some(worker) > 0)
		;
	while ((n = read(worker->output_fd, text, sizeof(text))) > 0)
		tail_add(&worker->tail, text, (size_t)n);
}
