/* SPDX-License-Identifier: MIT */
#include "supervisor/nested.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "supervisor/call.h"
#include "supervisor/running.h"
#include "supervisor/session.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

static bool waits(const struct session *session)
{
	return session->tasks.count > 0 || session->wait_count > 0;
}

static bool any_waits(const struct worker *worker)
{
	for (const struct session *s = worker->nested; s != NULL; s = s->next_nested)
		if (waits(s))
			return true;
	return false;
}

/* What waits behind a task that waits itself might be what it waits for. */
static void lend(struct worker *worker, struct task *task)
{
	worker->slot->lending = true;
	running_suspend(worker->sup, task);
	worker_requeue_unstarted(worker);
	staff_look_soon(worker->pool);
}

static void take_back(struct worker *worker, struct task *task)
{
	worker->slot->lending = false;
	running_resume(worker->sup, task);
	staff_look_soon(worker->pool);
}

static void settle(struct worker *worker)
{
	struct task *task = worker_head(worker);
	bool wanted = task != NULL && any_waits(worker);

	if (task == NULL || wanted == worker->slot->lending)
		return;
	(wanted ? lend : take_back)(worker, task);
}

void nested_note(struct session *session)
{
	if (session->parent != NULL)
		settle(session->parent);
}

static void join(struct session *session, struct worker *worker)
{
	if (session->parent != NULL)
		return;
	session->parent = worker;
	session->next_nested = worker->nested;
	worker->nested = session;
	settle(worker);
}

void nested_join(struct session *session, const char *token, size_t len)
{
	struct supervisor *sup = session->sup;

	if (len != WORKER_TOKEN_SIZE - 1)
		return;
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++) {
			struct worker *worker = &sup->pools[p]->workers[i];

			if (worker->pid > 0 && memcmp(worker->token, token, len) == 0) {
				join(session, worker);
				return;
			}
		}
}

void nested_join_by_pid(struct session *session)
{
	struct worker *worker = session->pid > 0 ? worker_find(session->sup, session->pid) : NULL;

	if (worker != NULL)
		join(session, worker);
}

/* What was handed in by ruche.submit with `detach` is in no session's list. */
static void stop_calls(struct session *session)
{
	struct supervisor *sup = session->sup;
	struct task *task = session->tasks.first;

	while (task != NULL) {
		struct task *next = task->next[TASK_LIST_SESSION];

		if (task->stop == TASK_STOP_NOT && (task->answered_to || task->handle != NULL))
			call_stop(sup, task, TASK_STOP_CANCEL, SIGTERM);
		task = next;
	}
}

void nested_stop(struct worker *worker)
{
	for (struct session *s = worker->nested; s != NULL; s = s->next_nested)
		stop_calls(s);
}

void nested_leave(struct session *session)
{
	struct worker *worker = session->parent;
	struct session **at;

	if (worker == NULL)
		return;
	at = &worker->nested;
	while (*at != session)
		at = &(*at)->next_nested;
	*at = session->next_nested;
	session->parent = NULL;
	settle(worker);
}

void nested_let_go(struct worker *worker)
{
	while (worker->nested != NULL) {
		struct session *session = worker->nested;

		worker->nested = session->next_nested;
		session->parent = NULL;
	}
}
