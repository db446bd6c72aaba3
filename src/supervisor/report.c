/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "supervisor/report.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/forkserver.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "supervisor/writer.h"
#include "wire/message.h"

int report_ping(struct supervisor *sup, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_map(pk, 4);
	put_str(&w, "version", PACKAGE_VERSION);
	put_uint(&w, "protocol", 1);
	put_uint(&w, "pid", (uint64_t)getpid());
	put_uint(&w, "frame_max", sup->config.limits.frame);
	return w.bad;
}

static const char *const state_names[] = {
	[SUPERVISOR_STARTING] = "starting",
	[SUPERVISOR_RUNNING] = "running",
	[SUPERVISOR_STOPPING] = "stopping",
	[SUPERVISOR_ENDING] = "stopping",
};

/* Of all pools together. */
struct sums {
	uint32_t total, idle, busy, starting, failed, running, in_flight;
	uint64_t queued, restarts, forkserver_restarts;
};

static void add_pool(struct sums *sums, const struct pool *pool)
{
	const struct scheduler *scheduler = &pool->scheduler;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		sums->running += scheduler->slots[i].live > 0;
		sums->restarts += scheduler->slots[i].restarts;
	}
	sums->total += scheduler->slot_count - scheduler_count(scheduler, SLOT_ABSENT);
	sums->idle += scheduler_count(scheduler, SLOT_IDLE);
	sums->busy +=
		scheduler_count(scheduler, SLOT_BUSY) + scheduler_count(scheduler, SLOT_STOPPING);
	sums->starting += scheduler_count(scheduler, SLOT_STARTING) +
			  scheduler_count(scheduler, SLOT_EMPTY) +
			  scheduler_count(scheduler, SLOT_WAITING);
	sums->failed += scheduler_count(scheduler, SLOT_FAILED);
	sums->in_flight += scheduler_in_flight(scheduler);
	sums->queued += scheduler->queue.count;
	sums->forkserver_restarts += pool->forkserver->restarts;
}

static struct sums add_pools(const struct supervisor *sup)
{
	struct sums sums = {0};

	for (size_t i = 0; i < sup->pool_count; i++)
		add_pool(&sums, sup->pools[i]);
	return sums;
}

static void put_workers(struct writer *w, const struct sums *sums)
{
	put_map(w, "workers", 5);
	put_uint(w, "total", sums->total);
	put_uint(w, "idle", sums->idle);
	put_uint(w, "busy", sums->busy);
	put_uint(w, "starting", sums->starting);
	put_uint(w, "failed", sums->failed);
}

static void put_counters(struct writer *w, const struct counters *counters)
{
	put_uint(w, "accepted", counters->accepted);
	put_uint(w, "done", counters->done);
	put_uint(w, "failed", counters->failed);
	put_uint(w, "crashed", counters->crashed);
	put_uint(w, "cancelled", counters->cancelled);
	put_uint(w, "timed_out", counters->timed_out);
}

static size_t count_quarantined(const struct supervisor *sup)
{
	const struct record *record = NULL;
	size_t count = 0;

	while ((record = records_next(&sup->records, record)) != NULL)
		count += record->quarantined;
	return count;
}

int report_status(struct supervisor *sup, msgpack_packer *pk)
{
	const struct forkserver *fs = sup->pools[0]->forkserver;
	const char *problem = pools_problem(sup);
	struct sums sums = add_pools(sup);
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_map(pk, 22);
	put_str(&w, "version", PACKAGE_VERSION);
	put_uint(&w, "pid", (uint64_t)getpid());
	put_seconds(&w, "uptime", clock_now() - sup->started_at);
	put_str(&w, "state", state_names[sup->state]);
	put_workers(&w, &sums);
	/* What was handed ahead to a busy worker still waits. */
	put_uint(&w, "queued", sums.queued + sums.in_flight - sums.running);
	put_uint(&w, "running", sums.running);
	put_uint(&w, "open", sup->open_tasks);
	put_uint(&w, "clients", sup->sessions.count);
	put_counters(&w, &sup->counters);
	put_uint(&w, "kept", sup->kept.count);
	put_uint(&w, "kept_bytes", sup->kept_bytes);
	put_uint(&w, "unread_bytes", sup->sessions.unread);
	put_uint(&w, "quarantined", count_quarantined(sup));
	put_uint(&w, "restarts", sums.restarts);
	put_map(&w, "forkserver", 2);
	put_int_or_nil(&w, "pid", fs->pid > 0 ? fs->pid : -1);
	put_uint(&w, "restarts", sums.forkserver_restarts);
	put_str(&w, "problem", *problem != '\0' ? problem : NULL);
	return w.bad;
}

