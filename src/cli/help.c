/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { HEAD_MAX = 64 };

static const struct cli_option_group all = {"Options of all subcommands", cli_options};

/* The lines of `text`, each after `indent`. */
static int append_lines(struct buf *out, const char *indent, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (cli_append(out, "%s%.*s\n", indent, (int)len, text) < 0)
			return -ENOMEM;
		text += len + (text[len] == '\n');
	}
	return 0;
}

static int append_options(struct buf *out, const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		char head[HEAD_MAX], letter[8] = "";

		if (options->letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", options->letter);
		snprintf(head, sizeof(head), "%s--%s%s%s", letter, options->name,
			options->value != NULL ? " " : "",
			options->value != NULL ? options->value : "");
		if (cli_append(out, "  %-18s  %s\n", head, options->help) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int append_group(struct buf *out, const struct cli_option_group *group)
{
	if (cli_append(out, "\n%s:\n", group->title) < 0)
		return -ENOMEM;
	return append_options(out, group->options);
}

static int append_option_groups(struct buf *out, const struct cli_command *command)
{
	if (command->options != NULL && (cli_append(out, "\nOptions of %s:\n", command->name) < 0 ||
						append_options(out, command->options) < 0))
		return -ENOMEM;
	for (size_t i = 0; command->groups[i] != NULL; i++)
		if (append_group(out, command->groups[i]) < 0)
			return -ENOMEM;
	return append_group(out, &all);
}

/* Of a subcommand, which a group may call by another name. */
static int append_usage(
	struct buf *out, const char *group, const char *name, const struct cli_command *command)
{
	char prefix[HEAD_MAX];

	snprintf(prefix, sizeof(prefix), "  ruche %s%s%s ", group, *group != '\0' ? " " : "", name);
	return append_lines(out, prefix, command->usage);
}

/* Of a group: the usage of each, and what it does. */
static int append_subs(struct buf *out, const struct cli_command *command)
{
	for (const struct cli_alias *sub = command->subs; sub->name != NULL; sub++)
		if (append_usage(out, command->name, sub->name, sub->command) < 0)
			return -ENOMEM;
	if (cli_append(out, "\nSubcommands (`ruche help %s SUBCOMMAND` tells more):\n",
		    command->name) < 0)
		return -ENOMEM;
	for (const struct cli_alias *sub = command->subs; sub->name != NULL; sub++)
		if (cli_append(out, "  %-10s  %s\n", sub->name, sub->command->summary) < 0)
			return -ENOMEM;
	return 0;
}

static int append_command(struct buf *out, const struct cli_command *command)
{
	if (cli_append(out, "ruche %s: %s\n\nUsage:\n", command->name, command->summary) < 0 ||
		(command->subs != NULL ? append_subs(out, command)
				       : append_usage(out, "", command->name, command)) < 0 ||
		cli_append(out, "\n") < 0 || append_lines(out, "", command->text) < 0)
		return -ENOMEM;
	if (append_option_groups(out, command) < 0 || cli_append(out, "\nExamples:\n") < 0)
		return -ENOMEM;
	return append_lines(out, "  ", command->examples);
}

static int append_commands(struct buf *out)
{
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (cli_append(out, "  %-10s  %s\n", cli_commands[i]->name,
			    cli_commands[i]->summary) < 0)
			return -ENOMEM;
	return 0;
}

static const char program_head[] =
	"ruche: run functions and commands in a pool of worker processes\n"
	"\n"
	"Usage:\n"
	"  ruche [OPTION]... SUBCOMMAND [OPTION]... [ARGUMENT]...\n"
	"\n"
	"A first try, which needs no daemon: how many primes are there from 100000 to 300000?\n"
	"  ruche --private call primes.count 100000 300000\n"
	"One task for each line of the input, over all cores:\n"
	"  seq 1 8 | ruche --private map square\n"
	"A command in a worker, with its output and exit status:\n"
	"  ruche --private run -- sh -c 'echo hello from $$; exit 7'\n"
	"\n"
	"Subcommands (`ruche help SUBCOMMAND` tells more):\n";

static const char program_tail[] =
	"\n"
	"Exit status: 0 done; 1 the task failed; 64 wrong usage; 69 no daemon; 74 cannot read the\n"
	"input or write the output; 75 the daemon is busy; 77 it does not allow this; 124 timed "
	"out;\n"
	"128+N ended by signal N; and the command's own in `ruche run`, `lock` and `queue get`.\n"
	"\n"
	"The names of Python's multiprocessing, such as apply and starmap, are known as well.\n"
	"The daemon is found by --socket, $RUCHE_SOCKET, $XDG_RUNTIME_DIR/ruche/ruche.sock or\n"
	"/run/ruche/ruche.sock.  See ruche(1), ruched(8).\n";

static int append_program(struct buf *out)
{
	if (cli_append(out, "%s", program_head) < 0 || append_commands(out) < 0 ||
		cli_append(out, "\nOptions:\n") < 0 || append_options(out, cli_options) < 0)
		return -ENOMEM;
	return cli_append(out, "%s", program_tail);
}

int help_append(struct buf *text, const struct cli_command *command)
{
	return command != NULL ? append_command(text, command) : append_program(text);
}

static int run(struct cli *cli, int argc, char **argv)
{
	int used, status;
	const struct cli_command *command = cli_find(argc, argv, &used);
	struct buf text = {0};

	if (argc > used)
		return cli_usage(cli, "takes one SUBCOMMAND");
	if (argc > 0 && command == NULL)
		return cli_usage(cli, "there is no subcommand '%s'; `ruche help` lists them",
			argv[used - 1]);
	status = help_append(&text, command) < 0 ? cli_no_memory() : cli_print(&text);
	buf_fini(&text);
	return status;
}

const struct cli_command help_command = {
	.name = "help",
	.usage = "[SUBCOMMAND]...",
	.summary = "tell more about a subcommand",
	.text = "Without SUBCOMMAND, lists them all.",
	.examples = "ruche help map\n"
		    "ruche help queue put",
	.run = run,
};
