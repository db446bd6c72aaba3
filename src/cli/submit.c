/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/json.h"
#include "cli/print.h"

enum { TAG_MAX = 255 };

static const char *set_keep(struct cli *cli, const char *value)
{
	double seconds;

	if (duration_parse(value, &seconds) < 0 || seconds <= 0)
		return "must be a time such as 10min or 24h";
	cli->call.keep = seconds;
	return NULL;
}

static const struct cli_option options[] = {
	{"keep", "S", "how long its result is kept after its end (default 1h)", set_keep, 0},
	{0},
};

static int finish(
	const struct cli *cli, const char *what, int broken, uint64_t id, struct ruche_reply *reply)
{
	struct buf out = {0};
	int status;

	if (broken == 0 && id != 0)
		status = print_finish(&out, cli_append(&out, "%" PRIu64 "\n", id));
	else
		return cli_answer(cli, what, broken, reply);
	ruche_reply_free(reply);
	return status;
}

static int send_function(struct cli *cli, const char *function, const msgpack_sbuffer *args)
{
	struct ruche_reply *reply = NULL;
	uint64_t id = 0;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	status = ruche_task_submit_packed(
		cli->ruche, &id, &reply, &cli->call, function, args->data, args->size);
	return finish(cli, function, status, id, reply);
}

static int submit_function(struct cli *cli, int argc, char **argv)
{
	msgpack_sbuffer args;
	int status;

	msgpack_sbuffer_init(&args);
	status = args_pack_array(cli, &args, argc - 1, argv + 1);
	if (status == 0)
		status = send_function(cli, argv[0], &args);
	msgpack_sbuffer_destroy(&args);
	return status;
}

static int send_command(struct cli *cli, struct command *command)
{
	struct ruche_reply *reply = NULL;
	uint64_t id = 0;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	command->request.stream = true; /* kept by the daemon, for `ruche log` */
	status = ruche_task_submit_command(cli->ruche, &id, &reply, &cli->call, &command->request);
	return finish(cli, command->request.argv[0], status, id, reply);
}

/* The command line, as far as it is text and fits: else all commands look alike to people. */
static void write_tag(char tag[TAG_MAX + 1], char *const *argv)
{
	size_t len;

	*tag = '\0';
	for (len = 0; *argv != NULL && len < TAG_MAX; argv++)
		len += (size_t)snprintf(
			tag + len, TAG_MAX + 1 - len, "%s%s", len > 0 ? " " : "", *argv);
	len = strlen(tag);
	/* Cut inside a character: at most 3 bytes of it are left. */
	for (int i = 0; i < 3 && len > 0 && !json_is_text(tag, len); i++)
		len--;
	tag[json_is_text(tag, len) ? len : 0] = '\0';
}

static int submit_argv(struct cli *cli, char **argv)
{
	struct command command;
	char tag[TAG_MAX + 1];
	int status = command_init(&command, cli, argv);

	write_tag(tag, argv);
	if (cli->call.tag == NULL && *tag != '\0')
		cli->call.tag = tag;
	if (status == 0)
		status = send_command(cli, &command);
	command_fini(&command);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	if (argc == 0)
		return cli_usage(cli, cli->dashes ? "which CMD?" : "which FUNCTION?");
	if (cli->private_daemon)
		return cli_usage(cli, "a private daemon would end at once, and the task with it");
	cli->call.detach = true;
	return cli->dashes ? submit_argv(cli, argv) : submit_function(cli, argc, argv);
}

const struct cli_command submit_command = {
	.name = "submit",
	.usage = "[OPTION]... FUNCTION [ARG]...\n"
		 "[OPTION]... -- CMD [ARG]...",
	.summary = "start a task and print its id; it goes on when we have gone",
	.text = "As `ruche call` or, with --, as `ruche run`, but does not wait: prints the id of "
		"the\n"
		"task and nothing else.  `ruche wait ID` waits for its end, `ruche result ID` "
		"tells its\n"
		"result, `ruche log ID` shows what a command writes, `ruche cancel ID` stops it.\n"
		"\n"
		"The daemon alone can end it: the task is not tied to this program, to its "
		"terminal or\n"
		"to a session (it is detached).  A command gets the current directory and the\n"
		"environment, but no stdin.",
	.examples = "id=$(ruche submit primes.count 0 1000000); ruche result $id\n"
		    "ruche submit --tag nightly --keep 24h -- make check\n"
		    "ruche submit --at 2026-01-31T18:30 --attempts 3 -- ./backup.sh",
	.options = options,
	.groups = {&call_option_group, &command_option_group},
	.run = run,
};