/* The function that runs, and for how long; nil while there is none. */
static void put_running(struct writer *w, struct worker *worker)
{
	const struct task *task = worker_head(worker);

	if (task == NULL) {
		put_nil(w, "function");
		put_nil(w, "running_for");
		return;
	}
	put_text(w, "function", task->frame + task->name_off, task->name_len);
	put_seconds(w, "running_for", clock_now() - task->started_at);
}

static void put_worker(struct writer *w, struct worker *worker)
{
	const struct slot *slot = worker->slot;

	w->bad |= msgpack_pack_map(w->pk, 13);
	put_str(w, "pool", worker->pool->config->name);
	put_uint(w, "worker", slot->index);
	put_int_or_nil(w, "pid", worker->pid > 0 ? worker->pid : -1);
	put_str(w, "state", slot->lending ? "lending" : slot_state_name(slot->state));
	put_int_or_nil(w, "core", slot->core);
	put_running(w, worker);
	put_uint(w, "in_flight", slot->live);
	put_uint(w, "done", slot->done);
	put_uint(w, "crashed", slot->crashed);
	put_uint(w, "restarts", slot->restarts);
	put_bool(w, "leaving", slot->leaving);
	put_str(w, "last_death", worker->last_death[0] != '\0' ? worker->last_death : NULL);
}

static bool is_there(const struct slot *slot)
{
	return slot->state != SLOT_ABSENT;
}

int report_workers(struct supervisor *sup, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_array(pk, add_pools(sup).total);
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			if (is_there(&sup->pools[p]->scheduler.slots[i]))
				put_worker(&w, &sup->pools[p]->workers[i]);
	return w.bad;
}

/* ---- functions -------------------------------------------------------------------------- */

static void put_function(struct writer *w, const struct pool *pool, const struct function *function)
{
	w->bad |= msgpack_pack_map(w->pk, 7);
	put_str(w, "name", function->name);
	put_str(w, "params", function->params);
	put_str(w, "summary", function->summary);
	put_str(w, "plugin", function->plugin);
	put_str(w, "pool", pool->config->name);
	put_uint(w, "running", function->record->running);
	put_bool(w, "quarantined", function->record->quarantined);
}

int report_functions(struct supervisor *sup, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};
	size_t count = 0;

	for (size_t p = 0; p < sup->pool_count; p++)
		count += sup->pools[p]->functions.count;
	w.bad |= msgpack_pack_array(pk, count);
	for (size_t p = 0; p < sup->pool_count; p++)
		for (size_t i = 0; i < sup->pools[p]->functions.count; i++)
			put_function(&w, sup->pools[p], &sup->pools[p]->functions.all[i]);
	return w.bad;
}

static void put_quarantined(struct writer *w, const struct record *record)
{
	size_t reasons = 0;

	while (reasons < RECORD_REASONS && record->reasons[reasons][0] != '\0')
		reasons++;
	w->bad |= msgpack_pack_map(w->pk, 4);
	put_str(w, "function", record->name);
	put_uint(w, "crashes", record->crashes);
	put_seconds(w, "since", record->since);
	put_key(w, "reasons");
	w->bad |= msgpack_pack_array(w->pk, reasons);
	for (size_t i = 0; i < reasons; i++)
		w->bad |= message_pack_str(w->pk, record->reasons[i]);
}

int report_quarantine(struct supervisor *sup, msgpack_packer *pk)
{
	const struct record *record = NULL;
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_array(pk, count_quarantined(sup));
	while ((record = records_next(&sup->records, record)) != NULL)
		if (record->quarantined)
			put_quarantined(&w, record);
	return w.bad;
}
