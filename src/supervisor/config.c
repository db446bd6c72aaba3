/* SPDX-License-Identifier: MIT */
#include "supervisor/config.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/config_values.h"

static const struct limits default_limits = {
	.connection_tasks = 65536,
	.connection_bytes = UINT64_C(64) << 20,
	.user_tasks = 500000,
	.user_bytes = UINT64_C(1) << 30,
	.tasks = 1000000,
	.bytes = UINT64_C(2) << 30,
	.unread_bytes = UINT64_C(1) << 20,
	.unread_timeout = 60 * CLOCK_S,
	.unread_total = UINT64_C(256) << 20,
	.frame = UINT64_C(64) << 20,
	.arena = UINT64_C(512) << 20,
	.arena_total = UINT64_C(8) << 30,
	.clients = 1024,
	.keep_time = 3600 * CLOCK_S,
	.keep_bytes = UINT64_C(256) << 20,
	.log_bytes = UINT64_C(1) << 20,
	.quarantine_after = 10,
	.user_objects = 1024,
	.user_object_bytes = UINT64_C(256) << 20,
	.nested = 256,
	.processes = 256,
};

/* ---- pools and functions ---------------------------------------------------------------- */

static int pool_init(struct pool_config *pool, const char *name)
{
	*pool = (struct pool_config){
		.name = strdup(name),
		.runtime = strdup(FORKSERVER_PATH),
		.pinned = true,
		.grace = 5 * CLOCK_S,
	};
	return pool->name == NULL || pool->runtime == NULL ? -ENOMEM : 0;
}

static void pool_fini(struct pool_config *pool)
{
	config_pool_clear_plugins(pool);
	config_pool_clear_environment(pool);
	config_pool_clear_writable(pool);
	free(pool->deny_syscalls);
	free(pool->rlimits);
	free(pool->cores);
	free(pool->user);
	free(pool->init);
	free(pool->runtime);
	free(pool->name);
}

