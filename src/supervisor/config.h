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

#include "core/access.h"
#include "supervisor/cgroup.h"

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
	uint64_t arena;          /* shared memory of one connection for large values; 0: none */
	uint64_t arena_total;    /* of all of them */
	uint64_t clients;        /* connections */
	uint64_t keep_time;      /* results of submitted tasks, after their end */
	uint64_t keep_bytes;     /* of all of them; of one user a quarter of it at the most */
	uint64_t log_bytes;      /* output kept of one submitted command */
	uint64_t quarantine_after; /* crashes running of one function; 0: never */
	uint64_t user_objects,
		user_object_bytes; /* queues, locks ... of one user, and what is in them */
	uint64_t nested;           /* extra workers while others wait for their own calls */
	uint64_t processes;        /* open tasks that are processes of their own */
};

struct name_value {
	char *name, *value;
};

struct rlimit_setting {
	int resource;     /* RLIMIT_NOFILE, … */
	const char *name; /* "nofile", constant */
	struct rlimit limit;
};

enum config_said { SAID_NOTHING = 0, SAID_YES, SAID_NO };

/* [pool NAME] */
struct pool_config {
	char *name;
	bool restored;  /* was in force already: what it names need not be there any more */
	char *runtime;  /* the fork server's executable */
	char **plugins; /* in the order of loading */
	size_t plugin_count;
	uint32_t min, max; /* workers; 0: one for each usable core, see config_pool_workers() */
	uint32_t spare;    /* idle workers beyond those that are needed now, up to max */
	int *cores;        /* to pin workers to in turn; NULL: the usable ones */
	size_t core_count;
	bool pinned;
	char *user; /* a name or number; NULL: the daemon's own */
	uid_t uid;  /* that is */
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

	/* Confinement: see config_pool_gains_nothing() and config_pool_has_group(). */
	enum config_said no_new_privs, cgroup;
	char *deny_syscalls; /* names between blanks; NULL: none */
	char **writable;     /* paths, or "none"; NULL: wherever the user may write */
	size_t writable_count;
	uint64_t memory_max, pids_max; /* of a worker's control group; 0: no limit */
	uint32_t cpu_max;              /* likewise, percent of one core */
};

/* [function NAME] */
struct function_config {
	char *name;
	uint64_t max_running; /* at a time; 0: no limit */
};

/* A file as it was read. */
struct config_text {
	char *file, *text;
	size_t len;
};

struct config {
	bool restored; /* as a pool's */
	struct config_text *texts;
	size_t text_count;
	char *socket; /* NULL: the default place, or what systemd passed */
	/* [daemon] */
	mode_t socket_mode;
	char *socket_group;  /* a name or number; NULL: the daemon's own */
	gid_t socket_gid;    /* that is */
	uint64_t stop_grace; /* for running tasks at the end */
	struct limits limits;
	struct pool_config *pools; /* the first one is "default" */
	size_t pool_count;
	struct function_config *functions; /* sorted by name */
	size_t function_count;
	struct access_policy policy; /* the sections [allow NAME], in the order of coming */
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
 * The same from what another has read, and was in force: files that it names are not looked for, since workers go on without
 * them.  0, or a negative errno with the reason in
 * `error`.
 */
int config_read_texts(struct config *config, const struct config_text *texts, size_t count,
	char error[CONFIG_ERROR_MAX]);
/* One more: a copy.  0 or -ENOMEM. */
int config_add_text(struct config *config, const char *file, const char *text, size_t len);

/*
 * What only shows when all is read: min above max, a user that only root can become, …  0 or
 * -EINVAL with the reason in `error`.  With 0 it is empty or a warning: what cannot be as it was
 * asked for, but does no harm.
 */
int config_check(const struct config *config, char error[CONFIG_ERROR_MAX]);

struct pool_config *config_pool(const struct config *config, const char *name); /* NULL: none */
/* This one lies in it. */
bool config_has_pool(const struct config *config, const struct pool_config *pool);
const struct function_config *config_function(
	const struct config *config, const char *name, size_t len); /* NULL: none */

/*
 * The workers that a pool is to have where `cores` can be used, 1 <= *ret_min <= *ret_max: what was
 * said stands, and what was left open is the number of cores or, if that contradicts it, the same.
 */
void config_pool_workers(
	const struct pool_config *pool, uint32_t cores, uint32_t *ret_min, uint32_t *ret_max);

/* One plugin more, or all that match a pattern, by name, that are not there; what is no pattern matches itself.  0 or a negative errno. */
int config_pool_add_plugin(struct pool_config *pool, const char *file);
int config_pool_add_plugins(struct pool_config *pool, const char *pattern);
void config_pool_clear_plugins(struct pool_config *pool);
void config_pool_clear_environment(struct pool_config *pool);
void config_pool_clear_writable(struct pool_config *pool);

/* Whether it is said, or follows from what is said. */
bool config_pool_gains_nothing(const struct pool_config *pool);
bool config_pool_has_group(const struct pool_config *pool);
struct cgroup_limits config_pool_limits(const struct pool_config *pool);
/* As config_check(). */
int config_check_confinement(const struct pool_config *pool, char error[CONFIG_ERROR_MAX]);

/* Where the pool, function or rule of this name stands; it is made if need be.  -ENOSPC: too many; -ENOMEM. */
int config_enter_pool(struct config *config, const char *name);
int config_enter_function(struct config *config, const char *name);
int config_enter_allow(struct config *config, const char *name);

bool config_pool_name_is_valid(const char *name);

#endif
