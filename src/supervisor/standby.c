/* SPDX-License-Identifier: MIT */
#include "supervisor/standby.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "supervisor/forkserver.h"
#include "supervisor/reaper.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/message.h"

#define QUIET_TIME (10 * CLOCK_MS) /* for which nothing is asked for before it is made */

/* ---- how it comes to be ------------------------------------------------------------------ */

static int send_request(struct forkserver *fs, const int fds[LINK_WORKER_FDS])
{
	msgpack_packer pk = supervisor_packer(fs->sup);

	fs->standby.request = ++fs->request;
	if (message_pack_request(&pk, fs->request, LINK_STANDBY, strlen(LINK_STANDBY)) < 0 ||
		msgpack_pack_array(&pk, 0) < 0)
		return -ENOMEM;
	return fd_send_packet(
		fs->link, 0, fs->sup->scratch.data, fs->sup->scratch.size, fds, LINK_WORKER_FDS);
}

/* If it cannot be had, that is for the next worker to tell. */
static void ask(struct forkserver *fs)
{
	struct standby *standby = &fs->standby;
	int theirs[LINK_WORKER_FDS];
	int r = kit_make(fs->sup, &standby->kit, theirs);

	standby->wanted = false;
	if (r < 0)
		return;
	r = send_request(fs, theirs);
	for (int i = 0; i < LINK_WORKER_FDS; i++)
		fd_close(&theirs[i]);
	if (r < 0) {
		kit_drop(&standby->kit);
		return;
	}
	standby->state = STANDBY_ASKED;
	supervisor_set_timer(&fs->timer, FORKSERVER_LIMIT);
}

/* Else it is asked for when that has changed. */
static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct forkserver *fs = data;

	(void)fd;
	(void)what;
	if (fs->standby.wanted && fs->standby.state == STANDBY_NONE && fs->ready &&
		fs->pending == NULL && fs->sup->state < SUPERVISOR_STOPPING &&
		!upgrade_is_near(fs->sup))
		ask(fs);
}

void standby_init(struct forkserver *fs)
{
	fs->standby = (struct standby){.go = -1, .kit = KIT_NONE};
	evtimer_assign(&fs->standby.timer, fs->sup->base, on_timer, fs);
}

void standby_want(struct forkserver *fs)
{
	if (!fs->knows_standby || fs->link < 0 || forkserver_is_former(fs))
		return;
	fs->standby.wanted = true;
	supervisor_set_timer(&fs->standby.timer, QUIET_TIME);
}

void standby_restore(struct forkserver *fs)
{
	if (fs->standby.wanted)
		standby_want(fs);
}

static void come(struct standby *standby, pid_t pid, int *go)
{
	standby->pid = pid;
	if (standby->state == STANDBY_ASKED) {
		standby->state = STANDBY_READY;
		standby->go = *go;
		*go = -1;
	} else {
		standby->state = STANDBY_LEAVING;
	}
}

bool standby_on_answer(struct forkserver *fs, uint32_t request, pid_t pid, int *go)
{
	struct standby *standby = &fs->standby;

	if (!standby_is_awaited(fs) || request != standby->request)
		return false;
	if (fs->pending == NULL)
		evtimer_del(&fs->timer);
	if (*go >= 0 && reaper_is_child(pid)) {
		come(standby, pid, go);
	} else {
		kit_drop(&standby->kit);
		standby->state = STANDBY_NONE;
	}
	return true;
}

bool standby_is_awaited(const struct forkserver *fs)
{
	return fs->standby.state == STANDBY_ASKED || fs->standby.state == STANDBY_UNWANTED;
}

/* ---- it becomes a worker ----------------------------------------------------------------- */

/*
 * It pins itself, too; but when it is woken on our own core it would have to wait for us, who have much to do just now.  If we may
 * not, that is all that comes of it.
 */
static void pin(pid_t pid, int core)
{
	cpu_set_t set;

	if (core < 0 || core >= CPU_SETSIZE)
		return;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	(void)sched_setaffinity(pid, sizeof(set), &set);
}

static int send_order(
	struct forkserver *fs, const struct worker *worker, const struct worker_ends *ends)
{
	struct standby *standby = &fs->standby;
	int r = forkserver_pack_order(fs, worker, standby->kit.token, ends->groups);

