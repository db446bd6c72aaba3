/* SPDX-License-Identifier: MIT */

/* From the words of the command line to the subcommand that they name, and the end of the program. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/signals.h"

const struct cli_command *const cli_commands[] = {
	&call_command,
	&run_command,
	&map_command,
	&submit_command,
	&wait_command,
	&result_command,
	&log_command,
	&cancel_command,
	&tasks_command,
	&process_command,
	&queue_command,
	&lock_command,
	&event_command,
	&barrier_command,
	&value_command,
	&pipe_command,
	&objects_command,
	&status_command,
	&workers_command,
	&functions_command,
	&quarantine_command,
	&pool_command,
	&cpu_count_command,
	&reload_command,
	&upgrade_command,
	&drain_command,
	&pause_command,
	&resume_command,
	&ping_command,
	&help_command,
	NULL,
};

const struct cli_alias cli_aliases[] = {
	{"apply", &call_command, NULL, NULL},
	{"apply_async", &submit_command, NULL, NULL},
	{"starmap", &map_command, "star", NULL},
	{"imap", &map_command, NULL, NULL},
	{"imap_unordered", &map_command, "unordered", NULL},
	{"cpu_count", &cpu_count_command, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

/* ---- finding a subcommand */

static const struct cli_alias *find_alias(const struct cli_alias *alias, const char *name)
{
	for (; alias->name != NULL; alias++)
		if (strcmp(alias->name, name) == 0)
			return alias;
	return NULL;
}

static const struct cli_command *find_command(const char *name, const struct cli_alias **ret_alias)
{
	*ret_alias = find_alias(cli_aliases, name);
	if (*ret_alias != NULL)
		return (*ret_alias)->command;
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	return NULL;
}

const struct cli_command *cli_find(int argc, char *const *argv, int *ret_used)
{
	const struct cli_alias *alias;
	const struct cli_command *command = argc > 0 ? find_command(argv[0], &alias) : NULL;

	*ret_used = argc > 0 ? 1 : 0;
	if (command == NULL || command->subs == NULL || argc == 1)
		return command;
	*ret_used = 2;
	alias = find_alias(command->subs, argv[1]);
	return alias != NULL ? alias->command : NULL;
}

/* ---- running it */

static int print_help(const struct cli_command *command)
{
	struct buf text = {0};
	int status = help_append(&text, command) < 0 ? cli_no_memory() : cli_print(&text);

	buf_fini(&text);
	return status;
}

static int print_version(void)
{
	struct buf text = {0};
	int status = cli_append(&text, "ruche %s\n", ruche_version()) < 0 ? cli_no_memory()
									  : cli_print(&text);

	buf_fini(&text);
	return status;
}

/* A negative number is no option. */
static int count_until_number(int argc, char *const *argv, int from)
{
	while (from < argc && (argv[from][0] != '-' || argv[from][1] < '0' || argv[from][1] > '9'))
		from++;
	return from;
}

/*
 * Reads the options that stand behind names, and moves the names behind them.  argv[first] is the
 * first operand; returns where the operands begin then, or a negative number.
 */
static int parse_behind_names(struct cli *cli, int argc, char **argv, int first)
{
	int at = first;
	unsigned int done;

	for (done = 0; done < cli->command->names && at < argc && !cli->dashes; done++) {
		int end = count_until_number(argc, argv, at + 1);
		int used = options_parse(cli, end - at, argv + at);

		if (used < 0)
			return -1;
		memmove(argv + at + used - 1 - done, argv + at - done, (done + 1) * sizeof(*argv));
		at += used;
	}
	return at - (int)done;
}

static int read_and_run(struct cli *cli, int argc, char **argv)
{
	int first = options_parse(cli, argc, argv);

	if (first >= 0)
		first = parse_behind_names(cli, argc, argv, first);
	if (first < 0)
		return STATUS_USAGE;
	if (cli->help)
		return print_help(cli->command);
	if (cli->version)
		return print_version();
	if (cli->private_daemon && cli->command->shared)
		return cli_usage(cli, "a private daemon ends with this command, and what is shared"
				      " with it");
	if (!cli->private_daemon && (cli->workers > 0 || cli->plugin_count > 0))
		return cli_usage(cli, "--workers and --plugin need --private: a running daemon has"
				      " its own");
	return cli->command->run(cli, argc - first, argv + first);
}

static void give_one_of(
	struct cli *cli, const struct cli_option *rows, const struct cli_alias *alias)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (strcmp(rows->name, alias->option) == 0)
			(void)rows->set(cli, alias->value);
}

static void give_option(struct cli *cli, const struct cli_alias *alias)
{
	give_one_of(cli, cli->command->options, alias);
	for (size_t i = 0; cli->command->groups[i] != NULL; i++)
		give_one_of(cli, cli->command->groups[i]->options, alias);
}

/* `alias` is the name by which it was called, or NULL. */
static int enter_command(struct cli *cli, const struct cli_alias *alias, int argc, char **argv)
{
	cli->own = calloc(1, cli->command->own_size + 1);
	if (cli->own == NULL)
		return cli_no_memory();
	if (alias != NULL && alias->option != NULL)
		give_option(cli, alias);
	return read_and_run(cli, argc, argv);
}

static int ask_which(const struct cli *cli)
{
	struct buf names = {0};
	int broken = 0, status;

	for (const struct cli_alias *sub = cli->command->subs; broken == 0 && sub->name != NULL;
		sub++)
		broken = cli_append(
			&names, "%s%s", sub == cli->command->subs ? "" : ", ", sub->name);
	status = broken < 0 ? cli_no_memory()
			    : cli_usage(cli, "which of its subcommands: %.*s?",
				      (int)buf_len(&names), (const char *)buf_data(&names));
	buf_fini(&names);
	return status;
}

/* One that is made of others: the next word says which. */
static int enter_group(struct cli *cli, int argc, char **argv)
{
	int first = options_parse(cli, argc, argv);
	const struct cli_alias *sub;

	if (first < 0)
		return STATUS_USAGE;
	if (cli->help)
		return print_help(cli->command);
	if (cli->version)
		return print_version();
	if (first == argc)
		return ask_which(cli);
	sub = find_alias(cli->command->subs, argv[first]);
	if (sub == NULL)
		return cli_usage(cli, "there is no subcommand '%s'", argv[first]);
	cli->command = sub->command;
	return enter_command(cli, sub, argc - first, argv + first);
}

static int run_program(struct cli *cli, int argc, char **argv)
{
	const struct cli_alias *alias;
	int first = options_parse(cli, argc, argv);

	if (first < 0)
		return STATUS_USAGE;
	if (cli->help)
		return print_help(NULL);
	if (cli->version)
		return print_version();
	if (first == argc)
		return cli_usage(cli, "which subcommand?");
	cli->command = find_command(argv[first], &alias);
	if (cli->command == NULL)
		return cli_usage(cli, "there is no subcommand '%s'", argv[first]);
	if (cli->command->subs != NULL)
		return enter_group(cli, argc - first, argv + first);
	return enter_command(cli, alias, argc - first, argv + first);
}

/*
 * A closed standard descriptor would be taken by the next open(), and results be written
 * into it.  These cannot be used either: reading from 0 and writing to the others is EBADF.
 */
static void hold_standard_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {0};
	int status;

	log_open("ruche", LOG_LEVEL_INFO);
	hold_standard_fds();
	status = run_program(&cli, argc, argv);
	ruche_close(cli.ruche);
	free(cli.own);
	free(cli.plugins);
	free(cli.command_options.env);
	if (cli.signal != 0)
		signals_die(cli.signal);
	return status;
}
