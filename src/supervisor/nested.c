/* SPDX-License-Identifier: MIT */
#include "supervisor/nested.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/proctree.h"
#include "supervisor/call.h"
#include "supervisor/objects.h"
#include "supervisor/results.h"
#include "supervisor/rights.h"
#include "supervisor/running.h"
#include "supervisor/session.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

enum { ANCESTORS_MAX = 256, LOOKS_MAX = 8 };

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

bool nested_is_too_deep(const struct session *session)
{
	const struct worker *parent = session->parent;
	uint32_t others;

	if (parent == NULL || parent->slot->process)
		return false;
	others = scheduler_lending(&parent->pool->scheduler) - scheduler_lends(parent->slot);
	return others >= session->sup->config.limits.nested;
}

static void join(struct session *session, struct worker *worker)
{
	if (session->parent != NULL)
		return;
	results_catch_up(worker); /* the calls are those of the task that it is at */
	session->parent = worker;
	session->next_nested = worker->nested;
	worker->nested = session;
	rights_follow(session);
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

			if (worker->pid > 0 && memcmp(worker->kit.token, token, len) == 0) {
				if (rights_allow_join(session, worker))
					join(session, worker);
				return;
			}
		}
}

/*
 * It lives, is another user's, and /proc does not show it to us.  Whatever workers start is ours, if nothing can become another
 * user below us: then this is none of it.
 */
static bool is_elsewhere(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == EPERM && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

enum ancestry { ANCESTRY_NONE, ANCESTRY_WORKER, ANCESTRY_LOST, ANCESTRY_MOVED };

/* Which of these a process has; moved: one has ended while this looked, its children have another parent. */
static enum ancestry look_up(struct supervisor *sup, pid_t peer, struct worker **ret)
{
	const pid_t self = getpid();
	pid_t pid = peer;

	for (int i = 0; i < ANCESTORS_MAX && pid > 1 && pid != self; i++) {
		pid_t parent;

		*ret = worker_find(sup, pid);
		if (*ret != NULL)
			return ANCESTRY_WORKER;
		parent = proctree_parent(pid);
		if (parent < 0 && is_elsewhere(pid))
			return ANCESTRY_NONE;
		if (parent < 0)
			return pid == peer ? ANCESTRY_LOST : ANCESTRY_MOVED;
		pid = parent;
	}
	return pid > 1 ? ANCESTRY_LOST : ANCESTRY_NONE;
}

/*
 * The worker that a process descends from; NULL: it descends from none, or *ret_lost: from one that has gone, or
 * nobody can tell any more, as it has ended itself.
 */
static struct worker *find_ancestor(struct supervisor *sup, pid_t pid, bool *ret_lost)
{
	enum ancestry ancestry = ANCESTRY_MOVED;
	struct worker *worker = NULL;

	for (int i = 0; i < LOOKS_MAX && ancestry == ANCESTRY_MOVED; i++)
		ancestry = look_up(sup, pid, &worker);
	*ret_lost = ancestry == ANCESTRY_LOST || ancestry == ANCESTRY_MOVED;
	return worker;
}

/*
 * Where some may not do everything, a task's process is not to pass for the daemon's user, as whom it may run, by
 * not naming its token.  Elsewhere that is not worth reading /proc for each connection.
 */
static bool passes_for_master(const struct session *session)
{
	return session->sup->config.policy.count > 0 && session->self->uid == getuid() &&
	       session->pid > 0;
}

void nested_join_by_pid(struct session *session)
{
	struct worker *worker = session->pid > 0 ? worker_find(session->sup, session->pid) : NULL;
	bool lost = false;

	if (worker == NULL && passes_for_master(session))
		worker = find_ancestor(session->sup, session->pid, &lost);
	if (worker != NULL)
		join(session, worker);
	else if (lost)
		rights_drop(session);
}

/* What was handed in by ruche.submit with `detach` is in no session's list. */
static void stop_calls(struct session *session)
{
	struct supervisor *sup = session->sup;
	struct task *task = session->tasks.first;

	while (task != NULL) {
		struct task *next = task->next[TASK_LIST_SESSION];
		struct ref ref = next != NULL ? next->ref : REF_NONE;

		if (task->stop == TASK_STOP_NOT && (task->answered_to || task->handle != NULL))
			call_stop(sup, task, TASK_STOP_CANCEL, SIGTERM);
		/* It may have ended as well: then once more, past those that are to stop. */
		task = task_get(&sup->tasks, ref);
		if (next != NULL && (task == NULL || task->state == TASK_ENDED))
			task = session->tasks.first;
	}
}

void nested_stop(struct worker *worker)
{
	for (struct session *s = worker->nested; s != NULL; s = s->next_nested) {
		stop_calls(s);
		objects_stop(s);
	}
}

void nested_release(struct worker *worker)
{
	for (struct session *s = worker->nested; s != NULL; s = s->next_nested)
		objects_release(s);
}

void nested_catch_up(struct session *session)
{
	if (session->parent == NULL)
		return;
	results_catch_up(session->parent);
	rights_follow(session);
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
		rights_drop(session); /* the task has ended that it spoke for */
	}
}
