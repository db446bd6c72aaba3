/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/here.h"
#include "cli/stream.h"

struct run_options {
	const char *cwd;
	bool clear_env;
	const char **env; /* NAME=VALUE as given, not NULL-terminated */
	size_t env_count;
};

static const char *set_cwd(struct cli *cli, const char *value)
{
	struct run_options *own = cli->own;

	own->cwd = value;
	return NULL;
}

static const char *set_clear_env(struct cli *cli, const char *value)
{
	struct run_options *own = cli->own;

	(void)value;
	own->clear_env = true;
	return NULL;
}

static const char *set_env(struct cli *cli, const char *value)
{
	struct run_options *own = cli->own;
	const char **env;

	if (*value == '=' || strchr(value, '=') == NULL)
		return "must be NAME=VALUE";
	env = realloc(own->env, (own->env_count + 1) * sizeof(*env));
	if (env == NULL)
		return "there is no memory left";
	env[own->env_count++] = value;
	own->env = env;
	return NULL;
}

static const struct cli_option options[] = {
	{"cwd", "DIR", "run it in this directory (default: the current one)", set_cwd, 0},
	{"env", "NAME=VALUE", "set this in its environment; may be given again", set_env, 0},
	{"clear-env", NULL, "begin with an empty environment, not with ours", set_clear_env, 0},
	{0},
};

static int run_here(struct cli *cli, char **argv, const char *cwd, const char **env)
{
	struct ruche_command command = {
		.argv = (const char *const *)argv,
		.cwd = cwd,
		.env = env,
		.stream = true,
		.stream_input = true,
	};
	int status = cli_open(cli);

	return status != 0 ? status : stream_run(cli, &command);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct run_options *own = cli->own;
	const char **env = environment_build(own->clear_env, own->env, own->env_count);
	char *cwd = NULL;
	int status;

	if (argc == 0)
		status = cli_usage(cli, "which CMD?");
	else if (env == NULL)
		status = cli_no_memory();
	else if ((cwd = here_path(own->cwd)) == NULL)
		status = STATUS_NOT_STARTED;
	else
		status = run_here(cli, argv, cwd, env);
	free(cwd);
	free(env);
	free(own->env);
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
	.options = options,
	.own_size = sizeof(struct run_options),
	.run = run,
};
