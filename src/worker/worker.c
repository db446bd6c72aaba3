/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/claim.h"
#include "wire/message.h"
#include "worker/call.h"
#include "worker/children.h"
#include "worker/inbox.h"
#include "worker/memory.h"
#include "worker/order.h"
#include "worker/outbox.h"
#include "worker/settle.h"
#include "worker/stop.h"
#include "worker/task.h"

#define HOLD_TIME (50 * CLOCK_US) /* for which the answers to tiny tasks are held back */
#define FORK_TIME (3 * CLOCK_US)  /* in less, by glances at the clock, nobody can have forked */
#define MEASURE_TIME CLOCK_MS     /* of work between two looks at a worker's memory: some 10 MB */

enum { HOLD_MAX = 1024 }; /* bytes of an answer; more cost more to copy than to write */

struct worker {
	const struct worker_birth *birth;
	struct claim_page *page;
	struct inbox inbox;
	struct outbox outbox;
	struct arenas arenas;
	struct ruche_task task;
	struct clock_glance clock;
	bool retires;
	uint64_t worked;             /* ns, since its memory was last looked at */
	uint64_t at;                 /* when the present task could begin */
	uint64_t clean_at;           /* when nothing was held, and nothing left behind */
	const struct function *slow; /* took longer than HOLD_TIME when it last ran */
};

/* A notification to the supervisor, with a message unless that is NULL. */
static int tell(struct worker *w, const char *method, const char *message)
{
	msgpack_packer packer, *pk = task_note(&w->task, &packer, method);

	if (pk == NULL || msgpack_pack_array(pk, message == NULL ? 0 : 1) < 0 ||
		(message != NULL && message_pack_str(pk, message) < 0))
		return -ENOMEM;
	return task_send_note(&w->task);
}

/* ---- one call */

/* Tasks leave no process behind; and then their answers may go. */
static int clean_up(struct worker *w)
{
	if (w->at - w->clean_at > FORK_TIME && children_exist() && children_kill() < 0)
		log_warning("a process that a task has left behind cannot be killed");
	return outbox_flush(&w->outbox);
}

static int call_function(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	struct ruche_task *task = &w->task;
	const char *method = (const char *)frame + scan->method.off;

	task->function = call_find(task, method, scan->method.len);
	if (task->function == NULL ||
		task_decode(task, frame + scan->params.off, scan->params.len) < 0)
		return -1;
	if (task->function == w->slow && w->outbox.held > 0)
		(void)clean_up(w); /* a fault shows again at the next answer */
	return call_run(task);
}

/* Held back, or at once with all that was. */
static int send_answer(struct worker *w)
{
	uint64_t now = clock_glance(&w->clock), took = now - w->at;
	const uint8_t *answer;
	size_t len;
	int r;

	claim_account(w->page, took);
	w->worked += took;
	if (took > HOLD_TIME)
		w->slow = w->task.function;
	else if (w->slow == w->task.function)
		w->slow = NULL;
	w->at = now;
	answer = task_response(&w->task, &len);
	if (len <= HOLD_MAX && now - w->clean_at < HOLD_TIME &&
		(took <= FORK_TIME || !children_exist()) && outbox_hold(&w->outbox, answer, len))
		return 0;
	r = clean_up(w);
	if (r == 0)
		r = outbox_write(&w->outbox, answer, len);
	if (r < 0)
		outbox_hold(&w->outbox, answer, len); /* a task has closed the pipe: found there */
	w->at = w->clean_at = clock_look(&w->clock);
	return r;
}

static int run(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	int r;

	task_begin(&w->task, scan->msgid);
	stop_begin(scan->msgid);
	r = call_function(w, frame, scan);
	stop_end();
	if (__fpending(stdout) > 0)
		fflush(stdout); /* nor half a line of output */
	r = task_complete(&w->task, r);
	if (r == 0) {
		r = send_answer(w);
		/* Also if not: the supervisor gives back what a lost answer refers to. */
		task_sent(&w->task);
	}
	task_end(&w->task);
	return r;
}

/*
 * Memory that is freed is seldom given back, so a worker that has grown too large is best
 * replaced.  It is the supervisor that knows when; until then it works on.
 */
static int measure(struct worker *w)
{
	const uint64_t max = w->birth->settings->max_memory;
	uint64_t now;
	char text[128];

	now = memory_resident();
	if (now > max) {
		heap_trim(); /* what is only kept does not count */
		now = memory_resident();
	}
	if (now <= max)
		return 0;
	w->retires = true;
	text_format(text, sizeof(text), "it uses %llu MiB, over max_memory",
		(unsigned long long)(now >> 20));
	return tell(w, WORKER_RETIRE, text);
}

/*
 * The peak never falls again, so one large task would have each later one measured, which costs more than a tiny one.  But
 * nobody fills much memory in MEASURE_TIME.
 */
static int retire_if_large(struct worker *w)
{
	const uint64_t max = w->birth->settings->max_memory;

	if (max == 0 || w->retires || w->worked < MEASURE_TIME)
		return 0;
	w->worked = 0;
	return memory_peak() > max ? measure(w) : 0;
}

/* ---- the loop */

static int start(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	int r;

	if (!claim_start(w->page, scan->msgid))
		return claim_was_taken(w->page, scan->msgid) ? 0 : -EIO;
	r = run(w, frame, scan);
	return r == 0 ? retire_if_large(w) : r;
}

