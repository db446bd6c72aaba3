/* SPDX-License-Identifier: MIT */
#include "supervisor/worker.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proctree.h"
#include "base/text.h"
#include "supervisor/forkserver.h"
#include "supervisor/nested.h"
#include "supervisor/pool.h"
#include "supervisor/reaper.h"
#include "supervisor/reload.h"
#include "supervisor/results.h"
#include "supervisor/staff.h"
#include "supervisor/standby.h"
#include "supervisor/supervisor.h"

enum { MANY = 64 }; /* answers of one read */

_Static_assert((int)SLOT_DEPTH == (int)CLAIM_RING, "a slot's tasks and their claim words");

struct worker *worker_find(struct supervisor *sup, pid_t pid)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			if (sup->pools[p]->workers[i].pid == pid)
				return &sup->pools[p]->workers[i];
	return NULL;
}

struct worker *worker_of(struct supervisor *sup, const struct task *task)
{
	return &sup->pools[task->pool]->workers[task->slot];
}

struct task *worker_head(struct worker *worker)
{
	const struct slot_entry *head = slot_head(worker->slot);

	return head != NULL ? task_get(&worker->sup->tasks, head->task) : NULL;
}

/* ---- its life ------------------------------------------------------------------------- */

/* Many answers go out before those of the next worker are read: else all, and clients too, would go round in step. */
static void on_results(evutil_socket_t fd, short what, void *data)
{
	struct worker *worker = data;

	(void)fd;
	(void)what;
	results_read(worker);
	if (worker->answered >= MANY)
		sessions_write(worker->sup);
}

static void on_output(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	results_read_output(data);
}

static void on_tasks_room(evutil_socket_t fd, short what, void *data)
{
	struct worker *worker = data;

	(void)fd;
	(void)what;
	worker->dirty = true;
}

/* It was asked to stop, or has closed the pipe of its results. */
static void end_of_grace(struct worker *worker)
{
	const struct task *task;

	results_catch_up(worker);
	task = worker_head(worker);
	if (!event_pending(&worker->on_results, EV_READ, NULL) &&
		worker->blocked_on.generation == 0)
		worker_kill(worker, "it has closed the pipe of its results");
	else if (task != NULL && task->stop_signal != 0)
		worker_kill(worker, "it did not stop when it was asked to");
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct worker *worker = data;

	(void)fd;
	(void)what;
	worker->timer_at = 0;
	switch (worker->slot->state) {
	case SLOT_WAITING:
		slot_change(worker->slot, SLOT_ON_RETRY);
		forkserver_want(worker->pool);
		break;
	case SLOT_STARTING:
		worker_kill(worker, "it was not ready after a minute");
		break;
	case SLOT_STOPPING:
		worker_end_process(worker); /* it was to leave by itself */
		break;
	default:
		end_of_grace(worker);
	}
}

void worker_set_timer(struct worker *worker, uint64_t ns)
{
	worker->timer_at = clock_now() + ns;
	supervisor_set_timer(&worker->timer, ns);
}

/* Called for each answer, when it mostly is not set. */
void worker_clear_timer(struct worker *worker)
{
	if (worker->timer_at != 0)
		evtimer_del(&worker->timer);
	worker->timer_at = 0;
}

int workers_init(struct pool *pool)
{
	pool->workers = calloc(pool->scheduler.slot_max, sizeof(*pool->workers));
	return pool->workers == NULL ? -ENOMEM : 0;
}

void worker_init(struct pool *pool, struct slot *slot)
{
	struct worker *worker = &pool->workers[slot->index];

	if (worker->pool != NULL)
		return;
	worker->sup = pool->sup;
	worker->pool = pool;
	worker->slot = slot;
	worker->kit = KIT_NONE;
	evtimer_assign(&worker->timer, pool->sup->base, on_timer, worker);
}

static void assign_events(struct worker *worker)
{
	struct event_base *base = worker->sup->base;

	event_assign(&worker->on_results, base, worker->kit.results_fd, EV_READ | EV_PERSIST,
		on_results, worker);
	event_assign(&worker->on_output, base, worker->kit.output_fd, EV_READ | EV_PERSIST,
		on_output, worker);
	event_assign(&worker->on_tasks_room, base, worker->kit.tasks_fd, EV_WRITE, on_tasks_room,
		worker);
}

