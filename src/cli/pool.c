/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/value.h"

enum { WORKERS_MAX = 1024 /* as ruched has it */, RANGE_MAX = 32 };

/* A number, or nothing if the daemon does not tell. */
static int add_count(struct table *table, const msgpack_object *row, const char *key)
{
	int64_t value = value_int(row, key, -1);

	return value < 0 ? table_add(table, "%s", "") : table_add(table, "%" PRId64, value);
}

static int add_size(struct table *table, const msgpack_object *row)
{
	int64_t min = value_int(row, "min", 0), max = value_int(row, "max", 0);

	if (min == max)
		return table_add(table, "%" PRId64, max);
	return table_add(table, "%" PRId64 "-%" PRId64, min, max);
}

static int add_row(struct table *table, const msgpack_object *row)
{
	if (table_take(table, value_text(row, "name", "?")) < 0 ||
		table_take(table, value_text(row, "state", "?")) < 0 || add_size(table, row) < 0 ||
		add_count(table, row, "workers") < 0 || add_count(table, row, "idle") < 0 ||
		add_count(table, row, "busy") < 0 || add_count(table, row, "queued") < 0 ||
		table_take(table, value_text(row, "user", "")) < 0 ||
		table_take(table, value_text(row, "problem", "")) < 0)
		return -ENOMEM;
	return 0;
}

static int show(struct buf *out, const msgpack_object *rows)
{
	static const char *const heads[] = {"POOL", "STATE", ">SIZE", ">WORKERS", ">IDLE", ">BUSY",
		">QUEUED", "USER", "PROBLEM", NULL};
	struct table table;
	int broken = 0;

	if (rows->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	table_init(&table, heads);
	for (uint32_t i = 0; broken == 0 && i < rows->via.array.size; i++)
		broken = add_row(&table, &rows->via.array.ptr[i]);
	if (broken == 0)
		broken = table_append(out, &table);
	table_fini(&table);
	return broken;
}

/* "N" or "MIN-MAX". */
static int parse_size(const char *text, size_t *ret_min, size_t *ret_max)
{
	const char *dash = strchr(text, '-');
	char min[RANGE_MAX];

	if (dash == NULL) {
		if (cli_number(text, WORKERS_MAX, ret_max) < 0)
			return -EINVAL;
		*ret_min = *ret_max;
		return 0;
	}
	if ((size_t)(dash - text) >= sizeof(min))
		return -EINVAL;
	memcpy(min, text, (size_t)(dash - text));
	min[dash - text] = '\0';
	if (cli_number(min, WORKERS_MAX, ret_min) < 0 ||
		cli_number(dash + 1, WORKERS_MAX, ret_max) < 0 || *ret_min > *ret_max)
		return -EINVAL;
	return 0;
}

static int resize(struct cli *cli, const char *pool, const char *size)
{
	struct ruche_reply *reply = NULL;
	size_t min, max;
	int status;

	if (parse_size(size, &min, &max) < 0)
		return cli_usage(cli, "'%s' is no size: N or MIN-MAX, from 1 to 1024", size);
	status = cli_open(cli);
	if (status != 0)
		return status;
	status = ruche_call(
		cli->ruche, &reply, "ruche.resize", "sii", pool, (int64_t)min, (int64_t)max);
	status = cli_answer(cli, pool, status, reply);
	if (status == 0)
		ruche_reply_free(reply);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	if (argc == 0)
		return query_run(cli, "ruche.pools", argc, argv, show);
	if (strcmp(argv[0], "resize") != 0 || argc != 3)
		return cli_usage(cli, "nothing, or: resize POOL SIZE");
	return resize(cli, argv[1], argv[2]);
}

const struct cli_command pool_command = {
	.name = "pool",
	.usage = "[OPTION]...\n"
		 "[OPTION]... resize POOL SIZE",
	.summary = "list the pools, or change how many workers one has",
	.text = "SIZE is a number, or MIN-MAX for as many as are needed.  A worker that is not "
		"wanted "
		"any\n"
		"more ends its task first.  The next reload takes the size of the configuration "
		"again.\n"
		"To resize is for root, the user of the daemon, and whom ruche.conf(5) allows it.",
	.examples = "ruche pool\n"
		    "ruche pool resize default 4\n"
		    "ruche pool resize default 1-8",
	.run = run,
};
