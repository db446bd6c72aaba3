/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PLUGIN_H
#define WORKER_PLUGIN_H

/*
 * The plugins of a pool and the functions in them.  The fork server fills the table once; its
 * workers inherit it and only look names up.  <ruche/plugin.h> tells what a plugin is.
 *
 * Every refusal is a message for the person who has to mend it: it names the file and says
 * what to do.
 */

#include <limits.h>
#include <stddef.h>

#include <ruche/plugin.h>

enum { PLUGIN_NAME_MAX = 128, PLUGIN_ERROR_MAX = 1024 };

#define PLUGIN_ARGS_ANY UINT_MAX

/* One function; its strings lie in the plugin, which is never unloaded. */
struct function {
	const char *name;
	size_t name_len;
	int (*run)(struct ruche_task *task);
	const char *params, *summary; /* may be NULL */
	const char *file;             /* of its plugin; NULL: built in */
	unsigned int min, max;        /* number of arguments */
};

struct loaded_plugin {
	char *file;
	void *handle;
	const struct ruche_plugin *plugin;
};

struct plugins {
	struct loaded_plugin *loaded; /* in the order given */
	size_t loaded_count;
	struct function *functions; /* sorted by name */
	size_t function_count;
};

void plugins_fini(struct plugins *plugins); /* what was loaded stays loaded */

/* Adds the functions of a table that every native worker has.  0 or -ENOMEM. */
int plugins_add_builtins(struct plugins *plugins, const struct ruche_function *table);

/*
 * Loads one plugin, running its constructors.  0; or a negative errno with a message in
 * `error` (PLUGIN_ERROR_MAX bytes), after which nothing more should be loaded.
 */
int plugins_load(struct plugins *plugins, const char *file, char *error);

/* Runs every plugin's init().  0, or -ECANCELED with a message as above. */
int plugins_init(const struct plugins *plugins, char *error);

/* NULL: there is no such function. */
const struct function *plugins_find(const struct plugins *plugins, const char *name, size_t len);

/*
 * How many arguments a `params` string allows; *ret_max may be PLUGIN_ARGS_ANY.  0, or
 * -EINVAL with a constant sentence that tells what is wrong.
 */
int params_parse(
	const char *params, unsigned int *ret_min, unsigned int *ret_max, const char **ret_why);

/*
 * The name of the parameter at `index`, without brackets, borrowed from `params`: its
 * length, or 0 if it has none.
 */
size_t params_name(const char *params, size_t index, const char **ret);

#endif
