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
#include "supervisor/reaper.h"
#include "supervisor/reload.h"
#include "supervisor/staff.h"
#include "supervisor/stream.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "supervisor/worker.h"

enum {
	READ_SIZE = 64 * 1024,
	NOT_LATER =
		2 *
		CLAIM_RING, /* between two numbers in flight; twice, as they leap where they wrap */
	SALVAGE_MAX = 1024 * 1024,
	CATCH_UP_READS = 4, /* more than a pipe holds: it does not write faster than we read */
};

/* A worker that has closed its pipe, ns: it may have an answer still to give, however short the grace period is. */
#define EOF_PATIENCE CLOCK_S

/* After the first fault nothing is read until it has died: see salvage(). */
static void fault(struct worker *worker, const char *why)
{
	worker->faulty = true;
	event_del(&worker->on_results);
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
	worker_clear_timer(worker); /* it did stop in time */
	if (task != NULL && task->stop_signal != 0)
		worker_request_stop(worker, task); /* the next has started too, and is to stop */
	if (task == NULL && (worker->slot->leaving || worker->slot->process))
		worker_leave(worker);
}

/*
 * A function has written an answer by itself.  What the worker says of its tasks is still true, so it
 * costs none of them; but the worker gets no more.
 */
static void replace_forger(struct worker *worker)
{
	if (worker->slot->leaving || worker->slot->state == SLOT_STOPPING)
		return;
	notice_send(worker->sup, NOTICE_WORKER_ANSWERED_TWICE,
		&(struct notice_fields){.worker = worker},
		"worker %u (pid %d) answered twice and is replaced", worker->slot->index,
		(int)worker->pid);
	worker_leave(worker);
	worker_release(
		worker); /* it ends with what it has begun, though it may have lost an answer */
	staff_balance(worker->pool);
}

/* A second answer to a task of late, or the first of two to one that the worker is at. */
static bool is_forged(struct worker *worker, uint32_t seq)
{
	struct slot *slot = worker->slot;

	if (worker->last_answered != 0 &&
		((worker->last_answered - seq) & CLAIM_SEQ_MASK) < NOT_LATER)
		return true;
	for (uint32_t i = 1; i < slot->count; i++)
		if (slot_entry_at(slot, i)->seq == seq)
			return claim_is_started(worker->kit.claims, seq);
	return false;
}

/* Its answer was held back, and taken from there. */
static bool is_taken(const struct worker *worker, uint32_t seq)
{
	return worker->last_taken != 0 && ((worker->last_taken - seq) & CLAIM_SEQ_MASK) < NOT_LATER;
}

/* The head's answer; the scan tells its parts. */
static void take_answer(struct worker *worker, const struct scan *scan, const uint8_t *frame)
{
	struct supervisor *sup = worker->sup;
	struct slot *slot = worker->slot;
	const struct slot_entry *head = slot_head(slot);
	struct task *task = task_get(&sup->tasks, head->task);
	uint64_t now = sup->now;

	worker->last_answered = head->seq;
	slot_pop(slot, now);
	slot->done++;
	worker->answered++;
	worker->useful = true;
	if (task != NULL && task->stop_signal != 0)
		claim_clear_stop(worker->kit.claims);
	if (worker->nested != NULL) {
		nested_stop(worker);
		nested_release(worker);
	}
	if (task != NULL)
		call_answer(sup, task, frame + scan->error.off, scan->len - scan->error.off);
	begin_next(worker, now);
}

static bool is_of_head(struct worker *worker, const struct scan *scan)
{
	const struct slot_entry *head = slot_head(worker->slot);

	return head != NULL && head->seq == scan->msgid &&
	       claim_is_started(worker->kit.claims, head->seq);
}

/* After each batch of answers. */
static void measure(struct worker *worker)
{
	uint64_t done, busy;

	if (worker->answered == 0)
		return;
	claim_read_account(worker->kit.claims, &done, &busy);
	slot_measure(worker->slot, worker->answered, done, busy, worker->sup->now);
}

/* Those that it has held back.  What is no answer to the head is none that we wait for: it has come already. */
static void take_held(struct worker *worker, const uint8_t *held, size_t len)
{
	bool before = worker->in_hand;
	struct scan scan;

	worker->in_hand = true;
	for (size_t at = 0; at < len; at += scan.len) {
		scan_init(&scan, worker->sup->config.limits.frame);
		if (scan_feed(&scan, held + at, len - at) != SCAN_DONE)
			break;
		if (scan.type != SCAN_RESPONSE || !is_of_head(worker, &scan))
			continue;
		worker->last_taken = scan.msgid;
		take_answer(worker, &scan, held + at);
	}
	worker->in_hand = before;
}

void results_take_held(struct worker *worker)
{
	uint8_t held[CLAIM_HELD_MAX];

	take_held(worker, held, claim_copy_held(worker->kit.claims, held));
}

static void on_response(struct worker *worker, const uint8_t *frame)
{
	const struct scan *scan = &worker->scan;

	if (is_taken(worker, scan->msgid))
		return;
	if (is_of_head(worker, scan)) {
		if (((scan->msgid - worker->last_taken) & CLAIM_SEQ_MASK) > NOT_LATER)
			worker->last_taken = 0; /* what was taken has come by now */
		take_answer(worker, scan, frame);
	} else if (is_forged(worker, scan->msgid)) {
		replace_forger(worker);
	} else {
		fault(worker, "it answered what it was not asked");
	}
}

static void on_stream(struct worker *worker, const uint8_t *frame)
{
	if (stream_pass(worker, frame) < 0)
		fault(worker, "it sent a stream without a msgid");
}

