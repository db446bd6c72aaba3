/* SPDX-License-Identifier: MIT */
#include "supervisor/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "supervisor/listener.h"
#include "supervisor/supervisor.h"
#include "wire/link.h"

/* ---- arguments ------------------------------------------------------------------------ */

struct arguments {
	char **argv;
	size_t count;
	bool failed;
};

static void __attribute__((format(printf, 2, 3)))
add(struct arguments *args, const char *format, ...)
{
	char **argv = reallocarray(args->argv, args->count + 2, sizeof(*argv));
	va_list values;
	int len = -1;

	if (argv != NULL) {
		args->argv = argv;
		va_start(values, format);
		len = vasprintf(&argv[args->count], format, values);
		va_end(values);
		args->count += len >= 0;
		argv[args->count] = NULL;
	}
	args->failed |= len < 0;
}

static void free_arguments(struct arguments *args)
{
	for (size_t i = 0; i < args->count; i++)
		free(args->argv[i]);
	free(args->argv);
}

/*
 * Libraries for arithmetic start a thread for each core by themselves: with a worker on each core
 * that is one too many.  Whoever knows better says so in the environment.
 */
static void add_thread_limits(struct arguments *args, const struct pool_config *config)
{
	static const char *const names[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
		"MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
		"VECLIB_MAXIMUM_THREADS"};

	for (size_t i = 0; config->pinned && i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i]) == NULL)
			add(args, "--env=%s=1", names[i]);
}

static const char *limit_text(char text[24], rlim_t value)
{
	if (value == RLIM_INFINITY)
		return "unlimited";
	snprintf(text, 24, "%llu", (unsigned long long)value);
	return text;
}

static void add_limit(struct arguments *args, const struct rlimit_setting *setting)
{
	char soft[24], hard[24];

	add(args, "--rlimit=%s=%s:%s", setting->name, limit_text(soft, setting->limit.rlim_cur),
		limit_text(hard, setting->limit.rlim_max));
}

static void add_settings(struct arguments *args, const struct pool_config *config)
{
	add_thread_limits(args, config);
	for (size_t i = 0; i < config->environment_count; i++)
		add(args, "--env=%s=%s", config->environment[i].name, config->environment[i].value);
	for (size_t i = 0; i < config->rlimit_count; i++)
		add_limit(args, &config->rlimits[i]);
	if (config->has_nice)
		add(args, "--nice=%d", config->nice);
	if (config->has_umask)
		add(args, "--umask=%o", (unsigned int)config->umask);
	if (config->user != NULL)
		add(args, "--user=%s", config->user);
	if (config->init != NULL)
		add(args, "--init=%s", config->init);
	if (config->max_memory > 0)
		add(args, "--max-memory=%" PRIu64, config->max_memory);
}

static int make_arguments(struct arguments *args, const struct pool_config *config)
{
	*args = (struct arguments){0};
	add(args, "%s", config->runtime);
	add_settings(args, config);
	for (size_t i = 0; i < config->plugin_count; i++)
		add(args, "--plugin=%s", config->plugins[i]);
	return args->failed ? -ENOMEM : 0;
}

/* ---- the process ---------------------------------------------------------------------- */

/* Where its workers' tasks find us. */
static void set_environment(const struct supervisor *sup)
{
	const char *address = listener_address(&sup->listener);

	if (address != NULL)
		setenv(WORKER_SOCKET_ENV, address, 1);
	else
		unsetenv(WORKER_SOCKET_ENV);
	unsetenv(WORKER_TOKEN_ENV);
}

/* A clean process: stdin from nowhere, stdout to our stderr, the link, no blocked or ignored signals. */
static int spawn(const char *path, char **argv, int link, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, link, LINK_FD);
	posix_spawn_file_actions_addclosefrom_np(&actions, LINK_FD + 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	r = posix_spawn(ret_pid, path, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* Our own limit of descriptors is none of the tasks' business. */
static int spawn_with_limits(struct supervisor *sup, char **argv, int link, pid_t *ret_pid)
{
	struct rlimit ours;
	int r;

	getrlimit(RLIMIT_NOFILE, &ours);
	setrlimit(RLIMIT_NOFILE, &sup->files);
	set_environment(sup);
	r = spawn(argv[0], argv, link, ret_pid);
	setrlimit(RLIMIT_NOFILE, &ours);
	return r;
}

int runtime_start(
	struct supervisor *sup, const struct pool_config *config, int *ret_link, pid_t *ret_pid)
{
	struct arguments args;
	int ends[2] = {-1, -1};
	int r = make_arguments(&args, config);

	if (r == 0)
		r = fd_socketpair(SOCK_SEQPACKET, ends);
	if (r == 0)
		r = fd_set_nonblock(ends[0]);
	if (r == 0)
		r = spawn_with_limits(sup, args.argv, ends[1], ret_pid);
	free_arguments(&args);
	fd_close(&ends[1]);
	if (r < 0)
		fd_close(&ends[0]);
	else
		*ret_link = ends[0];
	return r;
}
