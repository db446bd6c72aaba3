/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/value.h"

struct tasks_options {
	bool ids;
};

static int append_ids(struct buf *out, const msgpack_object *tasks)
{
	for (uint32_t i = 0; i < tasks->via.array.size; i++)
		if (cli_append(out, "%" PRId64 "\n", value_int(&tasks->via.array.ptr[i], "id", 0)) <
			0)
			return -ENOMEM;
	return 0;
}

static int add_duration(struct table *table, double seconds)
{
	char text[DURATION_TEXT_MAX];

	return table_add(table, "%s", seconds < 0 ? "" : duration_text(text, seconds));
}

static int add_age(struct table *table, const msgpack_object *task)
{
	double submitted = value_double(task, "submitted", -1), age = -1;
	struct timespec now;

	if (submitted >= 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
		age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - submitted;
	return add_duration(table, submitted >= 0 && age < 0 ? 0 : age);
}

static int add_row(struct table *table, const msgpack_object *task)
{
	if (table_add(table, "%" PRId64, value_int(task, "id", 0)) < 0 ||
		table_take(table, value_text(task, "state", "?")) < 0 ||
		table_take(table, value_text(task, "code", "")) < 0 ||
		table_take(table, value_text(task, "function", "?")) < 0 ||
		add_age(table, task) < 0 ||
		add_duration(table, value_double(task, "queued", -1)) < 0 ||
		add_duration(table, value_double(task, "ran", -1)) < 0 ||
		table_take(table, value_text(task, "tag", "")) < 0)
		return -ENOMEM;
	return 0;
}

static int append_table(struct buf *out, const msgpack_object *tasks)
{
	static const char *const heads[] = {
		">ID", "STATE", "OUTCOME", "FUNCTION", ">AGE", ">QUEUED", ">RAN", "TAG", NULL};
	struct table table;
	int broken = 0;

	table_init(&table, heads);
	for (uint32_t i = 0; broken == 0 && i < tasks->via.array.size; i++)
		broken = add_row(&table, &tasks->via.array.ptr[i]);
	if (broken == 0)
		broken = table_append(out, &table);
	table_fini(&table);
	return broken;
}

static int show_table(struct buf *out, const msgpack_object *tasks)
{
	return tasks->type != MSGPACK_OBJECT_ARRAY ? 0 : append_table(out, tasks);
}

static int show_ids(struct buf *out, const msgpack_object *tasks)
{
	return tasks->type != MSGPACK_OBJECT_ARRAY ? 0 : append_ids(out, tasks);
}

static const char *set_ids(struct cli *cli, const char *value)
{
	struct tasks_options *own = cli->own;

	(void)value;
	own->ids = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"ids", NULL, "print the ids alone, one a line", set_ids, 0},
	{0},
};

static int run(struct cli *cli, int argc, char **argv)
{
	const struct tasks_options *own = cli->own;

	return query_run(cli, "ruche.tasks", argc, argv, own->ids ? show_ids : show_table);
}

const struct cli_command tasks_command = {
	.name = "tasks",
	.usage = "[OPTION]...",
	.summary = "list the tasks that were submitted",
	.text = "Those that have not ended, and those whose result is kept: the user's own; for "
		"root,\n"
		"the daemon's user and who has `tasks` in ruche.conf(5) all.  OUTCOME is \"ok\" or "
		"what\n"
		"went wrong, once it has ended.\n"
		"A command is the function ruche.run; its TAG is the command line if none was "
		"given.",
	.examples = "ruche tasks\n"
		    "ruche wait $(ruche tasks --ids)",
	.options = options,
	.own_size = sizeof(struct tasks_options),
	.run = run,
};
