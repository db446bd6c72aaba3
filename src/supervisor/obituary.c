/* SPDX-License-Identifier: MIT */
/* worker.h, the end: what the death of a worker means for its tasks and its slot. */
#include "supervisor/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/arena.h"
#include "supervisor/call.h"
#include "supervisor/config_values.h"
#include "supervisor/nested.h"
#include "supervisor/reaper.h"
#include "supervisor/results.h"
#include "supervisor/standby.h"
#include "supervisor/supervisor.h"

#define USEFUL_AGE CLOCK_S /* a worker that lived this long was no failure */

/* How a process ended. */
struct death {
	int signal;      /* 0: none */
	int exit_status; /* -1: none */
	uint64_t peak_memory;
	const char *cause; /* NULL: nothing is known beyond that */
	char text[192];    /* "was killed by signal 9 (SIGKILL)" */
};

static struct death reap(pid_t pid)
{
	struct death death = {.exit_status = -1};
	struct rusage usage = {0};
	int status = 0;

	if (wait4(pid, &status, 0, &usage) != pid) {
		text_format(death.text, sizeof(death.text), "ended in an unknown way");
		return death;
	}
	death.peak_memory = (uint64_t)usage.ru_maxrss * 1024;
	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));

		death.signal = WTERMSIG(status);
		text_format(death.text, sizeof(death.text), "was killed by signal %d (SIG%s)",
			death.signal, name != NULL ? name : "?");
	} else {
		death.exit_status = WEXITSTATUS(status);
		text_format(
			death.text, sizeof(death.text), "exited with status %d", death.exit_status);
	}
	return death;
}

/* The kernel kills for want of memory by a signal that says nothing; the group knows. */
static void judge_group(const struct worker *worker, struct death *death)
{
	char limit[VALUE_TEXT_MAX];
	struct cgroup_verdict verdict;

	if (worker->group == NULL)
		return;
	verdict = cgroup_judge(worker->group);
	if (verdict.peak > 0)
		death->peak_memory = verdict.peak;
	if (death->signal != SIGKILL || !verdict.out_of_memory || worker->problem[0] != '\0')
		return;
	death->cause = MESSAGE_OUT_OF_MEMORY;
	value_size_text(worker->memory_max, limit);
	text_format(death->text, sizeof(death->text),
		"ran out of memory and was killed by signal 9 (SIGKILL): its memory_max is %s, its "
		"peak was %.1f MiB",
		limit, (double)death->peak_memory / (1 << 20));
}

/* How many values follow each other without a fault. */
static uint32_t count_values(const uint8_t *data, size_t *len)
{
	uint32_t count = 0;
	size_t at = 0, one;

	for (; at < *len && scan_value(data + at, *len - at, &one) == 0; at += one)
		count++;
	*len = at;
	return count;
}

/*
 * What a chunk had done, for its error.  A copy, to be freed by the caller: somebody may still write to
 * the page.
 */
static void *copy_partial(
	struct worker *worker, const struct task *task, struct message_error *error)
{
	const uint8_t *there;
	void *copy = NULL;
	size_t len;

	there = claim_partial(worker->kit.claims, task->seq, &len);
	if (there != NULL)
		copy = malloc(len > 0 ? len : 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, there, len);
	error->partial_count = count_values(copy, &len);
	error->partial = copy;
	error->partial_len = len;
	return copy;
}

/* The answer for the task that the worker was running when it died. */
static void fail_started(struct worker *worker, struct task *task, const struct death *death)
{
	struct supervisor *sup = worker->sup;
	struct message_error error = {.executed = RUCHE_EXECUTED_MAYBE,
		.signal = death->signal,
		.exit_status = death->exit_status,
		.peak_memory = death->peak_memory,
		.cause = death->cause};
	char message[1024];
	void *partial;

	if (task->stop != TASK_STOP_NOT) {
		error.code = RUCHE_CANCELLED;
		text_format(message, sizeof(message),
			task->process && task->stop_signal == SIGKILL
				? "killed, as was asked for"
				: "cancelled; it did not stop by itself and its worker was killed");
	} else if (sup->state != SUPERVISOR_RUNNING) {
		error.code = RUCHE_SHUTTING_DOWN;
		text_format(message, sizeof(message), "the daemon ended before the task did");
	} else {
		error.code = RUCHE_CRASHED;
		text_format(message, sizeof(message), "worker %u (pid %d) %s while it ran %.*s%s%s",
			worker->slot->index, (int)worker->pid, death->text, task->name_len,
			(const char *)task->frame + task->name_off,
			worker->problem[0] != '\0' ? ": " : "", worker->problem);
		worker->slot->crashed++;
	}
	error.message = message;
	error.message_len = strlen(message);
	error.output = tail_lines(&worker->tail, &error.output_len);
	partial = copy_partial(worker, task, &error);
	call_fail(sup, task, &error, true);
	free(partial);
}

