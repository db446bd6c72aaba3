/* SPDX-License-Identifier: MIT */
#include "supervisor/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proctree.h"
#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/results.h"
#include "supervisor/supervisor.h"

_Static_assert((int)SLOT_DEPTH == (int)CLAIM_RING, "a slot's tasks and their claim words");

struct worker *worker_find(struct supervisor *sup, pid_t pid)
{
	for (uint32_t i = 0; i < sup->pool.slot_count; i++)
		if (sup->workers[i].pid == pid)
			return &sup->workers[i];
	return NULL;
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
		forkserver_want(worker->sup);
		break;
	case SLOT_STARTING:
		worker_kill(worker, "it was not ready after a minute");
		break;
	default:
		worker_kill(worker, "it did not stop when it was asked to");
	}
}

int workers_init(struct supervisor *sup)
{
	sup->workers = calloc(sup->pool.slot_count, sizeof(*sup->workers));
	if (sup->workers == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < sup->pool.slot_count; i++) {
		struct worker *worker = &sup->workers[i];

		worker->sup = sup;
		worker->slot = &sup->pool.slots[i];
		worker->tasks_fd = worker->results_fd = worker->output_fd = -1;
		evtimer_assign(&worker->timer, sup->base, on_timer, worker);
	}
	return 0;
}

/* A page that the worker can write to but not shrink under our feet. */
static int make_claims(struct worker *worker, int *ret_fd)
{
	int fd = memfd_create("ruche-claims", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, CLAIM_PAGE_SIZE) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	page = mmap(NULL, CLAIM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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
		munmap(worker->claims, CLAIM_PAGE_SIZE);
	worker->claims = NULL;
	buf_fini(&worker->out);
	buf_fini(&worker->in);
	worker->tail.len = 0;
	worker->pid = 0;
	worker->ready = worker->faulty = worker->useful = worker->dirty = false;
	worker->blocked_on = REF_NONE;
}

int worker_prepare(struct worker *worker, int ret[LINK_WORKER_FDS])
{
	int r;

	for (int i = 0; i < LINK_WORKER_FDS; i++)
		ret[i] = -1;
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
	worker->slot->restarts += worker->forked_at != 0; /* the first one is no restart */
	worker->seq = 0;
	worker->forked_at = clock_now();
	scan_init(&worker->scan, MESSAGE_FRAME_MAX);
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

/* Another worker for the slot: now, later, or never. */
static void replace(struct worker *worker, enum restart_life life)
{
	struct slot *slot = worker->slot;
	uint64_t delay = 0;

	if (worker->sup->state != SUPERVISOR_RUNNING)
		return;
	switch (restart_decide(&slot->restart, life, &delay)) {
	case RESTART_NOW:
		forkserver_want(worker->sup);
		break;
	case RESTART_LATER:
		slot_change(slot, SLOT_ON_BACK_OFF);
		supervisor_set_timer(&worker->timer, delay);
		break;
	case RESTART_GIVE_UP:
		slot_change(slot, SLOT_ON_GIVE_UP);
		text_format(worker->problem, sizeof(worker->problem),
			"worker %u was given up after %d deaths before it was ready: %s",
			slot->index, RESTART_TRIES, worker->last_death);
		log_error("%s", worker->problem);
		break;
	}
}

void worker_bury(struct worker *worker, enum restart_life life)
{
	tear_down(worker);
	replace(worker, life);
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

void workers_fini(struct supervisor *sup)
{
	for (uint32_t i = 0; sup->workers != NULL && i < sup->pool.slot_count; i++)
		tear_down(&sup->workers[i]);
	free(sup->workers);
	sup->workers = NULL;
}
