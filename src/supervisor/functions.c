/* SPDX-License-Identifier: MIT */
#include "supervisor/functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

static void function_fini(struct function *function)
{
	free(function->name);
	free(function->params);
	free(function->summary);
	free(function->plugin);
}

static int reserve(struct functions *functions)
{
	size_t cap = functions->cap == 0 ? 32 : functions->cap * 2;
	struct function *all;

	if (functions->count < functions->cap)
		return 0;
	all = realloc(functions->all, cap * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	functions->all = all;
	functions->cap = cap;
	functions->last = NULL;
	return 0;
}

int functions_add(struct functions *functions, const struct function *function)
{
	struct function mine = {.name = copy(function->name),
		.params = copy(function->params),
		.summary = copy(function->summary),
		.plugin = copy(function->plugin),
		.record = function->record};

	mine.name_len = strlen(function->name);
	if (mine.name == NULL || reserve(functions) < 0) {
		function_fini(&mine);
		return -ENOMEM;
	}
	functions->all[functions->count++] = mine;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct function *)a)->name, ((const struct function *)b)->name);
}

void functions_sort(struct functions *functions)
{
	if (functions->count > 0)
		qsort(functions->all, functions->count, sizeof(*functions->all), compare);
}

struct key {
	const char *name;
	size_t len;
};

static int compare_key(const void *a, const void *b)
{
	const struct key *key = a;
	const char *name = ((const struct function *)b)->name;
	int order = strncmp(key->name, name, key->len);

	return order != 0 ? order : -(name[key->len] != '\0');
}

const struct function *functions_search(struct functions *functions, const char *name, size_t len)
{
	const struct key key = {name, len};
	const struct function *found;

	if (functions->count == 0 || memchr(name, '\0', len) != NULL)
		return NULL;
	found = bsearch(
		&key, functions->all, functions->count, sizeof(*functions->all), compare_key);
	if (found != NULL)
		functions->last = found;
	return found;
}

void functions_take(struct functions *to, struct functions *from)
{
	functions_fini(to);
	*to = *from;
	*from = (struct functions){0};
}

void functions_fini(struct functions *functions)
{
	for (size_t i = 0; i < functions->count; i++)
		function_fini(&functions->all[i]);
	free(functions->all);
	*functions = (struct functions){0};
}
