/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "supervisor/report.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/message.h"

/*
 * msgpack-c fails only when a buffer cannot grow, and then leaves a shorter value: each
 * helper adds its outcome to `bad`, which is looked at once.
 */
struct writer {
	msgpack_packer *pk;
	int bad;
};

static void key(struct writer *w, const char *name)
{
	w->bad |= message_pack_str(w->pk, name);
}

static void put_str(struct writer *w, const char *name, const char *value)
{
	key(w, name);
	w->bad |= message_pack_str(w->pk, value);
}

static void put_uint(struct writer *w, const char *name, uint64_t value)
{
	key(w, name);
	w->bad |= msgpack_pack_uint64(w->pk, value);
}

/* Negative values stand for nil. */
static void put_int_or_nil(struct writer *w, const char *name, int64_t value)
{
	key(w, name);
	w->bad |= value < 0 ? msgpack_pack_nil(w->pk) : msgpack_pack_int64(w->pk, value);
}

static void put_seconds(struct writer *w, const char *name, uint64_t ns)
{
	key(w, name);
	w->bad |= msgpack_pack_double(w->pk, (double)ns / (double)CLOCK_S);
}

static void put_map(struct writer *w, const char *name, size_t pairs)
{
	key(w, name);
	w->bad |= msgpack_pack_map(w->pk, pairs);
}

int report_ping(struct supervisor *sup, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	(void)sup;
	w.bad |= msgpack_pack_map(pk, 4);
	put_str(&w, "version", PACKAGE_VERSION);
	put_uint(&w, "protocol", 1);
	put_uint(&w, "pid", (uint64_t)getpid());
	put_uint(&w, "frame_max", MESSAGE_FRAME_MAX);
	return w.bad;
}

static const char *const state_names[] = {
	[SUPERVISOR_STARTING] = "starting",
	[SUPERVISOR_RUNNING] = "running",
	[SUPERVISOR_STOPPING] = "stopping",
	[SUPERVISOR_ENDING] = "stopping",
};

const char *report_problem(const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->pool.slot_count; i++)
		if (sup->pool.slots[i].state == SLOT_FAILED)
			return sup->workers[i].problem;
	return sup->forkserver.problem;
}

static uint32_t count_running(const struct pool *pool)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < pool->slot_count; i++)
		running += pool->slots[i].live > 0;
	return running;
}

static void put_workers(struct writer *w, const struct supervisor *sup)
{
	const struct pool *pool = &sup->pool;

	put_map(w, "workers", 5);
	put_uint(w, "total", pool->slot_count);
	put_uint(w, "idle", pool_count(pool, SLOT_IDLE));
	put_uint(w, "busy", pool_count(pool, SLOT_BUSY) + pool_count(pool, SLOT_STOPPING));
	put_uint(w, "starting",
		pool_count(pool, SLOT_STARTING) + pool_count(pool, SLOT_EMPTY) +
			pool_count(pool, SLOT_WAITING));
	put_uint(w, "failed", pool_count(pool, SLOT_FAILED));
}

int report_status(struct supervisor *sup, msgpack_packer *pk)
{
	const char *problem = report_problem(sup);
	uint32_t running = count_running(&sup->pool);
	struct writer w = {.pk = pk};
	uint64_t restarts = 0;

	for (uint32_t i = 0; i < sup->pool.slot_count; i++)
		restarts += sup->pool.slots[i].restarts;
	w.bad |= msgpack_pack_map(pk, 16);
	put_str(&w, "version", PACKAGE_VERSION);
	put_uint(&w, "pid", (uint64_t)getpid());
	put_seconds(&w, "uptime", clock_now() - sup->started_at);
	put_str(&w, "state", state_names[sup->state]);
	put_workers(&w, sup);
	/* What was handed ahead to a busy worker still waits. */
	put_uint(&w, "queued", sup->pool.queue.count + pool_in_flight(&sup->pool) - running);
	put_uint(&w, "running", running);
	put_uint(&w, "clients", sup->sessions.count);
	put_uint(&w, "accepted", sup->counters.accepted);
	put_uint(&w, "done", sup->counters.done);
	put_uint(&w, "failed", sup->counters.failed);
	put_uint(&w, "crashed", sup->counters.crashed);
	put_uint(&w, "cancelled", sup->counters.cancelled);
	put_uint(&w, "restarts", restarts);
	put_map(&w, "forkserver", 2);
	put_int_or_nil(&w, "pid", sup->forkserver.pid > 0 ? sup->forkserver.pid : -1);
	put_uint(&w, "restarts", sup->forkserver.restarts);
	put_str(&w, "problem", *problem != '\0' ? problem : NULL);
	return w.bad;
}

/* The function that runs, and for how long; nil while there is none. */
static void put_running(struct writer *w, const struct supervisor *sup, struct slot *slot)
{
	const struct slot_entry *head = slot_head(slot);
	const struct task *task = head != NULL ? task_get(&sup->pool.tasks, head->task) : NULL;

	key(w, "function");
	if (task == NULL)
		w->bad |= msgpack_pack_nil(w->pk);
	else
		w->bad |= msgpack_pack_str_with_body(
			w->pk, task->frame + task->name_off, task->name_len);
	if (task == NULL)
		put_str(w, "running_for", NULL);
	else
		put_seconds(w, "running_for", clock_now() - task->started_at);
}

int report_workers(struct supervisor *sup, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_array(pk, sup->pool.slot_count);
	for (uint32_t i = 0; i < sup->pool.slot_count; i++) {
		struct slot *slot = &sup->pool.slots[i];
		const struct worker *worker = &sup->workers[i];

		w.bad |= msgpack_pack_map(pk, 11);
		put_uint(&w, "worker", i);
		put_int_or_nil(&w, "pid", worker->pid > 0 ? worker->pid : -1);
		put_str(&w, "state", slot_state_name(slot->state));
		put_int_or_nil(&w, "core", slot->core);
		put_running(&w, sup, slot);
		put_uint(&w, "in_flight", slot->live);
		put_uint(&w, "done", slot->done);
		put_uint(&w, "crashed", slot->crashed);
		put_uint(&w, "restarts", slot->restarts);
		put_str(&w, "last_death",
			worker->last_death[0] != '\0' ? worker->last_death : NULL);
	}
	return w.bad;
}

int report_functions(struct supervisor *sup, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_array(pk, sup->functions.count);
	for (size_t i = 0; i < sup->functions.count; i++) {
		const struct function *function = &sup->functions.all[i];

		w.bad |= msgpack_pack_map(pk, 4);
		put_str(&w, "name", function->name);
		put_str(&w, "params", function->params);
		put_str(&w, "summary", function->summary);
		put_str(&w, "plugin", function->plugin);
	}
	return w.bad;
}