/* ---- readiness ------------------------------------------------------------------------ */

void results_check_ready(struct worker *worker)
{
	if (!worker->ready || worker->pid <= 0 || worker->slot->state != SLOT_STARTING)
		return;
	worker_clear_timer(worker);
	worker->slot->idle_since = worker->sup->now;
	slot_change(worker->slot, SLOT_ON_READY);
	log_debug("worker %u (pid %d) is ready", worker->slot->index, (int)worker->pid);
	if (worker->slot->leaving)
		worker_leave(worker);
	else if (worker->slot->reserve)
		reload_on_ready(worker);
	else
		staff_on_ready(worker);
}

/* A runtime that knows nothing of groups would let its workers run outside of theirs. */
static void on_ready(struct worker *worker, const uint8_t *frame)
{
	(void)frame;
	if (worker->group != NULL && !cgroup_is_entered(worker->group)) {
		worker_kill(worker, "it is not in its control group: its runtime cannot do that");
		return;
	}
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
	if (worker->slot->process)
		return; /* it leaves anyway */
	if (!worker->worn_out)
		notice_send(worker->sup, NOTICE_WORKER_GREW,
			&(struct notice_fields){.worker = worker},
			"worker %u (pid %d) has grown beyond max_memory and is replaced",
			worker->slot->index, (int)worker->pid);
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

/* Handles each whole frame up to a fault. */
static void handle_frames(struct worker *worker)
{
	while (!worker->faulty && buf_len(&worker->in) > 0) {
		const uint8_t *frame = buf_data(&worker->in);
		int r = scan_feed(&worker->scan, frame, buf_len(&worker->in));

		if (r == SCAN_MORE)
			return;
		if (r < 0) {
			fault(worker, worker->scan.why);
			return;
		}
		handle_frame(worker, frame);
		supervisor_note_size(worker->sup, worker->scan.len);
		buf_consume(&worker->in, worker->scan.len);
		scan_init(&worker->scan, worker->sup->config.limits.frame);
	}
}

static ssize_t read_some(struct worker *worker)
{
	ssize_t n;

	buf_expect(&worker->in, scan_missing(&worker->scan, buf_len(&worker->in)), READ_SIZE);
	n = buf_read(&worker->in, worker->kit.results_fd, READ_SIZE);
	worker->answered = 0;
	supervisor_look_at_clock(worker->sup);
	worker->in_hand = true;
	if (n > 0)
		handle_frames(worker);
	worker->in_hand = false;
	measure(worker);
	return n;
}

void results_catch_up(struct worker *worker)
{
	uint8_t held[CLAIM_HELD_MAX];
	size_t len;

	if (worker->in_hand || worker->kit.results_fd < 0 || worker->faulty ||
		worker->slot->live == 0 || worker->blocked_on.generation != 0)
		return;
	len = claim_copy_held(
		worker->kit.claims, held); /* before: what is written meanwhile is read */
	for (int i = 0; i < CATCH_UP_READS && read_some(worker) > 0; i++)
		;
	worker->answered = 0;
	if (!worker->faulty)
		take_held(worker, held, len);
	measure(worker);
}

void results_read(struct worker *worker)
{
	ssize_t n;

	if (worker->faulty)
		return;
	n = read_some(worker);

	/* The end of the pipe often comes with its death: then nothing is gained by waiting for the signal. */
	if (n == 0 && reaper_has_ended(worker->pid)) {
		worker_on_exit(worker);
	} else if (n == 0 || (n < 0 && n != -EAGAIN)) {
		uint64_t grace = worker->pool->config->grace;

		event_del(&worker->on_results); /* its exit will tell what happened, */
		if (worker->timer_at == 0)      /* if it does end */
			worker_set_timer(worker, grace > EOF_PATIENCE ? grace : EOF_PATIENCE);
	}
}

void results_read_output(struct worker *worker)
{
	char text[4096];
	ssize_t n = read(worker->kit.output_fd, text, sizeof(text));

	if (n > 0)
		tail_add(&worker->tail, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		event_del(&worker->on_output);
}

/*
 * A function has written rubbish into the pipe.  The answers behind that are found by how they begin: a
 * response to the task whose turn it is.
 */
static void salvage(struct worker *worker)
{
	const uint8_t *at = buf_data(&worker->in), *end = at + buf_len(&worker->in);
	const struct slot_entry *first;
	uint8_t head[MESSAGE_HEAD_MAX];
	struct scan scan;

	worker->in_hand = true;
	while ((first = slot_head(worker->slot)) != NULL) {
		message_write_head(head, SCAN_RESPONSE, first->seq);
		at = memmem(at, (size_t)(end - at), head, sizeof(head));
		scan_init(&scan, worker->sup->config.limits.frame);
		if (at == NULL || scan_feed(&scan, at, (size_t)(end - at)) != SCAN_DONE ||
			!is_of_head(worker, &scan))
			break;
		take_answer(worker, &scan, at);
		at += scan.len;
	}
	worker->in_hand = false;
	buf_consume(&worker->in, buf_len(&worker->in));
}

void results_drain(struct worker *worker)
{
	uint8_t held[CLAIM_HELD_MAX];
	char text[4096];
	ssize_t n;

	while (read_some(worker) > 0 && (!worker->faulty || buf_len(&worker->in) < SALVAGE_MAX))
		;
	if (worker->faulty)
		salvage(worker);
	take_held(worker, held, claim_copy_held(worker->kit.claims, held));
	while ((n = read(worker->kit.output_fd, text, sizeof(text))) > 0)
		tail_add(&worker->tail, text, (size_t)n);
}
