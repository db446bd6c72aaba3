/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CONFIG_H
#define SUPERVISOR_CONFIG_H

/*
 * What the daemon is told to be: ruche.conf(5), a drop-in folder beside it, and what the
 * environment and the command line say over it.  Reads files; changes nothing else.  A
 * config is built anew for each reload, and takes the place of the old one only if it is good.
 *
 * Times are nanoseconds, sizes bytes.  Everything is owned by the config.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
	CONFIG_WORKERS_MAX = 1024,
	CONFIG_POOL_NAME_MAX = 64, /* with the \0 at its end */
	CONFIG_POOLS_MAX = 64,
	CONFIG_FUNCTIONS_MAX = 4096,
	CONFIG_FUNCTION_NAME_MAX = 255, /* as a method's on the wire */
	CONFIG_FILE_MAX = 1 << 20,
	CONFIG_ERROR_MAX = 1024
};

/* [limits] */
struct limits {
	/* Open tasks, and bytes of their requests: of one connection, of one user, of all. */
	uint64_t connection_tasks, connection_bytes;
	uint64_t user_tasks, user_bytes;
	uint64_t tasks, bytes;
	uint64_t user_running; /* tasks of one user with workers at a time; 0: no limit */
	uint64_t
		unread_bytes; /* answers not read yet, from which on a connection gets no work done */
	uint64_t unread_timeout; /* ... for so long without reading any: cut off; 0: never */
	uint64_t unread_total;   /* of all connections: above it the one with the most is cut off */
	uint64_t frame;          /* one message, either direction */
	uint64_t clients;        /* connections */
	uint64_t keep_time;      /* results of submitted tasks, after their end */
	uint64_t keep_bytes;     /* of all of them; of one user a quarter of it at the most */
	uint64_t log_bytes;      /* output kept of one submitted command */
	uint64_t quarantine_after; /* crashes running of one function; 0: never */
	uint64_t nested;           /* extra workers while others wait for their own calls */
};

struct name_value {
	char *name, *value;
};

struct rlimit_setting {
	int resource;     /* RLIMIT_NOFILE, … */
	const char *name; /* "nofile", constant */
	struct rlimit limit;
};

/* [pool NAME] */
struct pool_config {
	char *name;
	char *runtime;  /* the fork server's executable */
	char **plugins; /* in the order of loading */
	size_t plugin_count;
	uint32_t min, max; /* workers; 0: one for each usable core, see config_pool_workers() */
	uint32_t spare;    /* idle workers beyond those that are needed now, up to max */
	int *cores;        /* to pin workers to in turn; NULL: the usable ones */
	size_t core_count;
	bool pinned;
	char *user; /* a name or number; NULL: the daemon's own */
	int nice;
	bool has_nice, has_umask;
	mode_t umask;
	struct name_value *environment;
	size_t environment_count;
	struct rlimit_setting *rlimits;
	size_t rlimit_count;
	uint64_t max_tasks;  /* of one worker before it is replaced; 0: no limit */
	uint64_t max_memory; /* resident, likewise */
	char *init;     /* a function called once in each worker, without arguments; NULL: none */
	uint64_t grace; /* from being asked to stop a task to SIGKILL */
};

/* [function NAME] */
struct function_config {
	char *name;
	uint64_t max_running; /* at a time; 0: no limit */
};

struct config {
	char *file;          /* that was read; NULL: none */
	char *socket;        /* NULL: the default place, or what systemd passed */
	uint64_t stop_grace; /* [daemon]: for running tasks at the end */
	struct limits limits;
	struct pool_config *pools; /* the first one is "default" */
	size_t pool_count;
	struct function_config *functions; /* sorted by name */
	size_t function_count;
};

/* All defaults and one pool, "default", without plugins.  0 or -ENOMEM. */
int config_init(struct config *config);
void config_fini(struct config *config);

/*
 * Reads `file` and then FILE.d/ *.conf in the order of their names, over what is there.  A key that
 * may stand once takes the place of an earlier file's; plugins and variables are added, and an
 * empty value forgets those that came before.  0; -ENOENT: there is no such file, only what is in
 * FILE.d was read; or another negative errno, with "FILE:LINE: what is wrong and what is allowed"
 * in `error` (in both cases), after which the config is good for config_fini() alone.
 */
int config_read(struct config *config, const char *file, char error[CONFIG_ERROR_MAX]);

/*
 * What only shows when all is read: min above max, a user that only root can become, …  0 or
 * -EINVAL with the reason in `error`.  With 0 it is empty or a warning: what cannot be as it was
 * asked for, but does no harm.
 */
int config_check(const struct config *config, char error[CONFIG_ERROR_MAX]);

struct pool_config *config_pool(const struct config *config, const char *name); /* NULL: none */
const struct function_config *config_function(
	const struct config *config, const char *name, size_t len); /* NULL: none */

/*
 * The workers that a pool is to have where `cores` can be used, 1 <= *ret_min <= *ret_max: what was
 * said stands, and what was left open is the number of cores or, if that contradicts it, the same.
 */
void config_pool_workers(
	const struct pool_config *pool, uint32_t cores, uint32_t *ret_min, uint32_t *ret_max);

/* One plugin more, or all that match a pattern, by name, that are not there.  0 or a negative errno. */
int config_pool_add_plugin(struct pool_config *pool, const char *file);
int config_pool_add_plugins(struct pool_config *pool, const char *pattern);
void config_pool_clear_plugins(struct pool_config *pool);
void config_pool_clear_environment(struct pool_config *pool);

/* Where the pool or function of this name stands; it is made if need be.  -ENOSPC: too many; -ENOMEM. */
int config_enter_pool(struct config *config, const char *name);
int config_enter_function(struct config *config, const char *name);

bool config_pool_name_is_valid(const char *name);

#endif
