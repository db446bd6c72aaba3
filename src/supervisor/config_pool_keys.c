/* SPDX-License-Identifier: MIT */
/* The keys of [pool NAME]. */
#include "supervisor/config_keys.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "supervisor/config.h"

enum { COUNT_MAX = 1000000000, ENVIRONMENT_MAX = 1024 };

/* ---- workers ---------------------------------------------------------------------------- */

static int set_workers(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;
	struct value_range range = {1, CONFIG_WORKERS_MAX};
	uint64_t count = 0;

	if (strcmp(value, "auto") != 0 && value_number(value, range, &count) < 0) {
		text_format(why, WHY_MAX,
			"takes a whole number from 1 to %d, or auto for one for each usable core, "
			"not " WHY_VALUE,
			CONFIG_WORKERS_MAX, value);
		return -EINVAL;
	}
	if (key->says & SAYS_MIN)
		pool->min = (uint32_t)count;
	if (key->says & SAYS_MAX)
		pool->max = (uint32_t)count;
	return 0;
}

static int set_count(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	uint32_t *to = config_field(key, target);
	struct config_key plain = {.range = key->range};
	uint64_t number;
	int r = config_set_number(&plain, &number, value, why);

	if (r == 0)
		*to = (uint32_t)number;
	return r;
}

static int set_cores(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;
	bool is_word = strcmp(value, "auto") == 0 || strcmp(value, "none") == 0;
	int *cores = NULL;
	size_t count = 0;
	int r = is_word ? 0 : value_cores(value, &cores, &count);

	(void)key;
	if (r == -EINVAL)
		text_format(why, WHY_MAX,
			"takes auto, none, or the numbers of cores, each once, as in 0-3,5, "
			"not " WHY_VALUE,
			value);
	if (r < 0)
		return r;
	free(pool->cores);
	pool->cores = cores;
	pool->core_count = count;
	pool->pinned = strcmp(value, "none") != 0;
	return 0;
}

/* ---- files ------------------------------------------------------------------------------ */

static int check_access(
	const struct pool_config *pool, const char *path, int mode, char why[WHY_MAX])
{
	if (pool->restored || access(path, mode) == 0)
		return 0;
	text_format(why, WHY_MAX, "names %.300s, which cannot be %s: %s", path,
		mode == X_OK ? "run" : "read", strerror(errno));
	return -EINVAL;
}

static int set_runtime(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	if (config_check_absolute(value, why) < 0 || check_access(target, value, X_OK, why) < 0)
		return -EINVAL;
	return config_replace(config_field(key, target), value);
}

/* A pattern may match nothing; a file that is named must be there. */
static int set_plugin(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	int r;

	(void)key;
	if (*value == '\0') {
		config_pool_clear_plugins(target);
		return 0;
	}
	if (config_check_absolute(value, why) < 0 ||
		(strpbrk(value, "*?[") == NULL && check_access(target, value, R_OK, why) < 0))
		return -EINVAL;
	r = config_pool_add_plugins(target, value);
	if (r == 0 || r == -ENOMEM)
		return r;
	text_format(why, WHY_MAX, "cannot look for " WHY_VALUE ": %s", value, strerror(-r));
	return -EINVAL;
}

/* ---- what workers are ------------------------------------------------------------------- */

static bool user_exists(const char *name, uid_t *ret)
{
	return value_user(name, ret) == 0 && getpwuid(*ret) != NULL;
}

static int set_user(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;

	if (*value == '\0' || user_exists(value, &pool->uid))
		return config_set_or_clear(config_field(key, target), value);
	text_format(
		why, WHY_MAX, "takes a user's name or number; there is no user " WHY_VALUE, value);
	return -EINVAL;
}

static int set_init(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	if (strlen(value) <= CONFIG_FUNCTION_NAME_MAX)
		return config_set_or_clear(config_field(key, target), value);
	text_format(why, WHY_MAX, "takes the name of a function, of at most %d bytes",
		CONFIG_FUNCTION_NAME_MAX);
	return -EINVAL;
}

static int set_nice(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;

	(void)key;
	if (value_integer(value, -20, 19, &pool->nice) < 0) {
		text_format(
			why, WHY_MAX, "takes a whole number from -20 to 19, not " WHY_VALUE, value);
		return -EINVAL;
	}
	pool->has_nice = true;
	return 0;
}

static int set_umask(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;

	(void)key;
	if (value_umask(value, &pool->umask) < 0) {
		text_format(
			why, WHY_MAX, "takes an octal number from 0 to 777, not " WHY_VALUE, value);
		return -EINVAL;
	}
	pool->has_umask = true;
	return 0;
}

/* ---- environment ------------------------------------------------------------------------ */

static bool is_variable(const char *name, size_t len)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char rest[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return strspn(name, first) > 0 && strspn(name, rest) == len;
}

/* The daemon tells its workers these itself. */
static bool is_own_variable(const char *name, size_t len)
{
	return (len == strlen("RUCHE_SOCKET") && memcmp(name, "RUCHE_SOCKET", len) == 0) ||
	       (len == strlen("RUCHE_TASK") && memcmp(name, "RUCHE_TASK", len) == 0);
}

/* The place of a variable: the one that it has already, or a new one.  NULL: no memory. */
static struct name_value *enter_variable(struct pool_config *pool, const char *name, size_t len)
{
	size_t count = pool->environment_count;
	struct name_value *all = pool->environment;

