/* SPDX-License-Identifier: MIT */
/* report.h, tasks that have an id. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/plan.h"
#include "supervisor/report.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "supervisor/writer.h"
#include "wire/message.h"

enum { TASKS_MAX = 1000 };

/* Its worker has begun with it, and not only got it. */
static bool runs(struct supervisor *sup, const struct task *task)
{
	struct worker *worker = task->state == TASK_HANDED ? worker_of(sup, task) : NULL;

	return worker != NULL && worker_head(worker) == task &&
	       claim_is_started(worker->kit.claims, task->seq);
}

static const char *state_of(struct supervisor *sup, const struct task *task)
{
	switch (task->state) {
	case TASK_DELAYED:
		return "delayed";
	case TASK_HANDED:
		if (!runs(sup, task))
			return "queued"; /* behind another, or on its way */
		return task->stop != TASK_STOP_NOT ? "stopping" : "running";
	case TASK_ENDED:
		return "finished";
	default:
		return "queued";
	}
}

/* ---- how it ended ------------------------------------------------------------------------ */

/* msgpack-c takes many times the size. */
enum { ERROR_MAX = 65536 };

static void put_number(
	struct writer *w, const char *name, const msgpack_object *error, const char *key)
{
	const msgpack_object *value = message_map_get(error, key);

	put_key(w, name);
	w->bad |= value != NULL ? msgpack_pack_object(w->pk, *value) : msgpack_pack_nil(w->pk);
}

static void put_failure(struct writer *w, const msgpack_object *object)
{
	struct message_error error;

	message_get_error(object, &error);
	put_str(w, "code", message_code_name(error.code));
	put_str(w, "executed", message_executed_name(error.executed));
	put_text(w, "message", error.message != NULL ? error.message : "", error.message_len);
	put_uint(w, "attempts", error.attempts);
	put_number(w, "signal", object, "signal");
	put_number(w, "exit_status", object, "exit_status");
	put_number(w, "peak_memory", object, "peak_memory");
}

static void put_no_failure(
	struct writer *w, const char *code, const char *executed, unsigned int attempts)
{
	put_str(w, "code", code);
	put_str(w, "executed", executed);
	put_nil(w, "message");
	put_uint(w, "attempts", attempts);
	put_nil(w, "signal");
	put_nil(w, "exit_status");
	put_nil(w, "peak_memory");
}

static void put_open(struct writer *w, struct supervisor *sup, const struct task *task)
{
	unsigned int attempts = task->attempts + runs(sup, task);

	put_no_failure(w, NULL, attempts > 0 ? "maybe" : "no", attempts);
}

static void put_outcome(struct writer *w, struct supervisor *sup, const struct handle *handle)
{
	msgpack_unpacked unpacked;
	size_t off = 0;

	if (handle->task->state != TASK_ENDED) {
		put_open(w, sup, handle->task);
		return;
	}
	if (handle->answer[0] == 0xc0) {
		put_no_failure(w, "ok", "yes", handle->task->attempts);
		return;
	}
	msgpack_unpacked_init(&unpacked);
	if (handle->answer_len <= ERROR_MAX &&
		msgpack_unpack_next(&unpacked, (const char *)handle->answer, handle->answer_len,
			&off) == MSGPACK_UNPACK_SUCCESS)
		put_failure(w, &unpacked.data);
	else
		put_no_failure(w, "failed", "maybe", handle->task->attempts);
	msgpack_unpacked_destroy(&unpacked);
}

/* ---- all of it --------------------------------------------------------------------------- */

static void put_times(struct writer *w, struct supervisor *sup, const struct handle *handle)
{
	const struct task *task = handle->task;
	uint64_t now = clock_now(), ran = task->ran, open = now - task->opened_at;

	if (task->state == TASK_ENDED) {
		put_seconds(w, "queued", handle->queued);
		put_seconds(w, "ran", handle->ran);
		return;
	}
	if (runs(sup, task))
		ran += now - task->started_at;
	put_seconds(w, "queued", open > ran ? open - ran : 0);
	put_seconds(w, "ran", ran);
}

static void put_place(struct writer *w, struct supervisor *sup, const struct handle *handle)
{
	const struct task *task = handle->task;
	int64_t pid = runs(sup, task) ? worker_task_pid(worker_of(sup, task), task) : handle->pid;

	put_bool(w, "process", task->process);
	put_int_or_nil(w, "pid", pid > 0 ? pid : -1);
	put_str(w, "pool", sup->pools[task->pool]->config->name);
	put_int_or_nil(w, "worker", runs(sup, task) ? (int64_t)task->slot : -1);
	put_int(w, "priority", task->priority);
}

static void put_asked(struct writer *w, const struct handle *handle)
{
	if (handle->has_progress)
		put_double(w, "progress", handle->progress);
	else
		put_nil(w, "progress");
	put_str(w, "tag", handle->tag);
	put_str(w, "key", handle->key);
	put_bool(w, "detached", handle->detached);
	put_seconds(w, "submitted", handle->submitted_at);
	if (handle->ended_at != 0)
		put_seconds(w, "ended", handle->ended_at);
	else
		put_nil(w, "ended");
	put_int_or_nil(
		w, "result_bytes", handle->answer != NULL ? (int64_t)handle->answer_len : -1);
}

int report_task(struct supervisor *sup, const struct handle *handle, msgpack_packer *pk)
{
	const struct task *task = handle->task;
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_map(pk, 25);
	put_uint(&w, "id", handle->id);
	put_text(&w, "function", task->frame + task->name_off, task->name_len);
	put_uint(&w, "user", handle->user->uid);
	put_str(&w, "state", state_of(sup, task));
	put_outcome(&w, sup, handle);
	put_times(&w, sup, handle);
	put_place(&w, sup, handle);
	put_asked(&w, handle);
	return w.bad;
}

/* ---- many ---------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
	const struct handle *const *one = a, *const *other = b;

	return (*one)->id < (*other)->id ? 1 : -1;
}

static const struct handle **list(const struct session *session, size_t *ret)
{
	struct supervisor *sup = session->sup;
	bool all_users = rights_sees_all(session);
	const struct handle **all = calloc(sup->handles.count + 1, sizeof(struct handle *));
	const struct handle *handle = NULL;
	size_t at = 0, count = 0;

	while (all != NULL && (handle = handles_next(&sup->handles, &at, handle)) != NULL)
		if (handle->submitted && (all_users || rights_may_see(session, handle->user)))
			all[count++] = handle;
	if (all != NULL)
		qsort(all, count, sizeof(struct handle *), newest_first);
	*ret = count;
	return all;
}

int report_tasks(const struct session *session, msgpack_packer *pk)
{
	size_t count;
	const struct handle **all = list(session, &count);
	int r = all == NULL ? -1 : 0;

	if (count > TASKS_MAX)
		count = TASKS_MAX;
	if (r == 0)
		r = msgpack_pack_array(pk, count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = report_task(session->sup, all[i], pk);
	free(all);
	return r;
}
