/* SPDX-License-Identifier: MIT */
#include "worker/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "worker/memory.h"
#include "worker/stop.h"

enum { FD_FREE = 16 }; /* above any place that a descriptor is moved to */

/* The pipes may be shared with the supervisor's habits; a worker blocks. */
static void set_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_NONBLOCK) != 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

int settle_lift(int *fd, int lowest)
{
	int moved;

	if (*fd >= lowest)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, lowest);
	if (moved < 0)
		return -errno;
	fd_close(fd);
	*fd = moved;
	return 0;
}

static int place(int from, int to, int flags)
{
	return (flags != 0 ? dup3(from, to, flags) : dup2(from, to)) < 0 ? -errno : 0;
}

static int place_stdio(int output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r = null < 0 ? -errno : settle_lift(&null, FD_FREE);

	if (r == 0)
		r = place(null, STDIN_FILENO, 0);
	if (r == 0)
		r = place(output, STDOUT_FILENO, 0);
	if (r == 0)
		r = place(output, STDERR_FILENO, 0);
	fd_close(&null);
	return r;
}

/* All that the worker takes from now on is charged to its groups, and stays in them. */
static int enter_groups(const struct worker_birth *birth)
{
	for (size_t i = 0; i < birth->groups; i++)
		if (write(birth->fds[LINK_WORKER_FDS + i], "0", 1) < 0)
			return -errno;
	return 0;
}

static int place_fds(struct worker_birth *birth)
{
	int *fds = birth->fds, r = settle_lift(&birth->go, FD_FREE);

	for (int i = 0; r == 0 && i < LINK_WORKER_FDS; i++)
		r = settle_lift(&fds[i], FD_FREE); /* one may lie where another is to go */
	if (r == 0)
		r = place_stdio(fds[LINK_WORKER_OUTPUT]);
	if (r == 0)
		r = place(fds[LINK_WORKER_TASKS], WORKER_TASKS_FD, O_CLOEXEC);
	if (r == 0)
		r = place(fds[LINK_WORKER_RESULTS], WORKER_RESULTS_FD, O_CLOEXEC);
	if (r == 0)
		r = place(fds[LINK_WORKER_ARENAS], WORKER_ARENAS_FD, O_CLOEXEC);
	if (r == 0)
		r = place(birth->go, WORKER_GO_FD, O_CLOEXEC);
	if (r < 0)
		return r;
	birth->go = WORKER_GO_FD;
	set_blocking(WORKER_TASKS_FD);
	set_blocking(WORKER_RESULTS_FD);
	/* The link and what else the fork server has: the worker holds its own and no more. */
	return close_range(WORKER_GO_FD + 1U, ~0U, 0) < 0 ? -errno : 0;
}

/* What came with the order; the places of the others are taken, so they lie above those. */
static int place_last(const struct worker_birth *birth)
{
	int r = 0;

	if (birth->watches_oom) {
		r = place(birth->fds[LINK_WORKER_FDS + birth->groups], WORKER_OOM_FD, O_CLOEXEC);
		memory_watch_oom();
	}
	if (r < 0)
		return r;
	return close_range(WORKER_GO_FD + (unsigned int)birth->watches_oom, ~0U, 0) < 0 ? -errno
											: 0;
}

/* A mapping needs no descriptor to stay. */
static int map_claims(int fd, struct claim_page **ret)
{
	void *page = mmap(NULL, CLAIM_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	*ret = page;
	return 0;
}

void settle_reset_signals(void)
{
	struct sigaction normal = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &normal, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* From here on this process is its own session and the home of its orphans. */
static int leave_home(void)
{
	if (setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGHUP) < 0)
		return -errno;
	prctl(PR_SET_NAME, "ruche-next"); /* for ps(1), until it is a worker */
	return 0;
}

/* The daemon may be spared when memory runs out; what a task takes is not. */
static void be_no_exception(void)
{
	char score[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, score, sizeof(score) - 1) > 0 && score[0] == '-' && write(fd, "0", 1) < 0)
		log_warning(
			"is spared when memory runs out, as the daemon is: %s", strerror(errno));
	close(fd);
}

static void pin(int core)
{
	cpu_set_t set;

	if (core < 0)
		return;
	CPU_ZERO(&set);
	if (core < CPU_SETSIZE)
		CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		log_warning("cannot be pinned to core %d: %s", core, strerror(errno));
}

int settle_ahead(struct worker_birth *birth, struct claim_page **ret_page)
{
	struct claim_page *page = NULL;
	int r = map_claims(birth->fds[LINK_WORKER_CLAIMS], &page);

	settle_reset_signals();
	if (r == 0)
		r = stop_init(page, birth->supervisor);
	if (r == 0)
		r = leave_home();
	if (r == 0)
		r = place_fds(birth);
	if (r < 0) {
		if (page != NULL)
			munmap(page, CLAIM_SHARED_SIZE);
		log_error("a worker cannot start: %s", strerror(-r));
		return r;
	}
	log_open("ruche-worker", LOG_LEVEL_INFO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	be_no_exception();
	*ret_page = page;
	return 0;
}

int settle(struct worker_birth *birth)
{
	int r;

	/* It may have died before its death became a signal. */
	if (getppid() != birth->supervisor)
		return -ESRCH;
	birth->group_error = enter_groups(birth); /* told when it can be */
	r = place_last(birth);
	if (r < 0) {
		log_error("the worker of slot %d cannot start: %s", birth->slot, strerror(-r));
		return r;
	}
	prctl(PR_SET_NAME, "ruche-worker");
	pin(birth->core);
	return 0;
}
