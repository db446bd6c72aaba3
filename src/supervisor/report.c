/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "supervisor/report.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/forkserver.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "supervisor/writer.h"
#include "wire/message.h"

int report_ping(const struct session *session, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_map(pk, 4);
	put_str(&w, "version", PACKAGE_VERSION);
	put_uint(&w, "protocol", 1);
	put_uint(&w, "pid", (uint64_t)getpid());
	put_uint(&w, "frame_max", session->sup->config.limits.frame);
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
	sums->queued += scheduler->queue.count + scheduler->processes.count;
	sums->forkserver_restarts += pool->forkserver->restarts;
}

static struct sums add_pools(const struct supervisor *sup)
{
	struct sums sums = {0};

	for (size_t i = 0; i < sup->pool_count; i++)
		add_pool(&sums, sup->pools[i]);
	return sums;
}

/* What was handed ahead to a busy worker still waits. */
static uint64_t count_waiting(const struct sums *sums)
{
	return sums->queued + sums->in_flight - sums->running;
}

struct report_totals report_totals(const struct supervisor *sup)
{
	struct sums sums = add_pools(sup);

	return (struct report_totals){sums.total, sums.running, count_waiting(&sums)};
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

static void put_counters(struct writer *w, const struct counters *counters, bool all)
{
	put_uint_if(w, "accepted", counters->accepted, all);
	put_uint_if(w, "done", counters->done, all);
	put_uint_if(w, "failed", counters->failed, all);
	put_uint_if(w, "crashed", counters->crashed, all);
	put_uint_if(w, "cancelled", counters->cancelled, all);
	put_uint_if(w, "timed_out", counters->timed_out, all);
}

/* Everybody's tasks, or those of the one who asks. */
static void put_tasks(struct writer *w, const struct session *session, const struct sums *sums)
{
	const struct supervisor *sup = session->sup;
	const struct user *user = session->client->user;
	bool all = rights_sees_all(session);

	put_uint(w, "queued", all ? count_waiting(sums) : user->tasks - user->running);
	put_uint(w, "running", all ? sums->running : user->running);
	put_uint(w, "open", all ? sup->open_tasks : user->tasks);
	put_uint_if(w, "clients", sup->sessions.count, all);
	put_counters(w, &sup->counters, all);
	put_uint(w, "kept", all ? sup->kept.count : user->kept.count);
	put_uint(w, "kept_bytes", all ? sup->kept_bytes : user->kept_bytes);
	put_uint_if(w, "unread_bytes", sup->sessions.unread, all);
}

static size_t count_quarantined(const struct supervisor *sup)
{
	const struct record *record = NULL;
	size_t count = 0;

	while ((record = records_next(&sup->records, record)) != NULL)
		count += record->quarantined;
	return count;
}

int report_status(const struct session *session, msgpack_packer *pk)
{
	const struct supervisor *sup = session->sup;
	const struct forkserver *fs = sup->pools[0]->forkserver;
	const char *problem = pools_problem(sup);
	struct sums sums = add_pools(sup);
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_map(pk, 23);
	put_str(&w, "version", PACKAGE_VERSION);
	put_uint(&w, "pid", (uint64_t)getpid());
	put_seconds(&w, "uptime", clock_now() - sup->started_at);
	put_uint(&w, "upgrades", sup->upgrade.count);
	put_str(&w, "state", state_names[sup->state]);
	put_workers(&w, &sums);
	put_tasks(&w, session, &sums);
	put_uint(&w, "quarantined", count_quarantined(sup));
	put_uint(&w, "restarts", sums.restarts);
	put_map(&w, "forkserver", 2);
	put_int_or_nil(&w, "pid", fs->pid > 0 ? fs->pid : -1);
	put_uint(&w, "restarts", sums.forkserver_restarts);
	put_str(&w, "problem", *problem != '\0' ? problem : NULL);
	return w.bad;
}

/* The function that runs, and for how long; nil while there is none that the one who asks may see. */
static void put_running(struct writer *w, const struct session *session, struct worker *worker)
{
	const struct task *task = worker_head(worker);

	if (task == NULL || !claim_is_started(worker->kit.claims, task->seq) ||
		!rights_may_see(session, task->client->user)) {
		put_nil(w, "function");
		put_nil(w, "running_for");
		return;
	}
	put_text(w, "function", task->frame + task->name_off, task->name_len);
	put_seconds(w, "running_for", clock_now() - task->started_at);
}

static void put_worker(struct writer *w, const struct session *session, struct worker *worker)
{
	const struct slot *slot = worker->slot;
	bool all = rights_sees_all(session);
	const char *last = all && worker->last_death[0] != '\0' ? worker->last_death : NULL;

	w->bad |= msgpack_pack_map(w->pk, 14);
	put_str(w, "pool", worker->pool->config->name);
	put_uint(w, "worker", slot->index);
	put_int_or_nil(w, "pid", worker->pid > 0 ? worker->pid : -1);
	put_str(w, "state", slot->lending ? "lending" : slot_state_name(slot->state));
	put_int_or_nil(w, "core", slot->core);
	put_running(w, session, worker);
	put_uint_if(w, "in_flight", slot->live, all);
	put_uint_if(w, "done", slot->done, all);
	put_uint_if(w, "crashed", slot->crashed, all);
	put_uint_if(w, "restarts", slot->restarts, all);
	put_bool(w, "process", slot->process);
	put_bool(w, "leaving", slot->leaving);
	put_str(w, "last_death", last);
}

static bool is_there(const struct slot *slot)
{
	return slot->state != SLOT_ABSENT;
}

int report_workers(const struct session *session, msgpack_packer *pk)
{
	struct supervisor *sup = session->sup;
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_array(pk, add_pools(sup).total);
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			if (is_there(&sup->pools[p]->scheduler.slots[i]))
				put_worker(&w, session, &sup->pools[p]->workers[i]);
	return w.bad;
}

/* ---- functions -------------------------------------------------------------------------- */

static void put_function(struct writer *w, const struct session *session, const struct pool *pool,
	const struct function *function)
{
	w->bad |= msgpack_pack_map(w->pk, 7);
	put_str(w, "name", function->name);
	put_str(w, "params", function->params);
	put_str(w, "summary", function->summary);
	put_str(w, "plugin", function->plugin);
	put_str(w, "pool", pool->config->name);
	put_uint_if(w, "running", function->record->running, rights_sees_all(session));
	put_bool(w, "quarantined", function->record->quarantined);
}

/* Those that may be called; into `w`, unless that is NULL.  Their number. */
static size_t put_functions(
	struct writer *w, const struct session *session, const struct pool *pool)
{
	size_t count = 0;

