/* SPDX-License-Identifier: MIT */
#include "client/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/connection.h"

enum {
	SESSION_FD = 3,
	END_WITHIN = 5, /* seconds */
	NAP_MS = 5,
	ARGS_FIXED = 6, /* ruched --session-fd 3 --workers N NULL */
};

/* ---- the start */

static const char *daemon_path(const struct ruche_private *options)
{
	const char *path = options->daemon;

	if (path == NULL)
		path = secure_getenv("RUCHE_DAEMON");
	return path != NULL && path[0] != '\0' ? path : RUCHED_PATH;
}

static size_t count_strings(const char *const *strings)
{
	size_t count = 0;

	while (strings != NULL && strings[count] != NULL)
		count++;
	return count;
}

/* NULL-terminated, to be freed; the strings are borrowed.  NULL: no memory. */
static const char **make_argv(const struct ruche_private *options, const char *workers)
{
	size_t plugins = count_strings(options->plugins);
	const char **argv = calloc(ARGS_FIXED + 2 * plugins, sizeof(*argv));
	size_t n = 0;

	if (argv == NULL)
		return NULL;
	argv[n++] = "ruched";
	argv[n++] = "--session-fd";
	argv[n++] = "3";
	if (options->workers > 0) {
		argv[n++] = "--workers";
		argv[n++] = workers;
	}
	for (size_t i = 0; i < plugins; i++) {
		argv[n++] = "--plugin";
		argv[n++] = options->plugins[i];
	}
	return argv;
}

/*
 * The session's socket first: it may have a number that is overwritten afterwards.  What the
 * caller left inheritable stays behind: the daemon must not hold the caller's pipes open.
 */
static int fill_actions(posix_spawn_file_actions_t *actions, int session)
{
	int r = posix_spawn_file_actions_adddup2(actions, session, SESSION_FD);

	if (r == 0)
		r = posix_spawn_file_actions_addopen(
			actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(
			actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, SESSION_FD + 1);
	return r;
}

/* A session of its own: the terminal's Ctrl-C is for the caller to act upon. */
static int fill_attributes(posix_spawnattr_t *attributes)
{
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes, flags);
	return r;
}

/* 0 or a negative errno, as of exec(). */
static int spawn_prepared(const char *path, const char **argv, posix_spawn_file_actions_t *actions,
	int session, pid_t *ret_pid)
{
	posix_spawnattr_t attributes;
	int r = posix_spawnattr_init(&attributes);

	if (r != 0)
		return -r;
	r = fill_attributes(&attributes);
	if (r == 0)
		r = fill_actions(actions, session);
	if (r == 0)
		r = posix_spawn(ret_pid, path, actions, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

static int spawn(const char *path, const char **argv, int session, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r = -posix_spawn_file_actions_init(&actions);

	if (r < 0)
		return r;
	r = spawn_prepared(path, argv, &actions, session, ret_pid);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int start_daemon(const struct ruche_private *options, int session, pid_t *ret_pid)
{
	char workers[16];
	const char **argv;
	int r;

	snprintf(workers, sizeof(workers), "%u", options->workers);
	argv = make_argv(options, workers);
	if (argv == NULL)
		return -ENOMEM;
	r = spawn(daemon_path(options), argv, session, ret_pid);
	free(argv);
	return r;
}

int ruche_open_private(const struct ruche_private *options, struct ruche **ret)
{
	static const struct ruche_private defaults;
	int pair[2] = {-1, -1}, r;
	pid_t daemon = 0;

	if (ret == NULL)
		return -EINVAL;
	r = fd_socketpair(SOCK_STREAM, pair);
	if (r < 0)
		return r;
	r = start_daemon(options == NULL ? &defaults : options, pair[1], &daemon);
	fd_close(&pair[1]);
	if (r < 0) {
		fd_close(&pair[0]);
		return r;
	}
	r = connection_new(pair[0], ret);
	if (r < 0)
		private_end(daemon);
	else
		(*ret)->daemon = daemon;
	return r;
}

/* ---- the end */

/* Also when the caller's own handler was faster, or SIGCHLD is ignored. */
static bool is_reaped(pid_t daemon)
{
	pid_t r = waitpid(daemon, NULL, WNOHANG);

	return r == daemon || (r < 0 && errno == ECHILD);
}

static bool ends_before(pid_t daemon, uint64_t deadline)
{
	struct pollfd pollfd = {.fd = pidfd_open(daemon, 0), .events = POLLIN};
	bool ended;

	while (!(ended = is_reaped(daemon))) {
		uint64_t now = clock_now();
		int left = now < deadline ? (int)((deadline - now) / CLOCK_MS) + 1 : 0;

		if (left == 0)
			break;
		/* Where there are no pidfds, under valgrind for one, this is a short sleep. */
		poll(&pollfd, 1, pollfd.fd >= 0 || left < NAP_MS ? left : NAP_MS);
	}
	fd_close(&pollfd.fd);
	return ended;
}

void private_end(pid_t daemon)
{
	pid_t r;

	if (ends_before(daemon, clock_now() + END_WITHIN * CLOCK_S))
		return;
	kill(daemon, SIGKILL); /* not reaped: the number is still its own */
	do
		r = waitpid(daemon, NULL, 0);
	while (r < 0 && errno == EINTR);
}