/*
 * Started: its one answer.  Not started: back to the front of the queue, in order.  Walks
 * from the last to the first for that.
 */
static bool settle_tasks(struct worker *worker, const struct death *death)
{
	struct supervisor *sup = worker->sup;
	struct slot *slot = worker->slot;
	bool any_started = false;

	for (uint32_t i = slot->count; i-- > 0;) {
		struct slot_entry *entry = slot_entry_at(slot, i);
		struct task *task = task_get(&sup->tasks, entry->task);

		if (task == NULL)
			continue;
		if (claim_is_started(worker->kit.claims, entry->seq)) {
			any_started = true;
			arena_reclaim_of(worker, task);
			fail_started(worker, task, death);
		} else {
			worker_put_back(sup, task);
		}
	}
	return any_started;
}

static enum restart_life judge(const struct worker *worker)
{
	if (!worker->ready)
		return RESTART_NEVER_READY;
	if (worker->useful || clock_now() - worker->forked_at > USEFUL_AGE)
		return RESTART_USEFUL;
	return RESTART_USELESS;
}

/* What it was running; NULL: nothing. */
static const struct task *find_started(const struct worker *worker)
{
	struct slot *slot = worker->slot;

	for (uint32_t i = 0; i < slot->count; i++) {
		const struct slot_entry *entry = slot_entry_at(slot, i);
		const struct task *task = task_get(&worker->sup->tasks, entry->task);

		if (task != NULL && claim_is_started(worker->kit.claims, entry->seq))
			return task;
	}
	return NULL;
}

static const char *cause_of(const struct death *death)
{
	if (death->cause != NULL)
		return death->cause;
	return death->signal != 0 ? "signal" : death->exit_status >= 0 ? "exit" : "unknown";
}

/* One that we have killed was told of then, and one that leaves ends in silence unless it takes a task with it. */
static void say(const struct worker *worker, const struct death *death)
{
	const struct task *task = find_started(worker);
	struct notice_fields fields = {.worker = worker,
		.task = task,
		.cause = cause_of(death),
		.signal = death->signal,
		.exited = death->exit_status >= 0,
		.exit_status = death->exit_status,
		.peak_memory = death->peak_memory,
		.tail = &worker->tail};

	if (worker->sup->state != SUPERVISOR_RUNNING || worker->is_killed ||
		(worker->slot->leaving && task == NULL))
		return;
	notice_send(worker->sup,
		task != NULL    ? NOTICE_WORKER_CRASHED
		: worker->ready ? NOTICE_WORKER_DIED
				: NOTICE_WORKER_NOT_READY,
		&fields, "worker %u (pid %d) %s%s%.*s", worker->slot->index, (int)worker->pid,
		death->text,
		task != NULL    ? " while it ran "
		: worker->ready ? ""
				: " before it was ready",
		task != NULL ? task->name_len : 0,
		task != NULL ? (const char *)task->frame + task->name_off : "");
}

/* With its last words if it never was ready: they tell why an init failed. */
static void set_last_death(struct worker *worker, const struct death *death)
{
	size_t len = 0;
	const char *words;

	if (worker->slot->leaving)
		return;
	words = worker->ready ? "" : tail_last_line(&worker->tail, &len);

	text_format(worker->last_death, sizeof(worker->last_death), "%s%s%s%s%s%.*s", death->text,
		worker->ready ? "" : " before it was ready", worker->problem[0] != '\0' ? ": " : "",
		worker->problem, len > 0 ? "; it last wrote: " : "", (int)len, words);
}

/* What comes after it can begin, if there is no doubt that it will be wanted. */
static void order_next(struct worker *worker)
{
	const struct slot *slot = worker->slot;

	if (worker->ready && (find_started(worker) != NULL || judge(worker) == RESTART_USEFUL) &&
		!slot->leaving && !slot->reserve && !slot->process &&
		worker->sup->state == SUPERVISOR_RUNNING)
		standby_order(worker);
}

void worker_on_exit(struct worker *worker)
{
	struct death death;
	enum restart_life life;

	order_next(worker);
	results_drain(worker);
	supervisor_look_at_clock(worker->sup);
	death = reap(worker->pid);
	judge_group(worker, &death);
	nested_stop(worker);
	say(worker, &death);
	set_last_death(worker, &death);
	worker->useful |= settle_tasks(worker, &death);
	life = judge(worker);
	slot_change(worker->slot, SLOT_ON_DEATH);
	worker->problem[0] = '\0';
	worker_bury(worker, life);
	standby_check(worker);
	reaper_sweep_soon(worker->sup);
}
