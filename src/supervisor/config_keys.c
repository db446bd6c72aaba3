/* SPDX-License-Identifier: MIT */
#include "supervisor/config_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/config.h"

void *config_field(const struct config_key *key, void *target)
{
	return (char *)target + key->offset;
}

int config_replace(char **text, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

int config_set_or_clear(char **text, const char *value)
{
	if (*value != '\0')
		return config_replace(text, value);
	free(*text);
	*text = NULL;
	return 0;
}

/* ---- numbers ---------------------------------------------------------------------------- */

int config_set_number(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	if (value_number(value, key->range, config_field(key, target)) == 0)
		return 0;
	text_format(why, WHY_MAX, "takes a whole number from %llu to %llu, not " WHY_VALUE,
		(unsigned long long)key->range.min, (unsigned long long)key->range.max, value);
	return -EINVAL;
}

int config_set_size(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];

	if (value_size(value, key->range, config_field(key, target)) == 0)
		return 0;
	value_size_text(key->range.min, min);
	value_size_text(key->range.max, max);
	text_format(why, WHY_MAX,
		"takes a size from %s to %s, in bytes or with K, M, G or T behind it, "
		"not " WHY_VALUE,
		min, max, value);
	return -EINVAL;
}

int config_set_time(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];

	if (value_time(value, key->range, config_field(key, target)) == 0)
		return 0;
	value_time_text(key->range.min, min);
	value_time_text(key->range.max, max);
	text_format(why, WHY_MAX,
		"takes a time from %s to %s, in seconds or with ms, s, min, h or d behind it, "
		"not " WHY_VALUE,
		min, max, value);
	return -EINVAL;
}

/* ---- paths --------------------------------------------------------------------------------- */

int config_check_absolute(const char *value, char why[WHY_MAX])
{
	if (value[0] == '/')
		return 0;
	text_format(why, WHY_MAX, "takes a path that begins with /, not " WHY_VALUE, value);
	return -EINVAL;
}

static int set_socket(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (config_check_absolute(value, why) < 0)
		return -EINVAL;
	if (strlen(value) <= max)
		return config_replace(config_field(key, target), value);
	text_format(
		why, WHY_MAX, "takes a path of at most %zu bytes, not of %zu", max, strlen(value));
	return -EINVAL;
}

int config_take_words(const char *value, int (*take)(void *to, const char *word, char *why),
	void *to, char why[WHY_MAX])
{
	static const char blanks[] = " \t";
	char *copy = strdup(value), *rest = NULL;
	int r = copy != NULL ? 0 : -ENOMEM;

	for (char *word = copy != NULL ? strtok_r(copy, blanks, &rest) : NULL;
		r == 0 && word != NULL; word = strtok_r(NULL, blanks, &rest))
		r = take(to, word, why);
	free(copy);
	return r;
}

static int set_socket_mode(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	mode_t *mode = config_field(key, target), asked;

	if (value_umask(value, &asked) == 0 && (asked & 0111) == 0 && (asked & 0600) == 0600) {
		*mode = asked;
		return 0;
	}
	text_format(why, WHY_MAX,
		"takes an octal number from 600 to 666 without the right to execute, as in 660, "
		"not " WHY_VALUE,
		value);
	return -EINVAL;
}

/* Nothing at all is the daemon's own again. */
static int set_socket_group(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX])
{
	struct config *config = target;

	(void)key;
	if (*value == '\0' || value_group(value, &config->socket_gid) == 0)
		return config_set_or_clear(&config->socket_group, value);
	text_format(why, WHY_MAX, "takes a group's name or number; there is no group " WHY_VALUE,
		value);
	return -EINVAL;
}

/* ---- the tables ------------------------------------------------------------------------- */

static const struct config_key daemon_keys[] = {
	{KEY_FIELD(config, socket), .set = set_socket},
	{KEY_FIELD(config, stop_grace), .set = config_set_time, KEY_RANGE(0, TIME_DAY)},
	{KEY_FIELD(config, socket_mode), .set = set_socket_mode},
	{KEY_FIELD(config, socket_group), .set = set_socket_group},
};

