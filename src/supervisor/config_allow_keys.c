/* SPDX-License-Identifier: MIT */
/* The keys of [allow NAME].  Those that are lists have blanks between their words. */
#include "supervisor/config_keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/access.h"
#include "supervisor/config.h"

/* ---- lists -------------------------------------------------------------------------------- */

static int take_words(const char *value, int (*take)(void *to, const char *word, char *why),
	void *to, char why[WHY_MAX])
{
	int r = config_take_words(value, take, to, why);

	if (r != -ENOSPC)
		return r;
	text_format(why, WHY_MAX, "takes at most %d in one section", ACCESS_LIST_MAX);
	return -EINVAL;
}

/* ---- whom it means -------------------------------------------------------------------------- */

static int take_user(void *to, const char *word, char *why)
{
	struct access_rule *rule = to;
	uid_t uid;

	if (strcmp(word, "*") == 0) {
		rule->everybody = true;
		return 0;
	}
	if (value_user(word, &uid) == 0)
		return access_add_uid(rule, uid);
	text_format(why, WHY_MAX,
		"takes names or numbers of users, or * for everybody; there is no user " WHY_VALUE,
		word);
	return -EINVAL;
}

static int set_users(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct access_rule *rule = target;

	(void)key;
	if (*value == '\0') {
		rule->everybody = false;
		rule->uid_count = 0;
	}
	return take_words(value, take_user, rule, why);
}

static int take_group(void *to, const char *word, char *why)
{
	gid_t gid;

	if (value_group(word, &gid) == 0)
		return access_add_gid(to, gid);
	text_format(why, WHY_MAX, "takes names or numbers of groups; there is no group " WHY_VALUE,
		word);
	return -EINVAL;
}

static int set_groups(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct access_rule *rule = target;

	(void)key;
	if (*value == '\0')
		rule->gid_count = 0;
	return take_words(value, take_group, rule, why);
}

/* ---- patterns ----------------------------------------------------------------------------------- */

/* fnmatch(3) takes what is broken as plain text, which is not what was meant. */
static bool is_whole(const char *pattern)
{
	for (const char *c = pattern; *c != '\0'; c++) {
		if (*c == '\\' && *++c == '\0')
			return false;
		if (*c == '[') {
			c += 1 + (c[1] == '!' || c[1] == '^');
			c = *c == '\0' ? NULL : strchr(c + 1, ']');
			if (c == NULL)
				return false;
		}
	}
	return true;
}

static int refuse_pattern(const char *what, const char *word, char *why)
{
	text_format(why, WHY_MAX,
		"takes %s, with *, ? and [...] as the shell has them, not " WHY_VALUE, what, word);
	return -EINVAL;
}

static int take_function(void *to, const char *word, char *why)
{
	const char *slash = strchr(word, '/');
	char pool[CONFIG_POOL_NAME_MAX] = "*";
	const char *function = slash != NULL ? slash + 1 : word;
	bool is_good = *function != '\0' && strchr(function, '/') == NULL;

	if (slash != NULL) {
		is_good &= slash > word && slash - word < CONFIG_POOL_NAME_MAX;
		text_format(pool, sizeof(pool), "%.*s", (int)(slash - word), word);
	}
	if (is_good && is_whole(pool) && is_whole(function))
		return access_add_pattern(to, word, strlen(word));
	return refuse_pattern("names of functions, or POOL/FUNCTION", word, why);
}

static int take_command(void *to, const char *word, char *why)
{
	if ((*word == '/' || strchr(word, '/') == NULL) && is_whole(word))
		return access_add_pattern(to, word, strlen(word));
	return refuse_pattern(
		"yes, no, or programs as they are called: names without /, or whole paths", word,
		why);
}

static int take_pool(void *to, const char *word, char *why)
{
	if (strchr(word, '/') == NULL && is_whole(word))
		return access_add_pattern(to, word, strlen(word));
	return refuse_pattern("names of pools", word, why);
}

static int set_functions(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct access_patterns *patterns = config_field(key, target);

	if (*value == '\0')
		access_clear_patterns(patterns);
	return take_words(value, take_function, patterns, why);
}

static int set_commands(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct access_rule *rule = target;
	bool is_word = strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;

	(void)key;
	if (!is_word && *value != '\0')
		return take_words(value, take_command, &rule->commands, why);
	access_clear_patterns(&rule->commands);
	rule->any_command = *value == 'y';
	return 0;
}

static int set_pools(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct access_patterns *patterns = config_field(key, target);

	if (*value == '\0')
		access_clear_patterns(patterns);
	return take_words(value, take_pool, patterns, why);
}

/* ---- methods ---------------------------------------------------------------------------------------- */

static int take_method(void *to, const char *word, char *why)
{
	unsigned *methods = to;

	for (const struct access_word *w = access_words; w->name != NULL; w++)
		if (strcmp(w->name, word) == 0) {
			*methods |= w->methods;
			return 0;
		}
	text_format(why, WHY_MAX,
		"takes reload, upgrade, pause, resume, drain, resize, release, tasks, or admin for "
		"all of "
		"them, not " WHY_VALUE,
		word);
	return -EINVAL;
}

static int set_methods(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct access_rule *rule = target;

	(void)key;
	if (*value == '\0')
		rule->methods = 0;
	return take_words(value, take_method, &rule->methods, why);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

const struct config_key config_allow_keys[CONFIG_ALLOW_KEYS] = {
	{.name = "users", .set = set_users, .repeats = true},
	{.name = "groups", .set = set_groups, .repeats = true},
	{KEY_FIELD(access_rule, functions), .set = set_functions, .repeats = true},
	{KEY_FIELD(access_rule, commands), .set = set_commands, .repeats = true},
	{KEY_FIELD(access_rule, pools), .set = set_pools, .repeats = true},
	{KEY_FIELD(access_rule, methods), .set = set_methods, .repeats = true},
	{KEY_FIELD(access_rule, user_tasks), .set = config_set_number, KEY_RANGE(1, TASKS_MAX)},
	{KEY_FIELD(access_rule, user_bytes), .set = config_set_size,
		KEY_RANGE(64 * SIZE_K, SIZE_T)},
	{KEY_FIELD(access_rule, user_running), .set = config_set_number, KEY_RANGE(0, TASKS_MAX)},
};