static void listen_to(struct worker *worker)
{
	assign_events(worker);
	event_add(&worker->on_results, NULL);
	event_add(&worker->on_output, NULL);
}

static void restore_timer(struct worker *worker)
{
	uint64_t at = worker->timer_at, now = clock_now();

	if (at != 0)
		worker_set_timer(worker, at > now ? at - now : 0);
}

int worker_restore(struct worker *worker, bool is_read, bool is_heard)
{
	int r;

	restore_timer(worker);
	if (worker->kit.results_fd < 0)
		return 0;
	r = kit_map_claims(worker->kit.claims_fd, &worker->kit.claims);
	if (r < 0)
		return r;
	scan_init(&worker->scan, worker->sup->config.limits.frame);
	assign_events(worker);
	if (is_read)
		event_add(&worker->on_results, NULL);
	if (is_heard)
		event_add(&worker->on_output, NULL);
	worker->dirty = true; /* there may be room for what is still to be written */
	return 0;
}

void worker_drop_group(struct worker *worker)
{
	if (cgroup_bury(worker->group))
		reaper_sweep_groups_soon(worker->sup);
	worker->group = NULL;
}

static void tear_down(struct worker *worker)
{
	if (worker->kit.results_fd >= 0 && event_initialized(&worker->on_results)) {
		event_del(&worker->on_results);
		event_del(&worker->on_output);
		event_del(&worker->on_tasks_room);
	}
	worker_clear_timer(worker);
	if (standby_is_for(worker))
		kits_put(&worker->sup->old_kits,
			&worker->kit); /* the next one is about to say something */
	else
		kit_drop(&worker->kit);
	worker_drop_group(worker);
	buf_fini(&worker->out);
	buf_fini(&worker->in);
	worker->tail.len = 0;
	worker->pid = 0;
	worker->ready = worker->faulty = worker->useful = worker->dirty = worker->worn_out = false;
	worker->is_killed = false;
	worker->blocked_on = REF_NONE;
}

bool worker_has_group(const struct worker *worker)
{
	return config_pool_has_group(reload_pool_config(worker));
}

static int make_group(
	struct worker *worker, uint32_t birth, struct worker_ends *ends, char why[CGROUP_ERROR_MAX])
{
	const struct pool_config *config = reload_pool_config(worker);
	struct cgroup_limits limits = config_pool_limits(config);
	char name[CONFIG_POOL_NAME_MAX + 32];
	size_t count = 0;
	int r;

	worker->memory_max = limits.memory;
	if (!config_pool_has_group(config))
		return 0;
	text_format(name, sizeof(name), "%s-%" PRIu32 ".%" PRIu32, config->name,
		worker->slot->index, birth);
	r = cgroup_new(&worker->sup->cgroups, name, &limits, &worker->group, why);
	if (r == 0)
		r = cgroup_open(worker->group, ends->fds + ends->count, &ends->groups, &count);
	ends->count += count;
	return r;
}

void worker_ends_close(struct worker_ends *ends)
{
	for (size_t i = 0; i < ends->count; i++)
		fd_close(&ends->fds[i]);
}

int worker_make_group(
	struct worker *worker, uint32_t birth, struct worker_ends *ends, char why[CGROUP_ERROR_MAX])
{
	int r;

	why[0] = '\0';
	r = make_group(worker, birth, ends, why);
	if (r == 0)
		return 0;
	if (why[0] == '\0')
		text_format(why, CGROUP_ERROR_MAX, "%s", strerror(-r));
	worker_drop_group(worker);
	return r;
}

void worker_begin(struct worker *worker, struct kit *kit)
{
	worker->kit = *kit;
	*kit = KIT_NONE;
	worker->slot->handed_max = reload_pool_config(worker)->max_tasks;
	worker->seq = worker->last_answered = worker->last_taken = 0;
	worker->forked_at = clock_now();
	scan_init(&worker->scan, worker->sup->config.limits.frame);
	listen_to(worker);
	slot_change(worker->slot, SLOT_ON_FORK);
	worker_set_timer(worker, WORKER_START_LIMIT);
}

