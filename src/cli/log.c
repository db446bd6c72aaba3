/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/task.h"

struct log_options {
	bool follow;
};

static const char *set_follow(struct cli *cli, const char *value)
{
	struct log_options *own = cli->own;

	(void)value;
	own->follow = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"follow", NULL, "go on with what it writes, until it has ended", set_follow, 'f'},
	{0},
};

static int run(struct cli *cli, int argc, char **argv)
{
	const struct log_options *own = cli->own;
	uint64_t id;
	int status;

	if (argc != 1)
		return cli_usage(cli, argc == 0 ? "which ID?" : "takes one ID");
	status = task_parse(cli, argv[0], &id);
	if (status == 0)
		status = cli_open(cli);
	return status != 0 ? status : task_write_log(cli, id, own->follow);
}

const struct cli_command log_command = {
	.name = "log",
	.usage = "[OPTION]... ID",
	.summary = "show what a submitted command writes",
	.text = "Its stdout goes to stdout and its stderr to stderr, every byte as it was.  If it "
		"wrote\n"
		"more than the daemon keeps, a line on stderr tells how much is missing in the "
		"middle.",
	.examples =
		"ruche log -f $(ruche submit -- sh -c 'for i in 1 2 3; do echo $i; sleep 1; done')",
	.options = options,
	.own_size = sizeof(struct log_options),
	.run = run,
};
