/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/stream.h"

static int run_here(struct cli *cli, struct command *command)
{
	int status = cli_open(cli);

	command->request.stream = true;
	command->request.stream_input = true;
	return status != 0 ? status : stream_run(cli, &command->request);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct command command;
	int status;

	if (argc == 0)
		return cli_usage(cli, "which CMD?");
	status = command_init(&command, cli, argv);
	if (status == 0)
		status = run_here(cli, &command);
	command_fini(&command);
	return status;
}

const struct cli_command run_command = {
	.name = "run",
	.usage = "[OPTION]... [--] CMD [ARG]...",
	.summary = "run a command in a worker as if it ran here",
	.text = "The command gets the current directory, the environment and stdin; its stdout "
		"and\n"
		"stderr come as it writes them, and its exit status is that of `ruche run`: 128+N "
		"if\n"
		"it was killed by signal N, 127 or 126 if it could not be started.  Ctrl-C, "
		"SIGTERM,\n"
		"SIGHUP and SIGQUIT are passed on to it; what it leaves undone then is killed "
		"after\n"
		"a grace period of 5 seconds, or at once by a second Ctrl-C.\n"
		"\n"
		"Its stdin and stdout are pipes, not a terminal.  As with ssh, stdin is read "
		"whether\n"
		"the command wants it or not: use </dev/null in a loop that reads.",
	.examples = "ruche run -- make -j1 check\n"
		    "ruche run --cwd /tmp --env LANG=C -- ls -l\n"
		    "ruche --private run -- sh -c 'echo out; echo err >&2; exit 7'",
	.groups = {&command_option_group, &call_option_group},
	.run = run,
};
