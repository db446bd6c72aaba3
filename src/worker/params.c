/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "worker/plugin.h"

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

enum kind { REQUIRED, OPTIONAL, REST };

struct word {
	enum kind kind;
	const char *name;
	size_t len;
};

/* The next word from *at on; false at the end.  One that is badly written has the length 0. */
static bool next_word(const char **at, struct word *ret)
{
	const char *text = *at + strspn(*at, " ");
	size_t len = strcspn(text, " ");

	*at = text + len;
	*ret = (struct word){.kind = REQUIRED, .name = text, .len = len};
	if (len == 0)
		return false;
	if (len == 3 && memcmp(text, "...", 3) == 0) {
		ret->kind = REST;
		return true;
	}
	if (len > 2 && text[0] == '[' && text[len - 1] == ']')
		*ret = (struct word){.kind = OPTIONAL, .name = text + 1, .len = len - 2};
	if (strspn(ret->name, name_chars) < ret->len)
		ret->len = 0;
	return true;
}

int params_parse(
	const char *params, unsigned int *ret_min, unsigned int *ret_max, const char **ret_why)
{
	unsigned int min = 0, max = 0;
	struct word word;

	if (params == NULL)
		max = PLUGIN_ARGS_ANY;
	while (params != NULL && next_word(&params, &word)) {
		*ret_why = NULL;
		if (max == PLUGIN_ARGS_ANY)
			*ret_why = "nothing can follow \"...\"";
		else if (word.len == 0)
			*ret_why = "a parameter is written name, [name] or ...";
		else if (word.kind == REQUIRED && min < max)
			*ret_why = "a required parameter cannot follow an [optional] one";
		if (*ret_why != NULL)
			return -EINVAL;
		if (word.kind == REST)
			max = PLUGIN_ARGS_ANY;
		else
			max++;
		if (word.kind == REQUIRED)
			min++;
	}
	*ret_min = min;
	*ret_max = max;
	return 0;
}

size_t params_name(const char *params, size_t index, const char **ret)
{
	struct word word;

	while (params != NULL && next_word(&params, &word)) {
		if (word.kind == REST)
			break;
		if (index-- > 0)
			continue;
		*ret = word.name;
		return word.len;
	}
	return 0;
}
