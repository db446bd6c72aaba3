/* SPDX-License-Identifier: MIT */
/* worker.h, the part about tasks: to the worker, and back from it. */
#include "supervisor/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/proctree.h"
#include "base/text.h"
#include "supervisor/arena.h"
#include "supervisor/nested.h"
#include "supervisor/running.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "wire/message.h"

enum { MSGID_AT = 3 }; /* behind the array's head, the type and the msgid's own head */

/*
 * A worker that may not run many more tasks is replaced in time, so that none has to wait for the
 * other one.
 */
static void look_for_wear(struct worker *worker)
{
	const struct slot *slot = worker->slot;
	uint64_t early;

	if (slot->handed_max == 0 || worker->worn_out)
		return;
	early = slot->handed_max / 2 < SLOT_AHEAD ? slot->handed_max / 2 : SLOT_AHEAD;
	if (slot->handed < slot->handed_max - early)
		return;
	worker->worn_out = true;
	staff_balance(worker->pool);
}

void worker_hand(struct worker *worker, struct task *task)
{
	struct supervisor *sup = worker->sup;

	running_begin(sup, task);
	worker->seq = claim_next_seq(worker->seq);
	message_write_id(task->frame + MSGID_AT, worker->seq);
	claim_set_arena(worker->kit.claims, worker->seq,
		sup->arena_bytes > 0 ? arena_offer(worker, task) : 0);
	claim_offer(worker->kit.claims, worker->seq);
	slot_push(worker->slot, worker->seq, task, sup->now);
	worker->dirty = true;
	if (worker->slot->live > 1)
		staff_look_soon(worker->pool);
	else
		timers_watch(sup, task); /* its run begins */
	if (buf_append(&worker->out, task->frame, task->len) < 0)
		worker_kill(worker, "no memory to hand it a task");
	look_for_wear(worker);
}

void worker_put_back(struct supervisor *sup, struct task *task)
{
	running_end(sup, task);
	task->state = TASK_QUEUED;
	queue_return(task);
	timers_watch(sup, task);
}

bool worker_take_back(struct supervisor *sup, struct task *task)
{
	struct worker *worker = worker_of(sup, task);
	struct slot *slot = worker->slot;

	if (!claim_take(worker->kit.claims, task->seq))
		return false;
	for (uint32_t i = 0; i < slot->count; i++) {
		struct slot_entry *entry = slot_entry_at(slot, i);

		if (!ref_is_equal(entry->task, task->ref))
			continue;
		slot_take_back(slot, entry);
		worker_put_back(sup, task);
		return true;
	}
	return true;
}

static void ask_to_stop(struct worker *worker, const struct task *task)
{
	claim_request_stop(worker->kit.claims, task->seq, task->stop_signal);
	if (worker->pid > 0)
		kill(worker->pid, SIGTERM);
	if (worker->timer_at == 0)
		worker_set_timer(worker, worker->pool->config->grace);
}

void worker_request_stop(struct worker *worker, const struct task *task)
{
	if (task->process && task->stop_signal == SIGKILL)
		worker_kill(worker, "its process is to be killed");
	else
		ask_to_stop(worker, task);
	nested_stop(worker);
}

bool worker_feed(struct worker *worker, const struct task *task, const uint8_t *value, size_t len,
	size_t max)
{
	struct supervisor *sup = worker->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (buf_len(&worker->out) + len > max)
		return false;
	if (message_pack_notification(&pk, RUCHE_INPUT) < 0 || msgpack_pack_array(&pk, 2) < 0 ||
		message_pack_id(&pk, task->seq) < 0 ||
		buf_append(&worker->out, sup->scratch.data, sup->scratch.size) < 0 ||
		buf_append(&worker->out, value, len) < 0)
		worker_kill(worker, "no memory to feed its command");
	worker->dirty = true;
	return true;
}

void worker_requeue_from(struct worker *worker, uint32_t first)
{
	struct supervisor *sup = worker->sup;
	struct slot *slot = worker->slot;

	for (uint32_t i = slot->count; i-- > first;) {
		struct slot_entry *entry = slot_entry_at(slot, i);
		struct task *task = task_get(&sup->tasks, entry->task);

		if (task != NULL)
			worker_take_back(sup, task);
	}
}

void worker_requeue_unstarted(struct worker *worker)
{
	worker_requeue_from(worker, 0);
}

static bool is_command(const struct task *task)
{
	static const char name[] = "ruche.run";

	return task->name_len == sizeof(name) - 1 &&
	       memcmp(task->frame + task->name_off, name, sizeof(name) - 1) == 0;
}

pid_t worker_task_pid(const struct worker *worker, const struct task *task)
{
	uint32_t command = claim_command(worker->kit.claims);

	if (command > 0 && command <= INT32_MAX)
		return (pid_t)command;
	return is_command(task) ? 0 : worker->pid;
}

void worker_end_process(struct worker *worker)
{
	if (worker->pid <= 0)
		return;             /* it is being born: worker_on_forked() will see to it */
	kill(worker->pid, SIGSTOP); /* so that it starts nothing more */
	proctree_kill(worker->pid);
}

/* A task that was asked to stop and did not; NULL: it is killed for another reason. */
static const struct task *find_stubborn(struct worker *worker)
{
	const struct task *task = worker_head(worker);

	return task != NULL && task->stop_signal != 0 ? task : NULL;
}

static const char *cause_of_kill(const struct worker *worker, const struct task *stubborn)
{
	static const char *const stops[] = {[TASK_STOP_CANCEL] = "cancelled",
		[TASK_STOP_TIMEOUT] = "timeout",
		[TASK_STOP_DEADLINE] = "deadline"};

	if (stubborn != NULL)
		return stops[stubborn->stop];
	if (worker->sup->state >= SUPERVISOR_STOPPING)
		return "ending";
	return worker->faulty ? "protocol" : worker->ready ? "unusable" : "not-ready";
}

static void say_killed(struct worker *worker, const char *why)
{
	const struct task *stubborn = find_stubborn(worker);
	struct notice_fields fields = {.worker = worker,
		.task = stubborn != NULL ? stubborn : worker_head(worker),
		.cause = cause_of_kill(worker, stubborn),
		.tail = &worker->tail};

	worker->is_killed = true;
	notice_send(worker->sup, stubborn != NULL ? NOTICE_TASK_KILLED : NOTICE_WORKER_KILLED,
		&fields, "worker %u (pid %d) is killed: %s", worker->slot->index, (int)worker->pid,
		why);
}

void worker_kill(struct worker *worker, const char *why)
{
	if (!slot_is_alive(worker->slot) || worker->slot->state == SLOT_STOPPING)
		return;
	say_killed(worker, why);
	text_format(worker->problem, sizeof(worker->problem), "%s", why);
	slot_change(worker->slot, SLOT_ON_STOP);
	worker_requeue_unstarted(worker);
	worker_clear_timer(worker);
	worker_end_process(worker);
}

static void flush(struct worker *worker)
{
	worker->dirty = false;
	if (worker->kit.tasks_fd < 0 || buf_len(&worker->out) == 0)
		return;
	if (buf_write(&worker->out, worker->kit.tasks_fd) < 0) {
		/* It closed its end, or is dead already and about to be reaped. */
		buf_consume(&worker->out, buf_len(&worker->out));
		return;
	}
	worker->slot->clogged = buf_len(&worker->out) > 0;
	if (worker->slot->clogged)
		event_add(&worker->on_tasks_room, NULL);
}

void workers_flush(struct supervisor *sup)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			if (sup->pools[p]->workers[i].dirty)
				flush(&sup->pools[p]->workers[i]);
}
