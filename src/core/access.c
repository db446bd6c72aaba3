/* SPDX-License-Identifier: MIT */
#include "core/access.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

const struct access_word access_words[] = {
	{"reload", ACCESS_RELOAD},
	{"upgrade", ACCESS_UPGRADE},
	{"pause", ACCESS_PAUSE},
	{"resume", ACCESS_RESUME},
	{"drain", ACCESS_DRAIN},
	{"resize", ACCESS_RESIZE},
	{"release", ACCESS_RELEASE},
	{"tasks", ACCESS_TASKS},
	{"admin", ACCESS_ADMIN},
	{NULL, 0},
};

/* ---- rules ------------------------------------------------------------------------------ */

int access_rule_init(struct access_rule *rule, const char *name)
{
	*rule = (struct access_rule){.name = strdup(name),
		.user_tasks = ACCESS_NOT_SAID,
		.user_bytes = ACCESS_NOT_SAID,
		.user_running = ACCESS_NOT_SAID};
	return rule->name == NULL ? -ENOMEM : 0;
}

void access_clear_patterns(struct access_patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		free(patterns->all[i]);
	free(patterns->all);
	*patterns = (struct access_patterns){0};
}

void access_rule_fini(struct access_rule *rule)
{
	access_clear_patterns(&rule->functions);
	access_clear_patterns(&rule->commands);
	access_clear_patterns(&rule->pools);
	free(rule->uids);
	free(rule->gids);
	free(rule->name);
	*rule = (struct access_rule){0};
}

/* One more of `size` bytes.  NULL, and *ret_error is why. */
static void *grow(void *all, size_t count, size_t size, int *ret_error)
{
	void *grown = count < ACCESS_LIST_MAX ? reallocarray(all, count + 1, size) : NULL;

	*ret_error = count < ACCESS_LIST_MAX ? -ENOMEM : -ENOSPC;
	return grown;
}

int access_add_uid(struct access_rule *rule, uid_t uid)
{
	int error;
	uid_t *uids = grow(rule->uids, rule->uid_count, sizeof(uid), &error);

	if (uids == NULL)
		return error;
	rule->uids = uids;
	uids[rule->uid_count++] = uid;
	return 0;
}

int access_add_gid(struct access_rule *rule, gid_t gid)
{
	int error;
	gid_t *gids = grow(rule->gids, rule->gid_count, sizeof(gid), &error);

	if (gids == NULL)
		return error;
	rule->gids = gids;
	gids[rule->gid_count++] = gid;
	return 0;
}

int access_add_pattern(struct access_patterns *patterns, const char *text, size_t len)
{
	int error;
	char **all = grow(patterns->all, patterns->count, sizeof(char *), &error);

	if (all == NULL)
		return error;
	patterns->all = all;
	all[patterns->count] = strndup(text, len);
	if (all[patterns->count] == NULL)
		return -ENOMEM;
	patterns->count++;
	return 0;
}

/* ---- whom a rule means ------------------------------------------------------------------- */

static bool has_gid(const struct access_subject *subject, gid_t gid)
{
	if (subject->gid == gid)
		return true;
	for (size_t i = 0; i < subject->group_count; i++)
		if (subject->groups[i] == gid)
			return true;
	return false;
}

static bool means(const struct access_rule *rule, const struct access_subject *subject)
{
	if (rule->everybody)
		return true;
	for (size_t i = 0; i < rule->uid_count; i++)
		if (rule->uids[i] == subject->uid)
			return true;
	for (size_t i = 0; i < rule->gid_count; i++)
		if (has_gid(subject, rule->gids[i]))
			return true;
	return false;
}

/* ---- what all that match give -------------------------------------------------------------- */

static void raise_to(uint64_t *quota, uint64_t given)
{
	if (given != ACCESS_NOT_SAID && (*quota == ACCESS_NOT_SAID || given > *quota))
		*quota = given;
}

/* 0 is no limit. */
static void raise_running(uint64_t *quota, uint64_t given)
{
	if (*quota == 0 || given == 0)
		*quota = 0;
	else
		raise_to(quota, given);
}

struct access_rights access_find(
	const struct access_policy *policy, const struct access_subject *subject)
{
	struct access_rights rights = {.policy = policy,
		.master = subject->master,
		.all_calls = subject->master || policy->count == 0,
		.user_tasks = ACCESS_NOT_SAID,
		.user_bytes = ACCESS_NOT_SAID,
		.user_running = ACCESS_NOT_SAID};

	for (size_t i = 0; i < policy->count && i < ACCESS_RULES_MAX; i++) {
		const struct access_rule *rule = &policy->rules[i];

		if (!means(rule, subject))
			continue;
		rights.rules |= UINT64_C(1) << i;
		raise_to(&rights.user_tasks, rule->user_tasks);
		raise_to(&rights.user_bytes, rule->user_bytes);
		raise_running(&rights.user_running, rule->user_running);
	}
	rights.any = rights.all_calls || rights.rules != 0;
	return rights;
}

