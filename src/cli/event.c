/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "cli/cli.h"
#include "cli/object.h"
#include "cli/print.h"

/* Opens an event and does one thing with it. */
static int with_event(struct cli *cli, int argc, char **argv,
	const struct ruche_object_options *terms,
	int (*act)(struct cli *cli, struct ruche_object *event, const char *name))
{
	struct ruche_object *event = NULL;
	int status = object_operands(cli, argc, 1, 1, "the NAME of an event");

	if (status == 0)
		status = object_open(cli, &event, RUCHE_EVENT, argv[0], terms);
	if (status == 0)
		status = act(cli, event, argv[0]);
	ruche_object_close(event);
	return status;
}

/* A shell's commands follow each other: what one has set, another one finds. */
static const struct ruche_object_options made = {.persistent = true};
static const struct ruche_object_options existing = {.existing = true};

static int set(struct cli *cli, struct ruche_object *event, const char *name)
{
	return object_answer(cli, name, ruche_event_set(event));
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	return with_event(cli, argc, argv, &made, set);
}

static const struct cli_command set_command = {
	.name = "event set",
	.usage = "[OPTION]... NAME",
	.summary = "set it: whoever waits for it goes on",
	.text = "It stays set until it is cleared.",
	.examples = "ruche event set ready",
	.shared = true,
	.names = 1,
	.run = run_set,
};

static int clear(struct cli *cli, struct ruche_object *event, const char *name)
{
	return object_answer(cli, name, ruche_event_clear(event));
}

static int run_clear(struct cli *cli, int argc, char **argv)
{
	return with_event(cli, argc, argv, &made, clear);
}

static const struct cli_command clear_command = {
	.name = "event clear",
	.usage = "[OPTION]... NAME",
	.summary = "clear it: who waits for it from now on has to wait",
	.text = "It stays clear until it is set.",
	.examples = "ruche event clear ready",
	.shared = true,
	.names = 1,
	.run = run_clear,
};

static int wait_for(struct cli *cli, struct ruche_object *event, const char *name)
{
	return object_answer(cli, name, ruche_event_wait(event, object_patience(cli)));
}

static int run_wait(struct cli *cli, int argc, char **argv)
{
	return with_event(cli, argc, argv, &made, wait_for);
}

static const struct cli_command wait_for_command = {
	.name = "event wait",
	.usage = "[OPTION]... NAME",
	.summary = "wait until it is set",
	.text = "Does not wait if it is set already.  The exit status is 124 if the time ran out.",
	.examples = "ruche event wait --timeout 10s ready && echo go",
	.groups = {&patience_option_group},
	.shared = true,
	.names = 1,
	.run = run_wait,
};

static int print_is_set(struct cli *cli, struct ruche_object *event, const char *name)
{
	int is_set = ruche_event_is_set(event);
	int status = object_answer(cli, name, is_set);
	struct buf out = {0};

	if (status == 0)
		status =
			print_finish(&out, cli_append(&out, "%s\n", is_set > 0 ? "true" : "false"));
	return status != 0 ? status : is_set > 0 ? 0 : STATUS_FAILED;
}

static int run_is_set(struct cli *cli, int argc, char **argv)
{
	return with_event(cli, argc, argv, &existing, print_is_set);
}

static const struct cli_command is_set_command = {
	.name = "event is-set",
	.usage = "[OPTION]... NAME",
	.summary = "print whether it is set",
	.text = "Prints true or false; the exit status is 0 or 1.",
	.examples = "ruche event is-set ready",
	.shared = true,
	.names = 1,
	.run = run_is_set,
};

static const struct cli_alias subs[] = {
	{"set", &set_command, NULL, NULL},
	{"clear", &clear_command, NULL, NULL},
	{"wait", &wait_for_command, NULL, NULL},
	{"is-set", &is_set_command, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command event_command = {
	.name = "event",
	.summary = "let programs wait until something has happened",
	.text = "An event is clear at first.  Any of set, clear and wait makes it; it stays until\n"
		"`ruche objects remove NAME`.",
	.examples = "ruche event wait ready &\n"
		    "ruche event set ready",
	.subs = subs,
};
