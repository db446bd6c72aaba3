/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/object.h"
#include "cli/object_text.h"
#include "cli/query.h"
#include "cli/value.h"

struct objects_options {
	bool names;
};

static const char *set_names(struct cli *cli, const char *value)
{
	struct objects_options *own = cli->own;

	(void)value;
	own->names = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"names", NULL, "print the names alone, one a line", set_names, 0},
	{0},
};

static int append_names(struct buf *out, const msgpack_object *objects)
{
	int broken = 0;

	if (objects->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	for (uint32_t i = 0; broken == 0 && i < objects->via.array.size; i++) {
		char *name = value_text(&objects->via.array.ptr[i], "name", "?");

		broken = name != NULL ? cli_append(out, "%s\n", name) : -ENOMEM;
		free(name);
	}
	return broken;
}

static int show(struct cli *cli, struct ruche_reply *reply,
	int (*append)(struct buf *out, const msgpack_object *result))
{
	struct query query;
	struct buf out = {0};
	int status = query_take(&query, reply);

	if (status != 0)
		return status;
	status = cli->json ? query_append_json(&query, &out) : append(&out, query.result);
	return query_finish(&query, &out, status);
}

static int show_all(struct cli *cli)
{
	const struct objects_options *own = cli->own;
	struct ruche_reply *reply = NULL;
	int status = object_answer(cli, "objects", ruche_objects(cli->ruche, &reply));

	if (status != 0)
		return status;
	return show(cli, reply, own->names ? append_names : object_text_append_table);
}

static int show_one(struct cli *cli, const char *name)
{
	struct ruche_reply *reply = NULL;
	int status = object_answer(cli, name, ruche_object_status(cli->ruche, name, &reply));

	return status != 0 ? status : show(cli, reply, object_text_append);
}

/* Also those behind one that is not there. */
static int remove_all(struct cli *cli, int argc, char **argv)
{
	int status = 0;

	for (int i = 0; i < argc && status != STATUS_NO_DAEMON; i++) {
		int last = object_answer(cli, argv[i], ruche_object_remove(cli->ruche, argv[i]));

		status = last != 0 ? last : status;
	}
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	bool removes = argc > 1 && strcmp(argv[0], "remove") == 0;
	int status = 0;

	if (argc > 1 && !removes)
		return cli_usage(cli, "takes one NAME, or: remove NAME...");
	status = cli_open(cli);
	if (status != 0)
		return status;
	if (removes)
		return remove_all(cli, argc - 1, argv + 1);
	return argc == 1 ? show_one(cli, argv[0]) : show_all(cli);
}

const struct cli_command objects_command = {
	.name = "objects",
	.usage = "[OPTION]... [NAME]\n"
		 "[OPTION]... remove NAME...",
	.summary = "list queues, locks and other objects, and who holds them; or remove some",
	.text = "With NAME, tells all about one: the processes that hold it, with the task that "
		"each "
		"runs,\n"
		"and those that wait there, for what, and how long.  BYTES is what counts against "
		"the\n"
		"user's limit.  Whoever waits for an object that is removed is told so, and its "
		"name "
		"is\n"
		"free at once.",
	.examples = "ruche objects\n"
		    "ruche objects backup\n"
		    "ruche objects remove jobs",
	.options = options,
	.own_size = sizeof(struct objects_options),
	.shared = true,
	.names = 1,
	.run = run,
};
