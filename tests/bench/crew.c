/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 200 };

static void run_member(struct crew *crew, void (*member)(struct crew *crew, const void *context),
	const void *context)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(crew->go[1]);
	close(crew->stay[1]);
	close(crew->told[0]);
	member(crew, context);
	_exit(0);
}

void crew_start(struct crew *crew, size_t count,
	void (*member)(struct crew *crew, const void *context), const void *context)
{
	if (count > CREW_MAX)
		measure_fail("too many processes", 0);
	if (pipe(crew->go) < 0 || pipe(crew->told) < 0 || pipe(crew->stay) < 0)
		measure_fail("pipe", -errno);
	for (crew->count = 0; crew->count < count; crew->count++) {
		pid_t pid = fork();

		if (pid < 0)
			measure_fail("fork", -errno);
		if (pid == 0)
			run_member(crew, member, context);
		crew->pids[crew->count] = pid;
	}
	close(crew->go[0]);
	close(crew->stay[0]);
	close(crew->told[1]);
}

/* One that has ended by now has failed, and has said why. */
static void check_members(const struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		if (waitpid(crew->pids[i], NULL, WNOHANG) != 0)
			measure_fail("a process of the benchmark has ended", 0);
}

void crew_await(struct crew *crew)
{
	struct pollfd told = {.fd = crew->told[0], .events = POLLIN};
	char bytes[CREW_MAX];

	for (size_t heard = 0; heard < crew->count;) {
		ssize_t n;

		if (poll(&told, 1, LOOK_MS) == 0) {
			check_members(crew);
			continue;
		}
		n = read(crew->told[0], bytes, crew->count - heard);
		if (n <= 0)
			measure_fail("no word from the processes of the benchmark", 0);
		heard += (size_t)n;
	}
}

void crew_go(struct crew *crew)
{
	char bytes[CREW_MAX] = "";

	if (write(crew->go[1], bytes, crew->count) != (ssize_t)crew->count)
		measure_fail("write", -errno);
}

void crew_run(struct crew *crew, struct measure *measure)
{
	crew_await(crew);
	measure_begin(measure);
	crew_go(crew);
	crew_await(crew);
	measure_end(measure);
}

void crew_end(struct crew *crew)
{
	close(crew->go[1]);
	close(crew->stay[1]);
	for (size_t i = 0; i < crew->count; i++)
		waitpid(crew->pids[i], NULL, 0);
	close(crew->told[0]);
}

/* ---- a member's side */

static void tell(struct crew *crew)
{
	if (write(crew->told[1], "", 1) != 1)
		measure_fail("write", -errno);
}

void crew_ready(struct crew *crew)
{
	char byte;

	tell(crew);
	if (read(crew->go[0], &byte, 1) != 1)
		measure_fail("the benchmark has ended", 0);
}

void crew_done(struct crew *crew)
{
	char byte;

	tell(crew);
	(void)!read(crew->stay[0], &byte, 1);
}