	for (size_t i = 0; i < pool->functions.count; i++) {
		const struct function *function = &pool->functions.all[i];

		if (!rights_may_call(session, pool, function->record))
			continue;
		count++;
		if (w != NULL)
			put_function(w, session, pool, function);
	}
	return count;
}

int report_functions(const struct session *session, msgpack_packer *pk)
{
	struct supervisor *sup = session->sup;
	struct writer w = {.pk = pk};
	size_t count = 0;

	for (size_t p = 0; p < sup->pool_count; p++)
		count += put_functions(NULL, session, sup->pools[p]);
	w.bad |= msgpack_pack_array(pk, count);
	for (size_t p = 0; p < sup->pool_count; p++)
		put_functions(&w, session, sup->pools[p]);
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

/* Those that may be called, or released; as put_functions(). */
static size_t put_all_quarantined(struct writer *w, const struct session *session)
{
	const struct record *record = NULL;
	bool all = rights_may(session, ACCESS_RELEASE, NULL);
	size_t count = 0;

	while ((record = records_next(&session->sup->records, record)) != NULL) {
		if (!record->quarantined || (!all && !rights_may_call_somewhere(session, record)))
			continue;
		count++;
		if (w != NULL)
			put_quarantined(w, record);
	}
	return count;
}

int report_quarantine(const struct session *session, msgpack_packer *pk)
{
	struct writer w = {.pk = pk};

	w.bad |= msgpack_pack_array(pk, put_all_quarantined(NULL, session));
	put_all_quarantined(&w, session);
	return w.bad;
}
