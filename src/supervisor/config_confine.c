/* SPDX-License-Identifier: MIT */
/* The keys of [pool NAME] that confine its workers. */
#include <config.h>

#include "supervisor/config_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "base/text.h"
#include "supervisor/config.h"

enum { PERCENT_MAX = 100 * CONFIG_WORKERS_MAX, WRITABLE_MAX = 256 };

int config_set_said(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	enum config_said *said = config_field(key, target);

	if (strcmp(value, "yes") == 0)
		*said = SAID_YES;
	else if (strcmp(value, "no") == 0)
		*said = SAID_NO;
	else
		text_format(why, WHY_MAX, "takes yes or no, not " WHY_VALUE, value);
	return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0 ? 0 : -EINVAL;
}

/* ---- system calls ----------------------------------------------------------------------- */

#ifdef HAVE_SECCOMP
static int check_call(void *to, const char *name, char *why)
{
	(void)to;
	if (strcmp(name, "@default") == 0 || seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR)
		return 0;
	text_format(why, WHY_MAX,
		"takes @default and names of system calls, with blanks between them; there is no "
		"system call " WHY_VALUE,
		name);
	return -EINVAL;
}
#else
static int check_call(void *to, const char *name, char *why)
{
	(void)to;
	(void)name;
	text_format(why, WHY_MAX,
		"cannot be had: this ruche was built without libseccomp; take it out");
	return -EINVAL;
}
#endif

int config_set_syscalls(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	int r = config_take_words(value, check_call, NULL, why);

	return r == 0 ? config_set_or_clear(config_field(key, target), value) : r;
}

/* ---- places ----------------------------------------------------------------------------- */

void config_pool_clear_writable(struct pool_config *pool)
{
	for (size_t i = 0; i < pool->writable_count; i++)
		free(pool->writable[i]);
	free(pool->writable);
	pool->writable = NULL;
	pool->writable_count = 0;
}

static int add_place(struct pool_config *pool, const char *place)
{
	char **all = reallocarray(pool->writable, pool->writable_count + 1, sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	pool->writable = all;
	all[pool->writable_count] = strdup(place);
	if (all[pool->writable_count] == NULL)
		return -ENOMEM;
	pool->writable_count++;
	return 0;
}

static int check_place(const struct pool_config *pool, const char *place, char why[WHY_MAX])
{
	if (*place != '/')
		text_format(why, WHY_MAX,
			"takes a path that begins with /, or none, not " WHY_VALUE, place);
	else if (!pool->restored && access(place, F_OK) < 0)
		text_format(why, WHY_MAX, "names %.300s, which cannot be found: %s", place,
			strerror(errno));
	else if (pool->writable_count == WRITABLE_MAX)
		text_format(why, WHY_MAX, "takes at most %d paths", WRITABLE_MAX);
	else
		return 0;
	return -EINVAL;
}

int config_set_writable(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct pool_config *pool = target;

	(void)key;
	if (*value == '\0') {
		config_pool_clear_writable(pool);
		return 0;
	}
	if (strcmp(value, "none") != 0 && check_place(pool, value, why) < 0)
		return -EINVAL;
	return add_place(pool, value);
}

/* ---- groups ----------------------------------------------------------------------------- */

/* "150%" */
int config_set_percent(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct value_range range = {1, PERCENT_MAX};
	uint32_t *to = config_field(key, target);
	size_t len = strlen(value);
	char digits[VALUE_TEXT_MAX];
	uint64_t percent = 0;

	if (strcmp(value, "0") == 0) {
		*to = 0;
		return 0;
	}
	text_format(digits, sizeof(digits), "%.*s", len > 0 ? (int)len - 1 : 0, value);
	if (len == 0 || len >= VALUE_TEXT_MAX || value[len - 1] != '%' ||
		value_number(digits, range, &percent) < 0) {
		text_format(why, WHY_MAX,
			"takes a share of one core from 1%% to %d%%, as in 50%%, or 0 for no "
			"limit, "
			"not " WHY_VALUE,
			PERCENT_MAX, value);
		return -EINVAL;
	}
	*to = (uint32_t)percent;
	return 0;
}

bool config_pool_has_group(const struct pool_config *pool)
{
	return pool->cgroup == SAID_YES || pool->memory_max > 0 || pool->pids_max > 0 ||
	       pool->cpu_max > 0;
}

struct cgroup_limits config_pool_limits(const struct pool_config *pool)
{
	return (struct cgroup_limits){
		.memory = pool->memory_max, .pids = pool->pids_max, .cpu = pool->cpu_max};
}

bool config_pool_gains_nothing(const struct pool_config *pool)
{
	return pool->no_new_privs == SAID_YES || pool->deny_syscalls != NULL ||
	       pool->writable_count > 0;
}

int config_check_confinement(const struct pool_config *pool, char error[CONFIG_ERROR_MAX])
{
	if (pool->no_new_privs == SAID_NO && config_pool_gains_nothing(pool)) {
		text_format(error, CONFIG_ERROR_MAX,
			"[pool %s] no_new_privs = no: it cannot be had with deny_syscalls or "
			"writable",
			pool->name);
		return -EINVAL;
	}
	if (pool->cgroup == SAID_NO && config_pool_has_group(pool)) {
		text_format(error, CONFIG_ERROR_MAX,
			"[pool %s] cgroup = no: memory_max, pids_max and cpu_max are limits of a "
			"control group",
			pool->name);
		return -EINVAL;
	}
	return 0;
}
