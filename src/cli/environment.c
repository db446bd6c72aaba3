/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strcspn(b, "=") == len && memcmp(a, b, len) == 0;
}

static size_t set_entry(const char **env, size_t count, const char *entry)
{
	size_t i = 0;

	while (i < count && !has_same_name(env[i], entry))
		i++;
	env[i] = entry;
	return i == count ? count + 1 : count;
}

/* Any string can be in environ; what is no NAME=VALUE cannot be passed on. */
static bool is_entry(const char *text)
{
	return *text != '=' && strchr(text, '=') != NULL;
}

const char **environment_build(bool clear, const char *const *set, size_t set_count)
{
	size_t ours = 0, count = 0;
	const char **env;

	while (!clear && environ[ours] != NULL)
		ours++;
	env = calloc(ours + set_count + 1, sizeof(*env));
	if (env == NULL)
		return NULL;
	for (size_t i = 0; i < ours; i++)
		if (is_entry(environ[i]))
			env[count++] = environ[i];
	for (size_t i = 0; i < set_count; i++)
		count = set_entry(env, count, set[i]);
	return env;
}
