/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/text.h"
#include "wire/claim.h"
#include "wire/message.h"
#include "worker/call.h"
#include "worker/children.h"
#include "worker/inbox.h"
#include "worker/memory.h"
#include "worker/settle.h"
#include "worker/stop.h"
#include "worker/task.h"

struct worker {
	const struct worker_birth *birth;
	struct claim_page *page;
	struct inbox inbox;
	struct ruche_task task;
	bool retires;
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

static int call_function(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	struct ruche_task *task = &w->task;
	const char *method = (const char *)frame + scan->method.off;

	task->function = call_find(task, method, scan->method.len);
	if (task->function == NULL ||
		task_decode(task, frame + scan->params.off, scan->params.len) < 0)
		return -1;
	return call_run(task);
}

/* A task leaves no process behind, nor half a line of output. */
static void clean_up(void)
{
	fflush(stdout);
	if (children_exist() && children_kill() < 0)
		log_warning("a process that a task has left behind cannot be killed");
}

static int run(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	int returned;

	task_begin(&w->task, scan->msgid);
	stop_begin(scan->msgid);
	returned = call_function(w, frame, scan);
	stop_end();
	clean_up();
	return task_answer(&w->task, returned);
}

/*
 * Memory that is freed is seldom given back, so a worker that has grown too large is best
 * replaced.  It is the supervisor that knows when; until then it works on.
 */
static int retire_if_large(struct worker *w)
{
	const uint64_t max = w->birth->settings->max_memory;
	uint64_t now;
	char text[128];

	if (max == 0 || w->retires || memory_peak() <= max)
		return 0;
	now = memory_resident();
	if (now <= max)
		return 0;
	w->retires = true;
	text_format(text, sizeof(text), "it uses %llu MiB, over max_memory",
		(unsigned long long)(now >> 20));
	return tell(w, WORKER_RETIRE, text);
}

/* ---- the loop */

/* What is not a call is input for a task that has ended. */
static int handle(struct worker *w, const uint8_t *frame)
{
	const struct scan scan = w->inbox.scan;
	unsigned int before = w->inbox.dropped;
	int r = 0;

	if (scan.type == SCAN_REQUEST && claim_start(w->page, scan.msgid)) {
		r = run(w, frame, &scan);
		if (r == 0)
			r = retire_if_large(w);
	}
	if (w->inbox.dropped == before) /* else a command has done so, and read on */
		inbox_drop(&w->inbox);
	return r;
}

static int work(struct worker *w)
{
	const uint8_t *frame;
	int r;

	while ((r = inbox_wait(&w->inbox, &frame)) > 0) {
		r = handle(w, frame);
		if (r < 0) {
			log_error("cannot answer the supervisor: %s", strerror(-r));
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

/* What comes before the first task.  0, or a negative errno with a message. */
static int prepare(struct worker *w, char *error)
{
	int r = call_init();

	if (r == 0)
		r = set_token(w->birth->token);
	if (r == 0)
		r = settings_limit(w->birth->settings, error);
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

int worker_main(struct worker_birth *birth)
{
	struct worker w = {.birth = birth};
	int status = EXIT_FAILURE;

	if (settle(birth, &w.page) < 0)
		return EXIT_FAILURE;
	inbox_init(&w.inbox, WORKER_TASKS_FD, birth->frame_max);
	if (task_init(&w.task, WORKER_RESULTS_FD, &w.inbox, birth->frame_max) == 0) {
		w.task.plugins = birth->plugins;
		w.task.page = w.page;
		status = start_and_work(&w);
		task_fini(&w.task);
	}
	inbox_fini(&w.inbox);
	stop_fini();
	munmap(w.page, CLAIM_SHARED_SIZE);
	return status;
}