static int find_pool(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (strcmp(config->pools[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int config_enter_pool(struct config *config, const char *name)
{
	size_t count = config->pool_count;
	struct pool_config *pools;
	int at = find_pool(config, name);

	if (at >= 0)
		return at;
	if (count == CONFIG_POOLS_MAX)
		return -ENOSPC;
	pools = reallocarray(config->pools, count + 1, sizeof(*pools));
	if (pools == NULL)
		return -ENOMEM;
	config->pools = pools;
	config->pool_count++;
	if (pool_init(&pools[count], name) < 0)
		return -ENOMEM;
	pools[count].restored = config->restored;
	return (int)count;
}

/* In the order of coming: they are sorted when all is read. */
static int find_function(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->function_count; i++)
		if (strcmp(config->functions[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int config_enter_function(struct config *config, const char *name)
{
	size_t count = config->function_count;
	struct function_config *functions;
	int at = find_function(config, name);

	if (at >= 0)
		return at;
	if (count == CONFIG_FUNCTIONS_MAX)
		return -ENOSPC;
	functions = reallocarray(config->functions, count + 1, sizeof(*functions));
	if (functions == NULL)
		return -ENOMEM;
	config->functions = functions;
	functions[count] = (struct function_config){.name = strdup(name)};
	if (functions[count].name == NULL)
		return -ENOMEM;
	config->function_count++;
	return (int)count;
}

int config_enter_allow(struct config *config, const char *name)
{
	struct access_policy *policy = &config->policy;
	struct access_rule *rules;

	for (size_t i = 0; i < policy->count; i++)
		if (strcmp(policy->rules[i].name, name) == 0)
			return (int)i;
	if (policy->count == ACCESS_RULES_MAX)
		return -ENOSPC;
	rules = reallocarray(policy->rules, policy->count + 1, sizeof(*rules));
	if (rules == NULL)
		return -ENOMEM;
	policy->rules = rules;
	if (access_rule_init(&rules[policy->count], name) < 0)
		return -ENOMEM;
	return (int)policy->count++;
}

bool config_has_pool(const struct config *config, const struct pool_config *pool)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (pool == &config->pools[i])
			return true;
	return false;
}

struct pool_config *config_pool(const struct config *config, const char *name)
{
	int at = find_pool(config, name);

	return at < 0 ? NULL : &config->pools[at];
}

struct wanted_name {
	const char *name;
	size_t len;
};

static int compare_name(const void *a, const void *b)
{
	const struct wanted_name *wanted = a;
	const char *name = ((const struct function_config *)b)->name;
	int order = strncmp(wanted->name, name, wanted->len);

	return order != 0 ? order : -(name[wanted->len] != '\0');
}

const struct function_config *config_function(
	const struct config *config, const char *name, size_t len)
{
	struct wanted_name wanted = {name, len};

	if (config->function_count == 0 || memchr(name, '\0', len) != NULL)
		return NULL;
	return bsearch(&wanted, config->functions, config->function_count,
		sizeof(*config->functions), compare_name);
}

void config_pool_workers(
	const struct pool_config *pool, uint32_t cores, uint32_t *ret_min, uint32_t *ret_max)
{
	uint32_t min = pool->min > 0 ? pool->min : cores > 0 ? cores : 1;
	uint32_t max = pool->max > 0 ? pool->max : cores > 0 ? cores : 1;

	if (pool->min == 0 && min > max)
		min = max;
	else if (max < min)
		max = min;
	*ret_min = min;
	*ret_max = max;
}

/* ---- plugins and variables -------------------------------------------------------------- */

int config_pool_add_plugin(struct pool_config *pool, const char *file)
{
	char **plugins = reallocarray(pool->plugins, pool->plugin_count + 1, sizeof(*plugins));

	if (plugins == NULL)
		return -ENOMEM;
	pool->plugins = plugins;
	plugins[pool->plugin_count] = strdup(file);
	if (plugins[pool->plugin_count] == NULL)
		return -ENOMEM;
	pool->plugin_count++;
	return 0;
}

static bool has_plugin(const struct pool_config *pool, const char *file)
{
	for (size_t i = 0; i < pool->plugin_count; i++)
		if (strcmp(pool->plugins[i], file) == 0)
			return true;
	return false;
}

int config_pool_add_plugins(struct pool_config *pool, const char *pattern)
{
	glob_t found;
	int r = 0;

	switch (glob(pattern, GLOB_NOMAGIC, NULL, &found)) {
	case 0:
		for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
			if (!has_plugin(pool, found.gl_pathv[i]))
				r = config_pool_add_plugin(pool, found.gl_pathv[i]);
		globfree(&found);
		return r;
	case GLOB_NOMATCH:
		return 0;
	case GLOB_NOSPACE:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

void config_pool_clear_plugins(struct pool_config *pool)
{
	for (size_t i = 0; i < pool->plugin_count; i++)
		free(pool->plugins[i]);
	free(pool->plugins);
	pool->plugins = NULL;
	pool->plugin_count = 0;
}

void config_pool_clear_environment(struct pool_config *pool)
{
	for (size_t i = 0; i < pool->environment_count; i++) {
		free(pool->environment[i].name);
		free(pool->environment[i].value);
	}
	free(pool->environment);
	pool->environment = NULL;
	pool->environment_count = 0;
}

/* ---- the whole -------------------------------------------------------------------------- */

int config_init(struct config *config)
{
	*config = (struct config){
		.socket_mode = 0600, .stop_grace = 10 * CLOCK_S, .limits = default_limits};
	return config_enter_pool(config, "default") < 0 ? -ENOMEM : 0;
}

void config_fini(struct config *config)
{
	for (size_t i = 0; i < config->pool_count; i++)
		pool_fini(&config->pools[i]);
	for (size_t i = 0; i < config->function_count; i++)
		free(config->functions[i].name);
	for (size_t i = 0; i < config->policy.count; i++)
		access_rule_fini(&config->policy.rules[i]);
	free(config->policy.rules);
	free(config->socket_group);
	free(config->pools);
	free(config->functions);
	free(config->socket);
	for (size_t i = 0; i < config->text_count; i++) {
		free(config->texts[i].file);
		free(config->texts[i].text);
	}
	free(config->texts);
	*config = (struct config){0};
}

/* ---- checks ----------------------------------------------------------------------------- */

bool config_pool_name_is_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";
	size_t len = strlen(name);

	return len > 0 && len < CONFIG_POOL_NAME_MAX && strspn(name, allowed) == len;
}

static int check_workers(const struct pool_config *pool, char error[CONFIG_ERROR_MAX])
{
	if (pool->min == 0 || pool->max == 0 || pool->min <= pool->max)
		return 0;
	text_format(error, CONFIG_ERROR_MAX, "[pool %s] min = %u is above max = %u", pool->name,
		pool->min, pool->max);
	return -EINVAL;
}

static int check_user(const struct pool_config *pool, char error[CONFIG_ERROR_MAX])
{
	if (pool->user == NULL || geteuid() == 0 || geteuid() == pool->uid)
		return 0;
	text_format(error, CONFIG_ERROR_MAX,
		"[pool %s] user = %s: only a daemon that root started can run workers as another "
		"user",
		pool->name, pool->user);
	return -EINVAL;
}

static void warn_about_cores(const struct pool_config *pool, char error[CONFIG_ERROR_MAX])
{
	long there = sysconf(_SC_NPROCESSORS_CONF);

	for (size_t i = 0; i < pool->core_count && there > 0; i++) {
		if (pool->cores[i] < there)
			continue;
		text_format(error, CONFIG_ERROR_MAX,
			"[pool %s] cores: there is no core %d here, the last one is %ld",
			pool->name, pool->cores[i], there - 1);
		return;
	}
}

static bool is_pattern(const char *text, size_t len)
{
	return strcspn(text, "*?[\\") < len;
}

/* A pool that a rule names without a pattern. */
static int check_named_pool(const struct config *config, const struct access_rule *rule,
	const char *name, size_t len, char error[CONFIG_ERROR_MAX])
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (strncmp(config->pools[i].name, name, len) == 0 &&
			config->pools[i].name[len] == '\0')
			return 0;
	if (is_pattern(name, len))
		return 0;
	text_format(error, CONFIG_ERROR_MAX, "[allow %s] there is no pool '%.*s'", rule->name,
		(int)(len < CONFIG_POOL_NAME_MAX ? len : CONFIG_POOL_NAME_MAX), name);
	return -EINVAL;
}

static int check_rule(
	const struct config *config, const struct access_rule *rule, char error[CONFIG_ERROR_MAX])
{
	int r = 0;

	if (!rule->everybody && rule->uid_count == 0 && rule->gid_count == 0) {
		text_format(error, CONFIG_ERROR_MAX,
			"[allow %s] names neither users nor groups, so it is for nobody; "
			"users = * is everybody",
			rule->name);
		return -EINVAL;
	}
	for (size_t i = 0; r == 0 && i < rule->pools.count; i++)
		r = check_named_pool(
			config, rule, rule->pools.all[i], strlen(rule->pools.all[i]), error);
	for (size_t i = 0; r == 0 && i < rule->functions.count; i++) {
		const char *text = rule->functions.all[i], *slash = strchr(text, '/');

		if (slash != NULL)
			r = check_named_pool(config, rule, text, (size_t)(slash - text), error);
	}
	return r;
}

static int check_rules(const struct config *config, char error[CONFIG_ERROR_MAX])
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->policy.count; i++)
		r = check_rule(config, &config->policy.rules[i], error);
	return r;
}

static int check_name(const struct config *config, size_t at, char error[CONFIG_ERROR_MAX])
{
	const char *name = config->pools[at].name;

	if (config_pool_name_is_valid(name) && find_pool(config, name) == (int)at)
		return 0;
	text_format(error, CONFIG_ERROR_MAX, "[pool %.*s] is no name for a pool, or there are two",
		CONFIG_POOL_NAME_MAX, name);
	return -EINVAL;
}

int config_check(const struct config *config, char error[CONFIG_ERROR_MAX])
{
	int r;

	error[0] = '\0';
	r = check_rules(config, error);
	for (size_t i = 0; r == 0 && i < config->pool_count; i++) {
		const struct pool_config *pool = &config->pools[i];

		r = check_name(config, i, error);
		if (r == 0)
			r = check_workers(pool, error);
		if (r == 0)
			r = check_user(pool, error);
		if (r == 0)
			r = config_check_confinement(pool, error);
		if (r == 0 && error[0] == '\0')
			warn_about_cores(pool, error);
	}
	return r;
}
