/* SPDX-License-Identifier: MIT */
#include "supervisor/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proctree.h"
#include "supervisor/forkserver.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

#define SWEEP_DELAY (10 * CLOCK_MS) /* many deaths, one look at all processes */
#define SWEEP_LATEST CLOCK_S

/* Looks before it reaps, so that a worker's pid stays its own until its death is dealt with.  False: there is no such child. */
static bool look(idtype_t type, pid_t pid, siginfo_t *ret)
{
	*ret = (siginfo_t){0};
	return waitid(type, (id_t)pid, ret, WEXITED | WNOHANG | WNOWAIT) == 0;
}

bool reaper_is_child(pid_t pid)
{
	siginfo_t info;

	return pid > 0 && look(P_PID, pid, &info);
}

bool reaper_has_ended(pid_t pid)
{
	siginfo_t info;

	return pid > 0 && look(P_PID, pid, &info) && info.si_pid == pid;
}

static pid_t next_ended(void)
{
	siginfo_t info;

	return look(P_ALL, 0, &info) ? info.si_pid : 0;
}

void reaper_run(struct supervisor *sup)
{
	pid_t pid;

	while ((pid = next_ended()) > 0) {
		struct forkserver *fs = forkserver_find(sup, pid), *other = standby_find(sup, pid);
		struct worker *worker = worker_find(sup, pid);

		if (worker == NULL && fs == NULL && other == NULL) {
			forkservers_read(sup); /* a worker that died at birth */
			worker = worker_find(sup, pid);
			other = standby_find(sup, pid);
		}
		if (worker != NULL)
			worker_on_exit(worker);
		else if (fs != NULL)
			forkserver_on_exit(fs);
		else if (other != NULL)
			standby_on_exit(other);
		else if (pid == sup->upgrade.trial)
			upgrade_on_exit(sup);
		else
			waitpid(pid, NULL, WNOHANG);
	}
}

/* Ours are the fork server, the workers, and what will become a worker. */
static bool is_ours(void *user, pid_t child)
{
	struct supervisor *sup = user;

	return forkserver_find(sup, child) != NULL || worker_find(sup, child) != NULL ||
	       standby_find(sup, child) != NULL || forkserver_find(sup, getsid(child)) != NULL ||
	       child == sup->upgrade.trial;
}

void reaper_sweep(struct supervisor *sup)
{
	int killed;

	kits_drop(&sup->old_kits);
	if (sup->state != SUPERVISOR_RUNNING)
		return; /* the end kills all that is left */
	/* Whoever is being born now might be known to us only after this look. */
	forkservers_read(sup);
	if (forkservers_are_busy(sup)) {
		reaper_sweep_soon(sup);
		return;
	}
	killed = proctree_signal(getpid(), SIGKILL, is_ours, sup);
	if (killed > 0) {
		notice_send(sup, NOTICE_LEFTOVERS_KILLED,
			&(struct notice_fields){.count = (uint64_t)killed},
			"killed what a dead worker left behind: %d", killed);
		reaper_sweep_soon(sup); /* one of them may just have started another */
	}
}

/* The longer something stays, the less often it is looked for. */
void reaper_sweep_groups(struct supervisor *sup)
{
	if (!cgroups_sweep(&sup->cgroups))
		return;
	sup->group_pause =
		sup->group_pause * 2 < SWEEP_LATEST ? sup->group_pause * 2 : SWEEP_LATEST;
	supervisor_set_timer(&sup->group_timer, sup->group_pause);
}

void reaper_sweep_groups_soon(struct supervisor *sup)
{
	sup->group_pause = SWEEP_DELAY;
	supervisor_set_timer(&sup->group_timer, sup->group_pause);
}

void reaper_sweep_soon(struct supervisor *sup)
{
	if (!evtimer_pending(&sup->orphan_timer, NULL))
		supervisor_set_timer(&sup->orphan_timer, SWEEP_DELAY);
}
