/* SPDX-License-Identifier: MIT */
#include "supervisor/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proctree.h"
#include "base/text.h"
#include "supervisor/forkserver.h"
#include "supervisor/nested.h"
#include "supervisor/pool.h"
#include "supervisor/reload.h"
#include "supervisor/results.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"

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

static void on_results(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	results_read(data);
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

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct worker *worker = data;

	(void)fd;
	(void)what;
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
		worker_kill(worker, "it did not stop when it was asked to");
	}
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
	worker->tasks_fd = worker->results_fd = worker->output_fd = -1;
	evtimer_assign(&worker->timer, pool->sup->base, on_timer, worker);
}

/* Nobody can guess it who has not been told. */
static int make_token(char ret[WORKER_TOKEN_SIZE])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(ret, WORKER_TOKEN_SIZE, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	return 0;
}

/* A page that the worker can write to but not shrink under our feet. */
static int make_claims(struct worker *worker, int *ret_fd)
{
	int fd = memfd_create("ruche-claims", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, CLAIM_SHARED_SIZE) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	page = mmap(NULL, CLAIM_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		goto fail;
	worker->claims = page;
	*ret_fd = fd;
	return 0;
fail:
	fd_close(&fd); /* keeps errno */
	return -errno;
}

/* A pipe of which we keep one end, without blocking on it. */
static int make_pipe(int *ret_ours, int *ret_theirs, bool we_read)
{
	int ends[2];
	int r = fd_pipe(ends);

	if (r < 0)
		return r;
	*ret_ours = ends[we_read ? 0 : 1];
	*ret_theirs = ends[we_read ? 1 : 0];
	return fd_set_nonblock(*ret_ours);
}

static void listen_to(struct worker *worker)
{
	struct event_base *base = worker->sup->base;

	event_assign(&worker->on_results, base, worker->results_fd, EV_READ | EV_PERSIST,
		on_results, worker);
	event_assign(&worker->on_output, base, worker->output_fd, EV_READ | EV_PERSIST, on_output,
		worker);
	event_assign(
		&worker->on_tasks_room, base, worker->tasks_fd, EV_WRITE, on_tasks_room, worker);
	event_add(&worker->on_results, NULL);
	event_add(&worker->on_output, NULL);
}

static void tear_down(struct worker *worker)
{
	if (worker->results_fd >= 0 && event_initialized(&worker->on_results)) {
		event_del(&worker->on_results);
		event_del(&worker->on_output);
		event_del(&worker->on_tasks_room);
	}
	evtimer_del(&worker->timer);
	fd_close(&worker->tasks_fd);
	fd_close(&worker->results_fd);
	fd_close(&worker->output_fd);
	if (worker->claims != NULL)
		munmap(worker->claims, CLAIM_SHARED_SIZE);
	worker->claims = NULL;
	buf_fini(&worker->out);
	buf_fini(&worker->in);
	worker->tail.len = 0;
	worker->pid = 0;
	worker->ready = worker->faulty = worker->useful = worker->dirty = worker->worn_out = false;
	worker->blocked_on = REF_NONE;
}

int worker_prepare(struct worker *worker, int ret[LINK_WORKER_FDS])
{
	int r;

	for (int i = 0; i < LINK_WORKER_FDS; i++)
		ret[i] = -1;
	r = make_token(worker->token);
	if (r == 0)
		r = make_pipe(&worker->tasks_fd, &ret[LINK_WORKER_TASKS], false);
	if (r == 0)
		r = make_pipe(&worker->results_fd, &ret[LINK_WORKER_RESULTS], true);
	if (r == 0)
		r = make_pipe(&worker->output_fd, &ret[LINK_WORKER_OUTPUT], true);
	if (r == 0)
		r = make_claims(worker, &ret[LINK_WORKER_CLAIMS]);
	if (r < 0) {
		for (int i = 0; i < LINK_WORKER_FDS; i++)
			fd_close(&ret[i]);
		fd_close(&worker->tasks_fd);
		fd_close(&worker->results_fd);
		fd_close(&worker->output_fd);
		return r;
	}
	worker->slot->handed_max = worker->pool->config->max_tasks;
	worker->seq = worker->last_answered = 0;
	worker->forked_at = clock_now();
	scan_init(&worker->scan, worker->sup->config.limits.frame);
	listen_to(worker);
	slot_change(worker->slot, SLOT_ON_FORK);
	supervisor_set_timer(&worker->timer, WORKER_START_LIMIT);
	return 0;
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
	log_error("%s", worker->problem);
	if (staff_on_given_up(worker))
		slot_change(slot, SLOT_ON_DISMISS);
	else
		slot_change(slot, SLOT_ON_GIVE_UP);
}

/* Another worker for the slot: now, later, or never. */
static void replace(struct worker *worker, enum restart_life life)
{
	uint64_t delay = 0;

	worker->slot->restarts++;
	switch (restart_decide(&worker->slot->restart, life, &delay)) {
	case RESTART_NOW:
		forkserver_want(worker->pool);
		break;
	case RESTART_LATER:
		slot_change(worker->slot, SLOT_ON_BACK_OFF);
		supervisor_set_timer(&worker->timer, delay);
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
	bool is_leaving = slot->leaving;

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
	else if (!is_leaving && worker->sup->state == SUPERVISOR_RUNNING)
		replace(worker, life);
}

void worker_dismiss(struct worker *worker)
{
	evtimer_del(&worker->timer);
	slot_change(worker->slot, SLOT_ON_DISMISS);
}

void worker_on_fork_failed(struct worker *worker, enum restart_life life, const char *why)
{
	text_format(worker->last_death, sizeof(worker->last_death), "%s", why);
	if (worker->sup->state == SUPERVISOR_RUNNING)
		log_warning("worker %u could not be started: %s", worker->slot->index, why);
	slot_change(worker->slot, SLOT_ON_DEATH);
	worker_bury(worker, life);
}

void worker_release(struct worker *worker)
{
	if (worker->tasks_fd >= 0)
		event_del(&worker->on_tasks_room);
	fd_close(&worker->tasks_fd);
}

void worker_leave(struct worker *worker)
{
	worker->slot->leaving = true;
	worker_requeue_unstarted(worker);
	if (worker->slot->state == SLOT_IDLE) {
		slot_change(worker->slot, SLOT_ON_STOP);
		worker_release(worker);
		supervisor_set_timer(&worker->timer, worker->pool->config->grace);
	}
}

void workers_fini(struct pool *pool)
{
	for (uint32_t i = 0; pool->workers != NULL && i < pool->scheduler.slot_count; i++)
		tear_down(&pool->workers[i]);
	free(pool->workers);
	pool->workers = NULL;
}