void worker_on_forked(struct worker *worker, pid_t pid)
{
	worker->pid = pid;
	if (worker->slot->state == SLOT_STOPPING)
		worker_end_process(worker);
	results_check_ready(worker);
}

static void give_up(struct worker *worker)
{
	struct slot *slot = worker->slot;

	text_format(worker->problem, sizeof(worker->problem),
		"worker %u was given up after %d deaths before it was ready: %s", slot->index,
		RESTART_TRIES, worker->last_death);
	notice_send(worker->sup, NOTICE_WORKER_GIVEN_UP, &(struct notice_fields){.worker = worker},
		"%s", worker->problem);
	if (staff_on_given_up(worker))
		slot_change(slot, SLOT_ON_DISMISS);
	else
		slot_change(slot, SLOT_ON_GIVE_UP);
	staff_look_soon(worker->pool);
}

/* Another worker for the slot: now, later, or never. */
static void replace(struct worker *worker, enum restart_life life)
{
	uint64_t delay = 0;

	worker->slot->restarts++;
	switch (restart_decide(&worker->slot->restart, life, &delay)) {
	case RESTART_NOW:
		if (standby_is_for(worker))
			forkserver_ask(worker->pool->forkserver, worker);
		else
			forkserver_want(worker->pool);
		break;
	case RESTART_LATER:
		slot_change(worker->slot, SLOT_ON_BACK_OFF);
		worker_set_timer(worker, delay);
		break;
	case RESTART_GIVE_UP:
		give_up(worker);
		break;
	}
}

static void fail_trial(struct worker *worker)
{
	char why[sizeof(worker->last_death) + 128];

	text_format(why, sizeof(why), "the first worker of the pool '%s' %s",
		worker->pool->config->name, worker->last_death);
	reload_on_failed(worker->sup, why);
}

void worker_bury(struct worker *worker, enum restart_life life)
{
	struct forkserver *fs = worker->forkserver;
	struct slot *slot = worker->slot;
	bool is_leaving = slot->leaving || (slot->process && life == RESTART_USEFUL);

	nested_let_go(worker);
	tear_down(worker);
	slot_clear(slot);
	worker->forkserver = NULL;
	if (fs != NULL)
		forkserver_on_worker_gone(fs);
	if (is_leaving || slot->reserve)
		slot_change(slot, SLOT_ON_DISMISS);
	if (slot->reserve)
		fail_trial(worker);
	else if (!is_leaving && worker->sup->state < SUPERVISOR_STOPPING)
		replace(worker, life);
}

void worker_dismiss(struct worker *worker)
{
	worker_clear_timer(worker);
	slot_change(worker->slot, SLOT_ON_DISMISS);
}

void worker_on_fork_failed(struct worker *worker, enum restart_life life, const char *why)
{
	text_format(worker->last_death, sizeof(worker->last_death), "%s", why);
	if (worker->sup->state < SUPERVISOR_STOPPING)
		notice_send(worker->sup, NOTICE_WORKER_NOT_STARTED,
			&(struct notice_fields){.worker = worker},
			"worker %u could not be started: %s", worker->slot->index, why);
	slot_change(worker->slot, SLOT_ON_DEATH);
	worker_bury(worker, life);
}

void worker_release(struct worker *worker)
{
	if (worker->kit.tasks_fd >= 0)
		event_del(&worker->on_tasks_room);
	fd_close(&worker->kit.tasks_fd);
}

void worker_leave(struct worker *worker)
{
	worker->slot->leaving = true;
	worker_requeue_unstarted(worker);
	if (worker->slot->state == SLOT_IDLE) {
		slot_change(worker->slot, SLOT_ON_STOP);
		worker_release(worker);
		worker_set_timer(worker, worker->pool->config->grace);
	}
}

void workers_fini(struct pool *pool)
{
	for (uint32_t i = 0; pool->workers != NULL && i < pool->scheduler.slot_count; i++)
		tear_down(&pool->workers[i]);
	free(pool->workers);
	pool->workers = NULL;
}
