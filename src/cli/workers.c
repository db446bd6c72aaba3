/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/value.h"

/* A number, or nothing if the daemon said nil. */
static int add_number(struct table *table, const msgpack_object *worker, const char *key)
{
	int64_t value = value_int(worker, key, -1);

	return value < 0 ? table_add(table, "%s", "") : table_add(table, "%" PRId64, value);
}

static int add_running_for(struct table *table, const msgpack_object *worker)
{
	double seconds = value_double(worker, "running_for", -1);
	char text[DURATION_TEXT_MAX];

	return table_add(table, "%s", seconds < 0 ? "" : duration_text(text, seconds));
}

static int add_row(struct table *table, const msgpack_object *worker, bool has_pools)
{
	if (has_pools && table_take(table, value_text(worker, "pool", "?")) < 0)
		return -ENOMEM;
	if (add_number(table, worker, "worker") < 0 || add_number(table, worker, "pid") < 0 ||
		add_number(table, worker, "core") < 0 ||
		table_take(table, value_text(worker, "state", "?")) < 0 ||
		table_take(table, value_text(worker, "function", "")) < 0 ||
		add_running_for(table, worker) < 0 || add_number(table, worker, "done") < 0 ||
		add_number(table, worker, "crashed") < 0 ||
		add_number(table, worker, "restarts") < 0 ||
		table_take(table, value_text(worker, "last_death", "")) < 0)
		return -ENOMEM;
	return 0;
}

static int show(struct buf *out, const msgpack_object *workers)
{
	static const char *const heads[] = {"POOL", ">WORKER", ">PID", ">CORE", "STATE", "RUNNING",
		">FOR", ">DONE", ">CRASHED", ">RESTARTS", "LAST DEATH", NULL};
	bool has_pools = query_has_pools(workers);
	struct table table;
	int broken = 0;

	if (workers->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	table_init(&table, has_pools ? heads : heads + 1);
	for (uint32_t i = 0; broken == 0 && i < workers->via.array.size; i++)
		broken = add_row(&table, &workers->via.array.ptr[i], has_pools);
	if (broken == 0)
		broken = table_append(out, &table);
	table_fini(&table);
	return broken;
}

static int run(struct cli *cli, int argc, char **argv)
{
	return query_run(cli, "ruche.workers", argc, argv, show);
}

const struct cli_command workers_command = {
	.name = "workers",
	.usage = "[OPTION]...",
	.summary = "list the workers, what each is doing, and how its last one died",
	.text = "WORKER is a place in the pool: when its process dies another one takes it, with "
		"a\n"
		"new PID.  FOR is how long it has been running what it runs.",
	.examples = "ruche workers\n"
		    "ruche workers --json",
	.run = run,
};
