/* SPDX-License-Identifier: MIT */
#include "cli/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ruche/objects.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "cli/signals.h"

static int set_inherited(int fd)
{
	return fcntl(fd, F_SETFD, 0) < 0 ? errno : 0;
}

/* *ret_watch, unless it is negative: a pipe that is at its end when the command, and all that it leaves behind, have ended. */
static int run_watched(
	const struct cli *cli, char **argv, bool inherits, struct child_end *ret, int *ret_watch)
{
	int ends[2], error = -fd_pipe(ends);

	if (error != 0)
		return error;
	*ret_watch = ends[0];
	if (inherits)
		error = set_inherited(ends[1]);
	if (error == 0 && inherits)
		error = set_inherited(ruche_fd(cli->ruche));
	if (error == 0)
		error = child_run(argv, -1, ret);
	fd_close(&ends[1]);
	return error;
}

static bool is_left(int watch)
{
	struct pollfd poll_fd = {.fd = watch};

	return poll(&poll_fd, 1, 0) == 0;
}

/* Others may have had it as well then, which nobody else could tell. */
static void release(struct ruche_object *lock, const char *name)
{
	int broken = ruche_release(lock);

	if (broken < 0)
		log_warning("the lock was lost while %s ran: %s", name, strerror(-broken));
}

/*
 * A command that died has left what the lock protects as it was just then, and what it left behind holds the lock: then the
 * daemon has to see the connection's end and no release.
 */
static int end(struct cli *cli, struct ruche_object *lock, const char *name,
	const struct child_end *child, int watch)
{
	int status = child_exit_status(cli, name, child);

	if (WIFEXITED(child->wait_status) && !is_left(watch)) {
		release(lock, name);
		return status;
	}
	if (cli->signal != 0)
		signals_die(cli->signal);
	exit(status);
}

static int replace(const struct cli *cli, char **argv)
{
	int error = set_inherited(ruche_fd(cli->ruche));

	if (error != 0)
		return child_not_started(argv[0], error);
	execvp(argv[0], argv);
	return child_not_started(argv[0], errno);
}

int holder_run(struct cli *cli, struct ruche_object *lock, char **argv, enum holder_mode mode)
{
	struct child_end child;
	int watch = -1, error, status;

	if (mode == HOLDER_REPLACE)
		return replace(cli, argv);
	error = run_watched(cli, argv, mode == HOLDER_SHARED, &child, &watch);
	status = error == 0 ? end(cli, lock, argv[0], &child, watch)
			    : child_not_started(argv[0], error);
	fd_close(&watch);
	return status;
}
