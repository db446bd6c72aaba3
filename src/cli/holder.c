/* SPDX-License-Identifier: MIT */
#include "cli/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ruche/objects.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/signals.h"

enum { STATUS_NOT_FOUND = 127 };

extern char **environ;

struct holder {
	struct cli *cli;
	pid_t pid; /* of the command */
	int watch; /* a pipe: at its end when the command, and all that it leaves behind, have ended */
	int signals_fd;
	int signal; /* the last that was passed on, or 0 */
};

static int tell_not_started(const char *name, int error)
{
	log_error("cannot run %s: %s", name, strerror(error));
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_STARTED;
}

static int set_inherited(int fd)
{
	return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
}

/* ---- start */

/* The command gets the signals as we got them; we take some and ignore SIGPIPE. */
static int spawn_with(struct holder *holder, char **argv, const sigset_t *mask, bool ignores_pipe)
{
	short flags = POSIX_SPAWN_SETSIGMASK | (ignores_pipe ? 0 : POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_t attributes;
	sigset_t pipe_only;
	int error;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	error = posix_spawnattr_init(&attributes);
	if (error != 0)
		return error;
	error = posix_spawnattr_setsigmask(&attributes, mask);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(&attributes, &pipe_only);
	if (error == 0)
		error = posix_spawnattr_setflags(&attributes, flags);
	if (error == 0)
		error = posix_spawnp(&holder->pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static int start(struct holder *holder, char **argv)
{
	struct sigaction old_pipe;
	sigset_t old_mask;

	if (sigprocmask(SIG_BLOCK, NULL, &old_mask) < 0 || sigaction(SIGPIPE, NULL, &old_pipe) < 0)
		return errno;
	signal(SIGCHLD, SIG_DFL); /* ignored, we would not hear how it ends */
	holder->signals_fd = signals_open(SIGCHLD);
	if (holder->signals_fd < 0)
		return -holder->signals_fd;
	return spawn_with(holder, argv, &old_mask, old_pipe.sa_handler == SIG_IGN);
}

/* An errno.  The end of the pipe that the command has is closed here. */
static int start_watched(struct holder *holder, char **argv, bool inherits)
{
	int ends[2], error = -fd_pipe(ends);

	if (error != 0)
		return error;
	holder->watch = ends[0];
	if (inherits) {
		error = -set_inherited(ends[1]);
		if (error == 0)
			error = -set_inherited(ruche_fd(holder->cli->ruche));
	}
	if (error == 0)
		error = start(holder, argv);
	fd_close(&ends[1]);
	return error;
}

/* ---- the end */

/* A terminal sends its own to the command as well. */
static void pass_signals_on(struct holder *holder)
{
	bool by_kernel;
	int signal;

	while ((signal = signals_next(holder->signals_fd, &by_kernel)) != 0) {
		if (signal == SIGCHLD)
			continue;
		holder->signal = signal;
		if (!by_kernel)
			kill(holder->pid, signal);
	}
}

/* While it is no more than a zombie, its pid is no other process's: so signals can be sent to it. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

static bool is_left(const struct holder *holder)
{
	struct pollfd poll_fd = {.fd = holder->watch};

	return poll(&poll_fd, 1, 0) == 0;
}

static int exit_status(struct holder *holder, const char *name, int status)
{
	char text[SIGNAL_TEXT_MAX];

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* A shell leaves its loop only if it sees its child die of SIGINT. */
	if (WTERMSIG(status) == SIGINT && holder->signal == SIGINT)
		holder->cli->signal = SIGINT;
	else if (holder->signal == 0)
		log_error("%s was killed by %s", name, failure_signal(text, WTERMSIG(status)));
	return STATUS_SIGNAL + WTERMSIG(status);
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
static int end(struct holder *holder, struct ruche_object *lock, const char *name)
{
	int wait_status = 0, status;

	if (waitpid(holder->pid, &wait_status, 0) < 0)
		return cli_broken(-errno);
	status = exit_status(holder, name, wait_status);
	if (WIFEXITED(wait_status) && !is_left(holder)) {
		release(lock, name);
		return status;
	}
	if (holder->cli->signal != 0)
		signals_die(holder->cli->signal);
	exit(status);
}

static void wait_for_end(struct holder *holder)
{
	while (!has_ended(holder->pid)) {
		struct pollfd poll_fd = {.fd = holder->signals_fd, .events = POLLIN};

		if (poll(&poll_fd, 1, -1) > 0)
			pass_signals_on(holder);
	}
}

/* ---- the command in our place */

static int replace(struct cli *cli, char **argv)
{
	int broken = set_inherited(ruche_fd(cli->ruche));

	if (broken < 0)
		return tell_not_started(argv[0], -broken);
	execvp(argv[0], argv);
	return tell_not_started(argv[0], errno);
}

int holder_run(struct cli *cli, struct ruche_object *lock, char **argv, enum holder_mode mode)
{
	struct holder holder = {.cli = cli, .watch = -1, .signals_fd = -1};
	int error, status;

	if (mode == HOLDER_REPLACE)
		return replace(cli, argv);
	error = start_watched(&holder, argv, mode == HOLDER_SHARED);
	if (error == 0)
		wait_for_end(&holder);
	status = error == 0 ? end(&holder, lock, argv[0]) : tell_not_started(argv[0], error);
	fd_close(&holder.signals_fd);
	fd_close(&holder.watch);
	return status;
}