	pin(standby->pid, worker->slot->core);
	if (r == 0)
		r = fd_send_packet(standby->go, MSG_DONTWAIT, fs->sup->scratch.data,
			fs->sup->scratch.size, ends->fds + LINK_WORKER_FDS,
			ends->count - LINK_WORKER_FDS);
	if (r < 0)
		standby_drop(fs); /* it has died, which will be seen */
	return r;
}

/* What goes with it is nothing but the groups, which take long to be made. */
void standby_order(struct worker *worker)
{
	struct forkserver *fs = worker->pool->forkserver;
	const struct worker_ends none = {.count = LINK_WORKER_FDS};

	if (fs->standby.state != STANDBY_READY || !fs->ready || worker_has_group(worker) ||
		upgrade_is_near(worker->sup) || send_order(fs, worker, &none) < 0)
		return;
	fs->standby.state = STANDBY_ORDERED;
	fs->standby.next = worker;
}

static bool is_for(const struct forkserver *fs, const struct worker *worker)
{
	return fs != NULL && fs->standby.state == STANDBY_ORDERED && fs->standby.next == worker;
}

bool standby_is_for(const struct worker *worker)
{
	return is_for(worker->pool->forkserver, worker);
}

void standby_check(const struct worker *worker)
{
	if (standby_is_for(worker))
		standby_drop(worker->pool->forkserver);
}

/* With its group.  False: nothing was changed. */
static bool order_now(struct forkserver *fs, struct worker *worker)
{
	struct worker_ends ends = WORKER_ENDS_NONE;
	char why[CGROUP_ERROR_MAX];
	int r;

	if (fs->standby.state != STANDBY_READY ||
		worker_make_group(worker, fs->standby.kit.birth, &ends, why) < 0)
		return false;
	r = send_order(fs, worker, &ends);
	worker_ends_close(&ends);
	if (r < 0)
		worker_drop_group(worker);
	return r == 0;
}

bool standby_take(struct forkserver *fs, struct worker *worker)
{
	struct standby *standby = &fs->standby;
	pid_t pid = standby->pid;

	if (!is_for(fs, worker) && !order_now(fs, worker))
		return false;
	fd_close(&standby->go);
	standby->pid = 0;
	standby->next = NULL;
	standby->state = STANDBY_NONE;
	worker_begin(worker, &standby->kit);
	worker_on_forked(worker, pid);
	standby_want(fs);
	return true;
}

/* ---- its end ------------------------------------------------------------------------------- */

void standby_drop(struct forkserver *fs)
{
	struct standby *standby = &fs->standby;

	evtimer_del(&standby->timer);
	standby->wanted = false;
	if (standby->state == STANDBY_ORDERED)
		kill(standby->pid, SIGKILL); /* it waits no more */
	fd_close(&standby->go);
	kit_drop(&standby->kit);
	standby->next = NULL;
	if (standby->pid > 0)
		standby->state = STANDBY_LEAVING;
	else if (standby_is_awaited(fs))
		standby->state = fs->link >= 0 ? STANDBY_UNWANTED : STANDBY_NONE;
}

static void forget(struct standby *standby)
{
	fd_close(&standby->go);
	kit_drop(&standby->kit);
	standby->pid = 0;
	standby->state = STANDBY_NONE;
}

/* If it was not told to, there is none until a worker is made again: it might die each time. */
void standby_on_exit(struct forkserver *fs)
{
	waitpid(fs->standby.pid, NULL, 0);
	forget(&fs->standby);
	if (fs->standby.wanted)
		standby_want(fs);
}

void standbys_end(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		for (struct forkserver *fs = forkserver_next(sup->pools[i], NULL); fs != NULL;
			fs = forkserver_next(sup->pools[i], fs)) {
			pid_t pid = fs->standby.pid;

			if (pid <= 0)
				continue;
			standby_drop(fs);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			forget(&fs->standby);
			fs->standby.wanted = true;
		}
}

struct forkserver *standby_find(const struct supervisor *sup, pid_t pid)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		for (struct forkserver *fs = forkserver_next(sup->pools[i], NULL); fs != NULL;
			fs = forkserver_next(sup->pools[i], fs))
			if (fs->standby.pid > 0 && fs->standby.pid == pid)
				return fs;
	return NULL;
}
