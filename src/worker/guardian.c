/* SPDX-License-Identifier: MIT */
#include "worker/guardian.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proctree.h"

/*
 * A healthy worker hears of the supervisor's death too and kills its own tree, all workers
 * at once; that is far quicker than searching /proc for each of them from here.
 */
#define PATIENCE (50 * CLOCK_MS)

enum { CAP_MIN = 16, POLL_NS = 1000 * 1000 };

static bool is_dead(const struct guardian *g, size_t i)
{
	pid_t session;

	if (g->held[i].fd >= 0)
		return g->held[i].revents != 0;
	session = getsid(g->pids[i]);
	return session != g->pids[i] && session != getsid(0); /* ours: still being born */
}

static void forget_the_dead(struct guardian *g)
{
	size_t kept = 0;

	if (g->count == 0 || poll(g->held, g->count, 0) < 0)
		return;
	for (size_t i = 0; i < g->count; i++) {
		if (is_dead(g, i)) {
			fd_close(&g->held[i].fd);
			continue;
		}
		g->held[kept] = g->held[i];
		g->pids[kept++] = g->pids[i];
	}
	g->count = kept;
}

int guardian_prepare(struct guardian *g)
{
	size_t cap = g->cap == 0 ? CAP_MIN : g->cap * 2;
	struct pollfd *held;
	pid_t *pids;

	forget_the_dead(g);
	if (g->count < g->cap)
		return 0;
	held = reallocarray(g->held, cap, sizeof(*held));
	if (held == NULL)
		return -ENOMEM;
	g->held = held;
	pids = reallocarray(g->pids, cap, sizeof(*pids));
	if (pids == NULL)
		return -ENOMEM;
	g->pids = pids;
	g->cap = cap;
	return 0;
}

void guardian_hold(struct guardian *g, pid_t pid, int pidfd)
{
	g->held[g->count] = (struct pollfd){.fd = pidfd, .events = POLLIN};
	g->pids[g->count++] = pid;
}

static int stop(const struct guardian *g, size_t i)
{
	if (g->held[i].fd < 0)
		return kill(g->pids[i], SIGSTOP);
	return pidfd_send_signal(g->held[i].fd, SIGSTOP, NULL, 0);
}

void guardian_kill(struct guardian *g)
{
	uint64_t deadline = clock_now() + PATIENCE;
	const struct timespec nap = {.tv_nsec = POLL_NS};

	for (forget_the_dead(g); g->count > 0 && clock_now() < deadline; forget_the_dead(g))
		nanosleep(&nap, NULL);
	/* A stopped worker forks no more, and its pid stays its own while we look for its tree. */
	for (size_t i = 0; i < g->count; i++)
		if (stop(g, i) < 0)
			g->pids[i] = 0;
	for (size_t i = 0; i < g->count; i++)
		if (g->pids[i] > 0)
			proctree_kill(g->pids[i]);
}

void guardian_fini(struct guardian *g)
{
	for (size_t i = 0; i < g->count; i++)
		fd_close(&g->held[i].fd);
	free(g->held);
	free(g->pids);
	*g = (struct guardian){0};
}
