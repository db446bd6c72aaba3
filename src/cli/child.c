/* SPDX-License-Identifier: MIT */
#include "cli/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/signals.h"

enum { STATUS_NOT_FOUND = 127 };

extern char **environ;

struct child {
	pid_t pid;
	int signals_fd;
	/* as they were: the command gets them so, and so do we when it has ended */
	sigset_t mask;
	struct sigaction on_pipe;
};

/* ---- start */

static int fill_attributes(posix_spawnattr_t *attributes, const struct child *child)
{
	bool ignores_pipe = child->on_pipe.sa_handler == SIG_IGN;
	short flags = POSIX_SPAWN_SETSIGMASK | (ignores_pipe ? 0 : POSIX_SPAWN_SETSIGDEF);
	sigset_t pipe_only;
	int error = posix_spawnattr_setsigmask(attributes, &child->mask);

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &pipe_only);
	return error != 0 ? error : posix_spawnattr_setflags(attributes, flags);
}

static int spawn_with(
	struct child *child, char **argv, int input, posix_spawn_file_actions_t *actions)
{
	posix_spawnattr_t attributes;
	int error = posix_spawnattr_init(&attributes);

	if (error != 0)
		return error;
	error = fill_attributes(&attributes, child);
	if (error == 0 && input >= 0)
		error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
	if (error == 0)
		error = posix_spawnp(&child->pid, argv[0], actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static int spawn(struct child *child, char **argv, int input)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = spawn_with(child, argv, input, &actions);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* ---- the end */

static void pass_signals_on(const struct child *child, struct child_end *end)
{
	bool by_kernel;
	int signal;

	while ((signal = signals_next(child->signals_fd, &by_kernel)) != 0) {
		if (signal == SIGCHLD)
			continue;
		end->signal = signal;
		if (!by_kernel)
			kill(child->pid, signal);
	}
}

/* While it is no more than a zombie, its pid is no other process's: so signals can be sent to it. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

static int wait_for_end(const struct child *child, struct child_end *end)
{
	while (!has_ended(child->pid)) {
		struct pollfd poll_fd = {.fd = child->signals_fd, .events = POLLIN};

		if (poll(&poll_fd, 1, -1) > 0)
			pass_signals_on(child, end);
	}
	pass_signals_on(child, end); /* the one that it has ended of came to us as well */
	return waitpid(child->pid, &end->wait_status, 0) < 0 ? errno : 0;
}

int child_run(char **argv, int input, struct child_end *ret)
{
	struct child child = {.signals_fd = -1};
	int error;

	*ret = (struct child_end){0};
	signal(SIGCHLD, SIG_DFL); /* ignored, we would not hear how it ends */
	if (sigprocmask(SIG_BLOCK, NULL, &child.mask) < 0 ||
		sigaction(SIGPIPE, NULL, &child.on_pipe) < 0)
		return errno;
	child.signals_fd = signals_open(SIGCHLD);
	if (child.signals_fd < 0)
		return -child.signals_fd;
	error = spawn(&child, argv, input);
	if (error == 0)
		error = wait_for_end(&child, ret);
	fd_close(&child.signals_fd);
	sigaction(SIGPIPE, &child.on_pipe, NULL);
	sigprocmask(SIG_SETMASK, &child.mask, NULL);
	return error;
}

int child_not_started(const char *name, int error)
{
	log_error("cannot run %s: %s", name, strerror(error));
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_STARTED;
}

int child_exit_status(struct cli *cli, const char *name, const struct child_end *end)
{
	char text[SIGNAL_TEXT_MAX];
	int signal = WTERMSIG(end->wait_status);

	if (WIFEXITED(end->wait_status))
		return WEXITSTATUS(end->wait_status);
	/* A shell leaves its loop only if it sees its child die of SIGINT. */
	if (signal == SIGINT && end->signal == SIGINT)
		cli->signal = SIGINT;
	else if (end->signal == 0)
		log_error("%s was killed by %s", name, failure_signal(text, signal));
	return STATUS_SIGNAL + signal;
}