/* What is neither a call nor about an arena is input for a task that has ended. */
static int handle(struct worker *w, const uint8_t *frame)
{
	const struct scan *scan = &w->inbox.scan; /* of another frame once a command has read on */
	unsigned int before = w->inbox.dropped;
	int r = 0;

	if (scan->type == SCAN_NOTIFICATION)
		arenas_notice(&w->arenas, frame, scan);
	else if (scan->type == SCAN_REQUEST)
		r = start(w, frame, scan);
	if (w->inbox.dropped == before) /* else a command has done so, and read on */
		inbox_drop(&w->inbox);
	return r;
}

/* As inbox_wait(), which may take long: nothing is held back meanwhile. */
static int next_frame(struct worker *w, const uint8_t **ret)
{
	int r = inbox_frame(&w->inbox, ret);

	if (r != 0)
		return r;
	if (w->outbox.held > 0)
		r = clean_up(w);
	if (r == 0)
		r = inbox_wait(&w->inbox, ret);
	w->at = w->clean_at = clock_look(&w->clock);
	return r;
}

static int work(struct worker *w)
{
	const uint8_t *frame;
	int r;

	while ((r = next_frame(w, &frame)) > 0) {
		r = handle(w, frame);
		if (r < 0) {
			log_error("cannot answer the supervisor: %s",
				r == -EIO ? "a task has written to its memory" : strerror(-r));
			return EXIT_FAILURE;
		}
	}
	if (r == 0)
		return EXIT_SUCCESS;
	log_error("cannot understand the supervisor: %s",
		r == -EPROTO || r == -EMSGSIZE ? w->inbox.scan.why : strerror(-r));
	return EXIT_FAILURE;
}

/* ---- its beginning */

static int set_token(const char *token)
{
	int r = token[0] != '\0' ? setenv(WORKER_TOKEN_ENV, token, 1) : unsetenv(WORKER_TOKEN_ENV);

	return r < 0 ? -errno : 0;
}

/* The pool's own, after those of the plugins.  The fork server has seen that it is there. */
static int run_init_function(struct worker *w, char *error)
{
	const char *name = w->birth->settings->init;
	struct ruche_task *task = &w->task;
	int r = 0;

	task_begin(task, 0);
	task->function = plugins_find(w->birth->plugins, name, strlen(name));
	if (call_run(task) != 0) {
		text_format(error, PLUGIN_ERROR_MAX, "the init function %s failed: %s", name,
			task_why(task));
		r = -ECANCELED;
	}
	task_end(task);
	return r;
}

/* Else each worker would be replaced after its first task, for ever. */
static int check_size(const struct worker *w, char *error)
{
	const uint64_t max = w->birth->settings->max_memory, now = max > 0 ? memory_resident() : 0;

	if (now <= max)
		return 0;
	text_format(error, PLUGIN_ERROR_MAX,
		"it uses %llu MiB before its first task, over max_memory; raise that",
		(unsigned long long)(now >> 20));
	return -ENOMEM;
}

static int check_groups(const struct worker *w, char *error)
{
	const int r = w->birth->group_error;

	if (r < 0)
		text_format(error, PLUGIN_ERROR_MAX, "it cannot enter its control group: %s",
			strerror(-r));
	return r;
}

/* What comes before the first task.  0, or a negative errno with a message. */
static int prepare(struct worker *w, char *error)
{
	int r = check_groups(w, error);

	if (r == 0)
		r = call_init();
	if (r == 0)
		r = set_token(w->birth->token);
	if (r == 0)
		r = settings_limit(w->birth->settings, error);
	if (r == 0)
		r = confine_enter(&w->birth->settings->confine, error);
	if (r == 0)
		r = plugins_init(w->birth->plugins, error);
	call_end_copy();
	if (r == 0 && w->birth->settings->init != NULL)
		r = run_init_function(w, error);
	return r == 0 ? check_size(w, error) : r;
}

static int start_and_work(struct worker *w)
{
	char error[PLUGIN_ERROR_MAX] = "no memory";
	bool ready = prepare(w, error) == 0;

	fflush(stdout);
	if (tell(w, ready ? WORKER_READY : WORKER_FAILED, ready ? NULL : error) < 0 || !ready)
		return EXIT_FAILURE;
	return work(w);
}

static int begin(struct worker *w, struct worker_birth *birth)
{
	int status = EXIT_FAILURE;

	if (settle(birth) < 0)
		return EXIT_FAILURE;
	inbox_init(&w->inbox, WORKER_TASKS_FD, birth->frame_max);
	w->arenas = (struct arenas){.fd = WORKER_ARENAS_FD};
	w->outbox = (struct outbox){.fd = WORKER_RESULTS_FD, .page = w->page};
	if (task_init(&w->task, &w->outbox, &w->inbox, birth->frame_max) == 0) {
		w->task.plugins = birth->plugins;
		w->task.page = w->page;
		w->task.arenas = &w->arenas;
		status = start_and_work(w);
		task_fini(&w->task);
	}
	arenas_fini(&w->arenas);
	inbox_fini(&w->inbox);
	return status;
}

int worker_main(struct worker_birth *birth)
{
	struct worker w = {.birth = birth};
	int status;

	heap_keep();
	if (settle_ahead(birth, &w.page) < 0)
		return EXIT_FAILURE;
	if (order_await(birth) < 0)
		_exit(EXIT_SUCCESS); /* there will be none */
	status = begin(&w, birth);
	stop_fini();
	munmap(w.page, CLAIM_SHARED_SIZE);
	return status;
}
