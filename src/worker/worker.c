/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/claim.h"
#include "wire/message.h"
#include "worker/children.h"
#include "worker/inbox.h"
#include "worker/settle.h"
#include "worker/stop.h"
#include "worker/task.h"

struct worker {
	const struct plugins *plugins;
	struct claim_page *page;
	struct inbox inbox;
	struct ruche_task task;
};

/* ---- one call */

static const char *words(unsigned int count)
{
	return count == 1 ? "argument" : "arguments";
}

static int refuse_count(struct ruche_task *task)
{
	const struct function *f = task->function;
	size_t count = task->arg_count;
	bool named = f->params != NULL && f->params[0] != '\0';
	const char *before = named ? " (" : "", *after = named ? ")" : "";
	const char *names = named ? f->params : "";

	if (f->max == PLUGIN_ARGS_ANY)
		return ruche_refuse(task, "%s takes at least %u %s%s%s%s, not %zu", f->name, f->min,
			words(f->min), before, names, after, count);
	if (f->min == f->max)
		return ruche_refuse(task, "%s takes %u %s%s%s%s, not %zu", f->name, f->min,
			words(f->min), before, names, after, count);
	return ruche_refuse(task, "%s takes %u to %u arguments%s%s%s, not %zu", f->name, f->min,
		f->max, before, names, after, count);
}

/* A call may name the pool as well, which is ours or it would not be here. */
static const struct function *find_function(
	const struct plugins *plugins, const char *method, size_t len)
{
	const char *slash = memrchr(method, '/', len);

	if (slash == NULL)
		return plugins_find(plugins, method, len);
	return plugins_find(plugins, slash + 1, len - (size_t)(slash + 1 - method));
}

static int call_function(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	struct ruche_task *task = &w->task;
	const char *method = (const char *)frame + scan->method.off;

	task->function = find_function(w->plugins, method, scan->method.len);
	if (task->function == NULL)
		return task_fail(task, RUCHE_UNKNOWN_FUNCTION, RUCHE_EXECUTED_NO,
			"no plugin has a function %.*s", (int)scan->method.len, method);
	if (task_decode(task, frame + scan->params.off, scan->params.len) < 0)
		return -1;
	if (task->arg_count < task->function->min || task->arg_count > task->function->max)
		return refuse_count(task);
	return task->function->run(task);
}

/* A task leaves no process behind, nor half a line of output. */
static void clean_up(void)
{
	fflush(stdout);
	if (children_exist() && children_kill() < 0)
		log_warning("a process that a task has left behind cannot be killed");
}

/* Set in whatever a task forks: it is no worker. */
static bool is_copy;

static void on_fork(void)
{
	is_copy = true;
}

static int run(struct worker *w, const uint8_t *frame, const struct scan *scan)
{
	int returned;

	task_begin(&w->task, scan->msgid);
	stop_begin(scan->msgid);
	returned = call_function(w, frame, scan);
	if (is_copy)
		_exit(EXIT_SUCCESS); /* a child of the function came back from it, as its parent will */
	stop_end();
	clean_up();
	return task_answer(&w->task, returned);
}

/* ---- the loop */

/* What is not a call is input for a task that has ended. */
static int handle(struct worker *w, const uint8_t *frame)
{
	const struct scan scan = w->inbox.scan;
	unsigned int before = w->inbox.dropped;
	int r = 0;

	if (scan.type == SCAN_REQUEST && claim_start(w->page, scan.msgid))
		r = run(w, frame, &scan);
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

/* `message` NULL: ready. */
static int announce(struct worker *w, const char *message)
{
	msgpack_packer packer;
	msgpack_packer *pk =
		task_note(&w->task, &packer, message == NULL ? WORKER_READY : WORKER_FAILED);

	if (pk == NULL || msgpack_pack_array(pk, message == NULL ? 0 : 1) < 0 ||
		(message != NULL && message_pack_str(pk, message) < 0))
		return -ENOMEM;
	return task_send_note(&w->task);
}

static int start_and_work(struct worker *w)
{
	char error[PLUGIN_ERROR_MAX] = "no memory";
	bool ready =
		plugins_init(w->plugins, error) == 0 && pthread_atfork(NULL, NULL, on_fork) == 0;

	fflush(stdout);
	if (announce(w, ready ? NULL : error) < 0 || !ready)
		return EXIT_FAILURE;
	return work(w);
}

int worker_main(struct worker_birth *birth)
{
	struct worker w = {.plugins = birth->plugins};
	int status = EXIT_FAILURE;

	if (settle(birth, &w.page) < 0)
		return EXIT_FAILURE;
	inbox_init(&w.inbox, WORKER_TASKS_FD, birth->frame_max);
	if (task_init(&w.task, WORKER_RESULTS_FD, &w.inbox, birth->frame_max) == 0)
		status = start_and_work(&w);
	task_fini(&w.task);
	inbox_fini(&w.inbox);
	stop_fini();
	munmap(w.page, CLAIM_PAGE_SIZE);
	return status;
}