/* ---- what a rule gives ----------------------------------------------------------------------- */

static bool matches_any(const struct access_patterns *patterns, const char *text, int flags)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (fnmatch(patterns->all[i], text, flags) == 0)
			return true;
	return false;
}

static bool holds_in(const struct access_rule *rule, const char *pool)
{
	return rule->pools.count == 0 || matches_any(&rule->pools, pool, 0);
}

/* "FUNCTION" in every pool, or "POOL/FUNCTION". */
static bool matches_call(const char *pattern, const char *pool, const char *function)
{
	const char *slash = strchr(pattern, '/');
	char in[256];

	if (slash == NULL)
		return fnmatch(pattern, function, 0) == 0;
	if ((size_t)(slash - pattern) >= sizeof(in))
		return false;
	memcpy(in, pattern, (size_t)(slash - pattern));
	in[slash - pattern] = '\0';
	return fnmatch(in, pool, 0) == 0 && fnmatch(slash + 1, function, 0) == 0;
}

static bool gives_call(const struct access_rule *rule, const char *pool, const char *function)
{
	if (!holds_in(rule, pool))
		return false;
	for (size_t i = 0; i < rule->functions.count; i++)
		if (matches_call(rule->functions.all[i], pool, function))
			return true;
	return false;
}

/* A star is no slash, and no dot at the beginning of a name: nothing leads out by "..". */
static enum access_command gives_command(
	const struct access_rule *rule, const char *pool, const char *program)
{
	if (!holds_in(rule, pool))
		return ACCESS_COMMAND_NO;
	if (rule->any_command)
		return ACCESS_COMMAND_ANY;
	return matches_any(&rule->commands, program, FNM_PATHNAME | FNM_PERIOD)
		       ? ACCESS_COMMAND_PLAIN
		       : ACCESS_COMMAND_NO;
}

static bool gives_something(const struct access_rule *rule, const char *pool)
{
	return holds_in(rule, pool) && (rule->functions.count > 0 || rule->commands.count > 0 ||
					       rule->any_command || rule->methods != 0);
}

bool access_is_of_pools(enum access_method method)
{
	return (method & (ACCESS_PAUSE | ACCESS_RESUME | ACCESS_DRAIN | ACCESS_RESIZE)) != 0;
}

/* What is of no pool is given by any rule; what is of all pools only by one that holds in all. */
static bool gives_method(
	const struct access_rule *rule, enum access_method method, const char *pool)
{
	if ((rule->methods & method) == 0)
		return false;
	if (!access_is_of_pools(method))
		return true;
	return pool != NULL ? holds_in(rule, pool) : rule->pools.count == 0;
}

/* ---- what somebody may ------------------------------------------------------------------------ */

/* The next rule that matches, from `*at` on; NULL: no more. */
static const struct access_rule *next_rule(const struct access_rights *rights, size_t *at)
{
	while (*at < rights->policy->count && *at < ACCESS_RULES_MAX) {
		size_t i = (*at)++;

		if ((rights->rules >> i & 1) != 0)
			return &rights->policy->rules[i];
	}
	return NULL;
}

bool access_may_call(const struct access_rights *rights, const char *pool, const char *function)
{
	const struct access_rule *rule;
	size_t at = 0;

	if (rights->all_calls)
		return true;
	while ((rule = next_rule(rights, &at)) != NULL)
		if (gives_call(rule, pool, function))
			return true;
	return false;
}

enum access_command access_may_run(
	const struct access_rights *rights, const char *pool, const char *program)
{
	enum access_command best = ACCESS_COMMAND_NO;
	const struct access_rule *rule;
	size_t at = 0;

	if (rights->all_calls)
		return ACCESS_COMMAND_ANY;
	while ((rule = next_rule(rights, &at)) != NULL) {
		enum access_command given = gives_command(rule, pool, program);

		if (given > best)
			best = given;
	}
	return best;
}

bool access_may_use(const struct access_rights *rights, const char *pool)
{
	const struct access_rule *rule;
	size_t at = 0;

	if (rights->all_calls)
		return true;
	while ((rule = next_rule(rights, &at)) != NULL)
		if (gives_something(rule, pool))
			return true;
	return false;
}

bool access_may(const struct access_rights *rights, enum access_method method, const char *pool)
{
	const struct access_rule *rule;
	size_t at = 0;

	if (rights->master)
		return true;
	while ((rule = next_rule(rights, &at)) != NULL)
		if (gives_method(rule, method, pool))
			return true;
	return false;
}