static const struct config_key limits_keys[] = {
	{KEY_FIELD(limits, connection_tasks), .set = config_set_number, KEY_RANGE(1, TASKS_MAX)},
	{KEY_FIELD(limits, connection_bytes), .set = config_set_size,
		KEY_RANGE(64 * SIZE_K, SIZE_T)},
	{KEY_FIELD(limits, user_tasks), .set = config_set_number, KEY_RANGE(1, TASKS_MAX)},
	{KEY_FIELD(limits, user_bytes), .set = config_set_size, KEY_RANGE(64 * SIZE_K, SIZE_T)},
	{KEY_FIELD(limits, tasks), .set = config_set_number, KEY_RANGE(1, TASKS_MAX)},
	{KEY_FIELD(limits, bytes), .set = config_set_size, KEY_RANGE(64 * SIZE_K, SIZE_T)},
	{KEY_FIELD(limits, user_running), .set = config_set_number, KEY_RANGE(0, TASKS_MAX)},
	{KEY_FIELD(limits, unread_bytes), .set = config_set_size, KEY_RANGE(4 * SIZE_K, SIZE_G)},
	{KEY_FIELD(limits, unread_timeout), .set = config_set_time, KEY_RANGE(0, TIME_DAY)},
	{KEY_FIELD(limits, unread_total), .set = config_set_size, KEY_RANGE(SIZE_M, SIZE_T)},
	{KEY_FIELD(limits, frame), .set = config_set_size, KEY_RANGE(64 * SIZE_K, 2 * SIZE_G)},
	{KEY_FIELD(limits, arena), .set = config_set_size, KEY_RANGE(0, SIZE_T)},
	{KEY_FIELD(limits, arena_total), .set = config_set_size, KEY_RANGE(0, SIZE_T)},
	{KEY_FIELD(limits, clients), .set = config_set_number, KEY_RANGE(1, 1000000)},
	{KEY_FIELD(limits, keep_time), .set = config_set_time, KEY_RANGE(0, 365 * TIME_DAY)},
	{KEY_FIELD(limits, keep_bytes), .set = config_set_size, KEY_RANGE(0, SIZE_T)},
	{KEY_FIELD(limits, log_bytes), .set = config_set_size, KEY_RANGE(0, SIZE_G)},
	{KEY_FIELD(limits, quarantine_after), .set = config_set_number, KEY_RANGE(0, 1000000)},
	{KEY_FIELD(limits, user_objects), .set = config_set_number, KEY_RANGE(0, 1000000)},
	{KEY_FIELD(limits, user_object_bytes), .set = config_set_size, KEY_RANGE(0, SIZE_T)},
	{KEY_FIELD(limits, nested), .set = config_set_number, KEY_RANGE(0, CONFIG_WORKERS_MAX)},
	{KEY_FIELD(limits, processes), .set = config_set_number, KEY_RANGE(0, CONFIG_WORKERS_MAX)},
};

static const struct config_key function_keys[] = {
	{KEY_FIELD(function_config, max_running), .set = config_set_number,
		KEY_RANGE(0, TASKS_MAX)},
};

#define KEYS(table) .keys = (table), .key_count = sizeof(table) / sizeof(*(table))

const struct config_section config_sections[SECTIONS] = {
	[SECTION_DAEMON] = {.name = "daemon", KEYS(daemon_keys)},
	[SECTION_LIMITS] = {.name = "limits", KEYS(limits_keys)},
	[SECTION_POOL] = {.name = "pool", .is_named = true, KEYS(config_pool_keys)},
	[SECTION_FUNCTION] = {.name = "function", .is_named = true, KEYS(function_keys)},
	[SECTION_ALLOW] = {.name = "allow", .is_named = true, KEYS(config_allow_keys)},
};

const struct config_key *config_find_key(const struct config_section *section, const char *name)
{
	for (size_t i = 0; i < section->key_count; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}
