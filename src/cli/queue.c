/* SPDX-License-Identifier: MIT */
#include "cli/queue.h"

#include <inttypes.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/object.h"
#include "cli/print.h"

/* ---- put and get make one */

static const char *set_transient(struct cli *cli, const char *value)
{
	struct queue_making *own = cli->own;

	(void)value;
	own->transient = true;
	return NULL;
}

static const char *set_maxsize(struct cli *cli, const char *value)
{
	struct queue_making *own = cli->own;

	if (cli_number(value, UINT32_MAX, &own->maxsize) < 0)
		return "must be a number of items, at least 1";
	return NULL;
}

static const struct cli_option making_rows[] = {
	{"maxsize", "N", "no more items at a time (default: no bound)", set_maxsize, 0},
	{"transient", NULL, "it ends with the last one who uses it", set_transient, 0},
	{0},
};

const struct cli_option_group queue_option_group = {
	"Options of a queue that is made now", making_rows};

int queue_open(struct cli *cli, struct ruche_object **ret, const char *name)
{
	const struct queue_making *own = cli->own;
	const struct ruche_object_options options = {
		.persistent = !own->transient, .maxsize = own->maxsize};

	return object_open(cli, ret, RUCHE_QUEUE, name, &options);
}

/* ---- the others do not */

/* Opens a queue that is there, and does one thing with it. */
static int with_queue(struct cli *cli, int argc, char **argv,
	int (*act)(struct cli *cli, struct ruche_object *queue, const char *name))
{
	static const struct ruche_object_options existing = {.existing = true};
	struct ruche_object *queue = NULL;
	int status = object_operands(cli, argc, 1, 1, "the NAME of a queue");

	if (status == 0)
		status = object_open(cli, &queue, RUCHE_QUEUE, argv[0], &existing);
	if (status == 0)
		status = act(cli, queue, argv[0]);
	ruche_object_close(queue);
	return status;
}

/* ---- size */

static int print_size(struct cli *cli, struct ruche_object *queue, const char *name)
{
	struct buf out = {0};
	size_t size = 0;
	int status = object_answer(cli, name, ruche_queue_size(queue, &size));

	return status != 0 ? status : print_finish(&out, cli_append(&out, "%zu\n", size));
}

static int run_size(struct cli *cli, int argc, char **argv)
{
	return with_queue(cli, argc, argv, print_size);
}

static const struct cli_command size_command = {
	.name = "queue size",
	.usage = "[OPTION]... NAME",
	.summary = "print how many items are in it",
	.text = "Those that somebody has taken and not acknowledged are not counted.",
	.examples = "ruche queue size jobs",
	.shared = true,
	.names = 1,
	.run = run_size,
};

/* ---- end */

static int end_queue(struct cli *cli, struct ruche_object *queue, const char *name)
{
	return object_answer(cli, name, ruche_queue_end(queue));
}

static int run_end(struct cli *cli, int argc, char **argv)
{
	return with_queue(cli, argc, argv, end_queue);
}

static const struct cli_command end_command = {
	.name = "queue end",
	.usage = "[OPTION]... NAME",
	.summary = "let nothing more be put into it",
	.text = "What is in it can still be got; then `ruche queue get --follow` ends with status "
		"0.",
	.examples = "ruche queue end jobs",
	.shared = true,
	.names = 1,
	.run = run_end,
};

/* ---- join */

static int join_queue(struct cli *cli, struct ruche_object *queue, const char *name)
{
	return object_answer(cli, name, ruche_queue_join(queue, object_patience(cli)));
}

static int run_join(struct cli *cli, int argc, char **argv)
{
	return with_queue(cli, argc, argv, join_queue);
}

static const struct cli_command join_command = {
	.name = "queue join",
	.usage = "[OPTION]... NAME",
	.summary = "wait until all that was put has been dealt with",
	.text = "An item has been dealt with when whoever got it has acknowledged it; `ruche queue "
		"get`\n"
		"does when it was written out.  The exit status is 124 if the time ran out.",
	.examples = "ruche queue join --timeout 1min jobs",
	.groups = {&patience_option_group},
	.shared = true,
	.names = 1,
	.run = run_join,
};

/* ---- all */

static const struct cli_alias subs[] = {
	{"put", &queue_put_command, NULL, NULL},
	{"get", &queue_get_command, NULL, NULL},
	{"size", &size_command, NULL, NULL},
	{"join", &join_command, NULL, NULL},
	{"end", &end_command, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command queue_command = {
	.name = "queue",
	.summary = "pass items from those who put to those who get, first in, first out",
	.text = "A queue is known by its name to all programs of one user.  Whichever of put and "
		"get "
		"comes\n"
		"first makes it, and it stays until `ruche objects remove NAME`, unless "
		"--transient "
		"was\n"
		"given: then it ends with the last one who uses it.",
	.examples = "find . -name '*.png' | ruche queue put pictures\n"
		    "ruche queue get --follow pictures | xargs -n 1 optipng\n"
		    "ruche queue end pictures",
	.subs = subs,
};
