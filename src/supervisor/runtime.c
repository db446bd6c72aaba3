/* SPDX-License-Identifier: MIT */
#include "supervisor/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "supervisor/child.h"
#include "supervisor/listener.h"
#include "supervisor/supervisor.h"
#include "wire/link.h"

_Static_assert((int)LINK_FD == (int)CHILD_FD, "where a fork server looks for its link");

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

static void add_confinement(struct arguments *args, const struct pool_config *config)
{
	if (config_pool_gains_nothing(config))
		add(args, "--no-new-privs=yes");
	if (config->deny_syscalls != NULL)
		add(args, "--deny-syscalls=%s", config->deny_syscalls);
	for (size_t i = 0; i < config->writable_count; i++)
		add(args, "--writable=%s", config->writable[i]);
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
	add_confinement(args, config);
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

/* Our own limit of descriptors is none of the tasks' business. */
static int spawn_with_limits(struct supervisor *sup, char **argv, int link, pid_t *ret_pid)
{
	struct rlimit ours;
	int r;

	getrlimit(RLIMIT_NOFILE, &ours);
	setrlimit(RLIMIT_NOFILE, &sup->files);
	set_environment(sup);
	r = child_spawn(argv[0], argv, STDERR_FILENO, link, ret_pid);
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
