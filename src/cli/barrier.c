/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "cli/cli.h"
#include "cli/object.h"
#include "cli/print.h"

struct barrier_options {
	size_t parties;
};

static const char *set_parties(struct cli *cli, const char *value)
{
	struct barrier_options *own = cli->own;

	if (cli_number(value, UINT_MAX, &own->parties) < 0)
		return "must be a number, at least 1";
	return NULL;
}

static const struct cli_option options[] = {
	{"parties", "N", "so many meet there; all say the same N", set_parties, 0},
	{0},
};

static int meet(struct cli *cli, struct ruche_object *barrier, const char *name)
{
	struct buf out = {0};
	unsigned int index = 0;
	int broken = ruche_barrier_wait(barrier, object_patience(cli), &index);
	int status = object_answer(cli, name, broken);

	return status != 0 ? status : print_finish(&out, cli_append(&out, "%u\n", index));
}

static int run_wait(struct cli *cli, int argc, char **argv)
{
	const struct barrier_options *own = cli->own;
	const struct ruche_object_options terms = {.parties = (unsigned int)own->parties};
	struct ruche_object *barrier = NULL;
	int status = object_operands(cli, argc, 1, 1, "the NAME of a barrier");

	if (status == 0 && own->parties == 0)
		return cli_usage(cli, "how many meet there?  --parties N");
	if (status == 0)
		status = object_open(cli, &barrier, RUCHE_BARRIER, argv[0], &terms);
	if (status == 0)
		status = meet(cli, barrier, argv[0]);
	ruche_object_close(barrier);
	return status;
}

static const struct cli_command barrier_wait_command = {
	.name = "barrier wait",
	.usage = "[OPTION]... --parties N NAME",
	.summary = "wait until N programs wait there, then all go on",
	.text = "Prints which one this is: from 0, in the order in which they came.  If one of "
		"them "
		"gives\n"
		"up after its --timeout (status 124) or dies, the barrier is broken, and the "
		"others "
		"are\n"
		"told so with status 1.  It ends with the last one who uses it.",
	.examples = "for i in 1 2 3; do ruche barrier wait --parties 3 start & done; wait",
	.options = options,
	.groups = {&patience_option_group},
	.own_size = sizeof(struct barrier_options),
	.shared = true,
	.names = 1,
	.run = run_wait,
};

static const struct cli_alias subs[] = {
	{"wait", &barrier_wait_command, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command barrier_command = {
	.name = "barrier",
	.summary = "let programs wait for each other",
	.text = "A barrier is known by its name to all programs of one user.",
	.examples = "ruche barrier wait --parties 2 start",
	.subs = subs,
};
