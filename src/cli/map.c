/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/job.h"
#include "cli/mapper.h"

enum { WINDOW_MAX = 1000000, CHUNK_MAX = 1000000 };

static const char *set_window(struct cli *cli, const char *value)
{
	struct mapper_options *own = cli->own;

	if (cli_number(value, WINDOW_MAX, &own->window) < 0)
		return "must be a number from 1 to 1000000";
	return NULL;
}

static const char *set_chunk(struct cli *cli, const char *value)
{
	struct mapper_options *own = cli->own;

	if (cli_number(value, CHUNK_MAX, &own->chunk) < 0)
		return "must be a number from 1 to 1000000";
	return NULL;
}

static const char *set_star(struct cli *cli, const char *value)
{
	struct mapper_options *own = cli->own;

	(void)value;
	own->star = true;
	return NULL;
}

static const char *set_unordered(struct cli *cli, const char *value)
{
	struct mapper_options *own = cli->own;

	(void)value;
	own->unordered = true;
	return NULL;
}

static const char *set_progress(struct cli *cli, const char *value)
{
	struct mapper_options *own = cli->own;

	(void)value;
	own->progress = PROGRESS_ON;
	return NULL;
}

static const char *set_no_progress(struct cli *cli, const char *value)
{
	struct mapper_options *own = cli->own;

	(void)value;
	own->progress = PROGRESS_OFF;
	return NULL;
}

static const struct cli_option options[] = {
	{"window", "N", "lines taken in at once (default 16384; 64 for commands)", set_window, 0},
	{"chunk", "N", "so many lines in one task (default: as many as take a moment)", set_chunk,
		0},
	{"star", NULL, "each line is a JSON array of all arguments", set_star, 0},
	{"unordered", NULL, "print results as they come, not in the order of the input",
		set_unordered, 0},
	{"progress", NULL, "tell on stderr how far it has come, even if that is no terminal",
		set_progress, 0},
	{"no-progress", NULL, "never do so", set_no_progress, 0},
	{0},
};

static int map(struct cli *cli, struct job *job)
{
	struct mapper_options *own = cli->own;
	int status = cli_open(cli);

	if (own->window == 0)
		own->window = job->window;
	return status != 0 ? status : mapper_run(cli, job, own);
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct mapper_options *own = cli->own;
	struct job job;
	int status;

	if (argc == 0)
		return cli_usage(cli, cli->dashes ? "which CMD?" : "which FUNCTION?");
	if (cli->call.key != NULL)
		return cli_usage(cli, "with one --key all lines would get the first one's result");
	if (cli->call.process)
		return cli_usage(cli, "a process for each line would be started at once, however"
				      " many there are; its tasks run in the pool");
	if (cli->dashes && (own->star || own->chunk > 0))
		return cli_usage(cli, "--star and --chunk are for functions, not for commands");
	status = cli->dashes ? job_init_command(&job, cli, argc, argv)
			     : job_init_function(&job, cli, argc, argv, own->star);
	if (status == 0)
		status = map(cli, &job);
	job_fini(&job);
	return status;
}

const struct cli_command map_command = {
	.name = "map",
	.usage = "[OPTION]... FUNCTION [ARG]...\n"
		 "[OPTION]... -- CMD [ARG]...",
	.summary = "run one task for each line of the input",
	.text = "Calls FUNCTION with each line of stdin as its last argument: a JSON value, or "
		"else\n"
		"a string.  Or, with --, runs CMD for each line, which takes the place of every\n"
		"{}, or is added as the last argument if there is none, and prints its output.\n"
		"\n"
		"Results are printed one a line, in the order of the input.  A task that fails is "
		"told\n"
		"about on stderr, the others go on, and the exit status is 1 at the end.  With "
		"--json\n"
		"each line is an object with \"index\" (which line it was, from 1), and \"result\" "
		"or\n"
		"\"error\".",
	.examples = "seq 1 8 | ruche map square\n"
		    "seq 100000 1000 109000 | ruche map --unordered primes.count 2\n"
		    "ls *.log | ruche map -- gzip -k {}",
	.options = options,
	.groups = {&call_option_group},
	.own_size = sizeof(struct mapper_options),
	.run = run,
};
