/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/value.h"

struct functions_options {
	bool names;
};

static int append_names(struct buf *out, const msgpack_object *functions)
{
	for (uint32_t i = 0; i < functions->via.array.size; i++) {
		char *name = value_text(&functions->via.array.ptr[i], "name", "?");
		int broken = name == NULL ? -ENOMEM : cli_append(out, "%s\n", name);

		free(name);
		if (broken < 0)
			return broken;
	}
	return 0;
}

static int add_row(struct table *table, const msgpack_object *function, bool has_pools)
{
	char *plugin = value_text(function, "plugin", "");
	const char *slash = plugin != NULL ? strrchr(plugin, '/') : NULL;
	int broken = plugin == NULL ? -ENOMEM : 0;

	if (broken == 0 && has_pools)
		broken = table_take(table, value_text(function, "pool", "?"));
	if (broken == 0 && (table_take(table, value_text(function, "name", "?")) < 0 ||
				   table_take(table, value_text(function, "params", "")) < 0 ||
				   table_add(table, "%s", slash != NULL ? slash + 1 : plugin) < 0 ||
				   table_take(table, value_text(function, "summary", "")) < 0))
		broken = -ENOMEM;
	free(plugin);
	return broken;
}

static int append_table(struct buf *out, const msgpack_object *functions)
{
	static const char *const heads[] = {
		"POOL", "FUNCTION", "PARAMETERS", "PLUGIN", "SUMMARY", NULL};
	bool has_pools = query_has_pools(functions);
	struct table table;
	int broken = 0;

	table_init(&table, has_pools ? heads : heads + 1);
	for (uint32_t i = 0; broken == 0 && i < functions->via.array.size; i++)
		broken = add_row(&table, &functions->via.array.ptr[i], has_pools);
	if (broken == 0)
		broken = table_append(out, &table);
	table_fini(&table);
	return broken;
}

static int show_table(struct buf *out, const msgpack_object *functions)
{
	return functions->type != MSGPACK_OBJECT_ARRAY ? 0 : append_table(out, functions);
}

static int show_names(struct buf *out, const msgpack_object *functions)
{
	return functions->type != MSGPACK_OBJECT_ARRAY ? 0 : append_names(out, functions);
}

static const char *set_names(struct cli *cli, const char *value)
{
	struct functions_options *own = cli->own;

	(void)value;
	own->names = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"names", NULL, "print the names alone, one a line", set_names, 0},
	{0},
};

static int run(struct cli *cli, int argc, char **argv)
{
	const struct functions_options *own = cli->own;

	return query_run(cli, "ruche.functions", argc, argv, own->names ? show_names : show_table);
}

const struct cli_command functions_command = {
	.name = "functions",
	.usage = "[OPTION]...",
	.summary = "list the functions that can be called",
	.text = "Each with its parameters (one in brackets may be left out, \"...\" means any\n"
		"number), and the plugin that it came from.",
	.examples = "ruche functions\n"
		    "ruche --private --plugin ./hello.so functions",
	.options = options,
	.own_size = sizeof(struct functions_options),
	.run = run,
};
