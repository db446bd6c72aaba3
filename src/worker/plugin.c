/* SPDX-License-Identifier: MIT */
#include "worker/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trust.h"

static const char name_chars[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

void plugins_fini(struct plugins *plugins)
{
	for (size_t i = 0; i < plugins->loaded_count; i++)
		free(plugins->loaded[i].file);
	free(plugins->loaded);
	free(plugins->functions);
	*plugins = (struct plugins){0};
}

/* ---- looking up */

/* In the order of strcmp(), for a name that may hold anything. */
static int compare_name(const char *name, size_t len, const struct function *with)
{
	size_t common = len < with->name_len ? len : with->name_len;
	int r = memcmp(name, with->name, common);

	return r != 0 ? r : (len > with->name_len) - (len < with->name_len);
}

const struct function *plugins_find(const struct plugins *plugins, const char *name, size_t len)
{
	size_t low = 0, high = plugins->function_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct function *f = &plugins->functions[middle];
		int r = compare_name(name, len, f);

		if (r == 0)
			return f;
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- complaints */

static int __attribute__((format(printf, 3, 4)))
refuse(char *error, const char *file, const char *format, ...)
{
	int at = snprintf(error, PLUGIN_ERROR_MAX, "plugin %s: ", file);
	va_list args;

	if (at >= PLUGIN_ERROR_MAX)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(error + at, PLUGIN_ERROR_MAX - (size_t)at, format, args);
	va_end(args);
	return -EINVAL;
}

static int no_memory(char *error, const char *file)
{
	refuse(error, file, "there is no memory left to load it");
	return -ENOMEM;
}

/* ---- one function */

static bool name_is_good(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= PLUGIN_NAME_MAX && strspn(name, name_chars) == len &&
	       strncmp(name, "ruche.", 6) != 0;
}

static int check_function(const struct ruche_function *row, const char *file, char *error)
{
	unsigned int min, max;
	const char *why;

	if (!name_is_good(row->name))
		return refuse(error, file,
			"the function name \"%.200s\" cannot be used; give it 1 to %d characters "
			"of A-Z a-z 0-9 . _ - that do not begin with \"ruche.\"",
			row->name, PLUGIN_NAME_MAX);
	if (row->run == NULL)
		return refuse(error, file,
			"the function %s has nothing to run; set .run in its row of the table",
			row->name);
	if (params_parse(row->params, &min, &max, &why) < 0)
		return refuse(error, file,
			"the params \"%.200s\" of the function %s cannot be read: %s", row->params,
			row->name, why);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct function *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static size_t table_length(const struct ruche_function *table)
{
	size_t n = 0;

	while (table[n].name != NULL)
		n++;
	return n;
}

/* Appends the rows of a checked table and sorts. */
static int add_table(struct plugins *plugins, const struct ruche_function *table, const char *file)
{
	size_t more = table_length(table);
	struct function *all =
		reallocarray(plugins->functions, plugins->function_count + more + 1, sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	plugins->functions = all;
	for (size_t i = 0; i < more; i++) {
		struct function *f = &all[plugins->function_count++];
		const char *why;

		*f = (struct function){.name = table[i].name,
			.name_len = strlen(table[i].name),
			.run = table[i].run,
			.params = table[i].params,
			.summary = table[i].summary,
			.file = file};
		(void)params_parse(f->params, &f->min, &f->max, &why);
	}
	qsort(all, plugins->function_count, sizeof(*all), by_name);
	return 0;
}

int plugins_add_builtins(struct plugins *plugins, const struct ruche_function *table)
{
	return add_table(plugins, table, NULL);
}

static int check_duplicates(const struct plugins *plugins, const char *file, char *error)
{
	for (size_t i = 1; i < plugins->function_count; i++) {
		const struct function *a = &plugins->functions[i - 1], *b = a + 1;
		const char *other = a->file == file ? b->file : a->file;

		if (strcmp(a->name, b->name) != 0)
			continue;
		if (a->file == b->file)
			return refuse(error, file,
				"the function %s is in its table twice; remove or rename one",
				a->name);
		return refuse(error, file,
			"the function %s is defined by %s already; rename one of them or load only "
			"one of the two plugins",
			a->name, other);
	}
	return 0;
}

/* ---- one plugin */

/* A name without a slash would be looked for among the system's libraries. */
static void *open_file(const char *file)
{
	char path[PATH_MAX];

	if (strchr(file, '/') != NULL)
		return dlopen(file, RTLD_NOW | RTLD_LOCAL);
	snprintf(path, sizeof(path), "./%s", file);
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static int check_plugin(const struct plugins *plugins, const struct loaded_plugin *new, char *error)
{
	const struct ruche_plugin *plugin = new->plugin;
	int r = 0;

	if (plugin == NULL)
		return refuse(error, new->file,
			"it has no symbol ruche_plugin; define it as ruche-plugin(3) shows, with "
			"RUCHE_PLUGIN_EXPORT, or do not load this file as a plugin");
	if (plugin->abi != RUCHE_PLUGIN_ABI)
		return refuse(error, new->file,
			"it was built for plugin ABI %u and this ruche has ABI %u; build it again "
			"with the <ruche/plugin.h> of this ruche",
			plugin->abi, RUCHE_PLUGIN_ABI);
	if (plugin->functions == NULL)
		return refuse(error, new->file, "it has no table of functions; set .functions");
	for (size_t i = 0; i < plugins->loaded_count; i++)
		if (plugins->loaded[i].handle == new->handle)
			return refuse(error, new->file,
				"it is loaded already, as %s; name it only once",
				plugins->loaded[i].file);
	for (const struct ruche_function *f = plugin->functions; r == 0 && f->name != NULL; f++)
		r = check_function(f, new->file, error);
	return r;
}

static int keep_plugin(struct plugins *plugins, const struct loaded_plugin *new)
{
	struct loaded_plugin *loaded =
		reallocarray(plugins->loaded, plugins->loaded_count + 1, sizeof(*loaded));

	if (loaded == NULL)
		return -ENOMEM;
	plugins->loaded = loaded;
	loaded[plugins->loaded_count++] = *new;
	return 0;
}

/* Whoever can change it could do whatever we may.  That it cannot be found is told better by who loads it. */
static int check_file(const char *file, char *error)
{
	char why[TRUST_WHY_MAX];
	int r = trust_check(file, why);

	if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		return 0;
	return refuse(error, file, "it is not loaded, because of %s", why);
}

int plugins_load(struct plugins *plugins, const char *file, char *error)
{
	struct loaded_plugin new = {0};
	int r = check_file(file, error);

	if (r < 0)
		return r;
	new.handle = open_file(file);
	if (new.handle == NULL)
		return refuse(error, file,
			"it cannot be loaded: %s; it must be a shared object built with -shared "
			"-fPIC, with all it needs installed",
			dlerror());
	new.file = strdup(file);
	if (new.file == NULL)
		return no_memory(error, file);
	new.plugin = dlsym(new.handle, "ruche_plugin");
	r = check_plugin(plugins, &new, error);
	if (r == 0 && keep_plugin(plugins, &new) < 0)
		r = no_memory(error, file);
	if (r < 0) {
		free(new.file);
		return r;
	}
	if (add_table(plugins, new.plugin->functions, new.file) < 0)
		return no_memory(error, file);
	return check_duplicates(plugins, new.file, error);
}

int plugins_init(const struct plugins *plugins, char *error)
{
	for (size_t i = 0; i < plugins->loaded_count; i++) {
		const struct loaded_plugin *p = &plugins->loaded[i];
		int r = p->plugin->init != NULL ? p->plugin->init() : 0;

		if (r == 0)
			continue;
		refuse(error, p->file, "its init() returned %d", r);
		return -ECANCELED;
	}
	return 0;
}