	for (size_t i = 0; i < count; i++)
		if (strncmp(all[i].name, name, len) == 0 && all[i].name[len] == '\0')
			return &all[i];
	all = reallocarray(all, count + 1, sizeof(*all));
	if (all == NULL)
		return NULL;
	pool->environment = all;
	all[count] = (struct name_value){.name = strndup(name, len)};
	if (all[count].name == NULL)
		return NULL;
	pool->environment_count++;
	return &all[count];
}

static int set_environment(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;
	size_t len = strcspn(value, "=");
	struct name_value *variable;

	(void)key;
	if (*value == '\0') {
		config_pool_clear_environment(pool);
		return 0;
	}
	if (value[len] == '\0' || !is_variable(value, len)) {
		text_format(why, WHY_MAX, "takes NAME=VALUE, not " WHY_VALUE, value);
		return -EINVAL;
	}
	if (is_own_variable(value, len) || pool->environment_count == ENVIRONMENT_MAX) {
		text_format(why, WHY_MAX,
			"takes at most %d variables, and neither RUCHE_SOCKET nor RUCHE_TASK, "
			"which the daemon sets itself",
			ENVIRONMENT_MAX);
		return -EINVAL;
	}
	variable = enter_variable(pool, value, len);
	return variable == NULL ? -ENOMEM : config_replace(&variable->value, value + len + 1);
}

/* ---- limits of resources ---------------------------------------------------------------- */

static struct rlimit_setting *enter_rlimit(struct pool_config *pool, const struct config_key *key)
{
	size_t count = pool->rlimit_count;
	struct rlimit_setting *all = pool->rlimits;

	for (size_t i = 0; i < count; i++)
		if (all[i].resource == key->resource)
			return &all[i];
	all = reallocarray(all, count + 1, sizeof(*all));
	if (all == NULL)
		return NULL;
	pool->rlimits = all;
	all[count] = (struct rlimit_setting){
		.resource = key->resource, .name = key->name + strlen("rlimit_")};
	pool->rlimit_count++;
	return &all[count];
}

static int set_rlimit(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct rlimit_setting *setting;
	struct rlimit limit;

	if (value_rlimit(value, &limit) < 0) {
		text_format(why, WHY_MAX,
			"takes a number (K, M, G or T behind it), unlimited, or two of them as "
			"SOFT:HARD, not " WHY_VALUE,
			value);
		return -EINVAL;
	}
	setting = enter_rlimit(target, key);
	if (setting == NULL)
		return -ENOMEM;
	setting->limit = limit;
	return 0;
}

/* ---- the table -------------------------------------------------------------------------- */

#define RLIMIT(limit, constant)                                                                    \
	{                                                                                          \
		.name = "rlimit_" limit, .set = set_rlimit, .resource = (constant)                 \
	}

const struct config_key config_pool_keys[CONFIG_POOL_KEYS] = {
	{KEY_FIELD(pool_config, runtime), .set = set_runtime},
	{.name = "plugin", .set = set_plugin, .repeats = true},
	{.name = "workers", .set = set_workers, .says = SAYS_MIN | SAYS_MAX},
	{.name = "min", .set = set_workers, .says = SAYS_MIN},
	{.name = "max", .set = set_workers, .says = SAYS_MAX},
	{KEY_FIELD(pool_config, spare), .set = set_count, KEY_RANGE(0, CONFIG_WORKERS_MAX)},
	{KEY_FIELD(pool_config, cores), .set = set_cores},
	{KEY_FIELD(pool_config, user), .set = set_user},
	{KEY_FIELD(pool_config, nice), .set = set_nice},
	{KEY_FIELD(pool_config, umask), .set = set_umask},
	{.name = "environment", .set = set_environment, .repeats = true},
	{KEY_FIELD(pool_config, max_tasks), .set = config_set_number, KEY_RANGE(0, COUNT_MAX)},
	{KEY_FIELD(pool_config, max_memory), .set = config_set_size, KEY_RANGE(0, 16 * SIZE_T)},
	{KEY_FIELD(pool_config, init), .set = set_init},
	{KEY_FIELD(pool_config, grace), .set = config_set_time, KEY_RANGE(0, TIME_DAY)},
	{KEY_FIELD(pool_config, no_new_privs), .set = config_set_said},
	{KEY_FIELD(pool_config, deny_syscalls), .set = config_set_syscalls},
	{.name = "writable", .set = config_set_writable, .repeats = true},
	{KEY_FIELD(pool_config, cgroup), .set = config_set_said},
	{KEY_FIELD(pool_config, memory_max), .set = config_set_size, KEY_RANGE(0, 16 * SIZE_T)},
	{KEY_FIELD(pool_config, pids_max), .set = config_set_number, KEY_RANGE(0, 1 << 22)},
	{KEY_FIELD(pool_config, cpu_max), .set = config_set_percent},
	RLIMIT("as", RLIMIT_AS),
	RLIMIT("core", RLIMIT_CORE),
	RLIMIT("cpu", RLIMIT_CPU),
	RLIMIT("data", RLIMIT_DATA),
	RLIMIT("fsize", RLIMIT_FSIZE),
	RLIMIT("memlock", RLIMIT_MEMLOCK),
	RLIMIT("msgqueue", RLIMIT_MSGQUEUE),
	RLIMIT("nice", RLIMIT_NICE),
	RLIMIT("nofile", RLIMIT_NOFILE),
	RLIMIT("nproc", RLIMIT_NPROC),
	RLIMIT("rtprio", RLIMIT_RTPRIO),
	RLIMIT("rttime", RLIMIT_RTTIME),
	RLIMIT("sigpending", RLIMIT_SIGPENDING),
	RLIMIT("stack", RLIMIT_STACK),
};
