/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/failure.h"
#include "cli/here.h"
#include "cli/value.h"

static const char *set_cwd(struct cli *cli, const char *value)
{
	cli->command_options.cwd = value;
	return NULL;
}

static const char *set_clear_env(struct cli *cli, const char *value)
{
	(void)value;
	cli->command_options.clear_env = true;
	return NULL;
}

static const char *set_env(struct cli *cli, const char *value)
{
	struct command_options *options = &cli->command_options;
	const char **env;

	if (*value == '=' || strchr(value, '=') == NULL)
		return "must be NAME=VALUE";
	env = realloc(options->env, (options->env_count + 1) * sizeof(*env));
	if (env == NULL)
		return "there is no memory left";
	env[options->env_count++] = value;
	options->env = env;
	return NULL;
}

static const struct cli_option rows[] = {
	{"cwd", "DIR", "run it in this directory (default: the current one)", set_cwd, 0},
	{"env", "NAME=VALUE", "set this in its environment; may be given again", set_env, 0},
	{"clear-env", NULL, "begin with an empty environment, not with ours", set_clear_env, 0},
	{0},
};

const struct cli_option_group command_option_group = {"Options of a command", rows};

int command_init(struct command *command, const struct cli *cli, char **argv)
{
	const struct command_options *options = &cli->command_options;

	*command = (struct command){
		.env = environment_build(options->clear_env, options->env, options->env_count),
	};
	if (command->env == NULL)
		return cli_no_memory();
	command->cwd = here_path(options->cwd);
	if (command->cwd == NULL)
		return STATUS_NOT_STARTED;
	command->request = (struct ruche_command){
		.argv = (const char *const *)argv,
		.cwd = command->cwd,
		.env = command->env,
	};
	return 0;
}

void command_fini(struct command *command)
{
	free(command->cwd);
	free(command->env);
	*command = (struct command){0};
}

int command_judge(const struct ruche_reply *reply, char why[COMMAND_WHY_MAX])
{
	msgpack_unpacked unpacked;
	const msgpack_object *truncated;
	char text[SIGNAL_TEXT_MAX];
	int signal, status;

	if (value_unpack(reply, &unpacked) < 0)
		return -EPROTO;
	signal = (int)value_int(&unpacked.data, "signal", 0);
	status = (int)value_int(&unpacked.data, "exit_status", 0);
	truncated = value_get(&unpacked.data, "truncated");
	*why = '\0';
	if (signal != 0)
		snprintf(why, COMMAND_WHY_MAX, "killed by %s", failure_signal(text, signal));
	else if (status != 0)
		snprintf(why, COMMAND_WHY_MAX, "exit status %d", status);
	else if (truncated != NULL && truncated->type == MSGPACK_OBJECT_BOOLEAN &&
		 truncated->via.boolean)
		snprintf(why, COMMAND_WHY_MAX, "its output was too long, and was cut");
	msgpack_unpacked_destroy(&unpacked);
	return *why != '\0';
}

static int end_by_signal(struct cli *cli, const char *name, int signal, int passed_on)
{
	char text[SIGNAL_TEXT_MAX];

	/* A shell leaves its loop only if it sees its child die of SIGINT. */
	if (passed_on == SIGINT && signal == SIGINT)
		cli->signal = SIGINT;
	if (passed_on == 0)
		log_error("%s was killed by %s", name, failure_signal(text, signal));
	return STATUS_SIGNAL + signal;
}

static int end_by_result(
	struct cli *cli, const char *name, const struct ruche_reply *reply, int passed_on)
{
	msgpack_unpacked unpacked;
	int signal, status;

	if (value_unpack(reply, &unpacked) < 0)
		return cli_no_memory();
	signal = (int)value_int(&unpacked.data, "signal", 0);
	status = (int)value_int(&unpacked.data, "exit_status", 0);
	msgpack_unpacked_destroy(&unpacked);
	return signal != 0 ? end_by_signal(cli, name, signal, passed_on) : status;
}

int command_end(struct cli *cli, const char *name, const struct ruche_reply *reply, int signal)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	int status;

	if (error == NULL)
		return end_by_result(cli, name, reply, signal);
	if (error->code == RUCHE_CANCELLED && signal != 0)
		return end_by_signal(
			cli, name, error->signal != 0 ? error->signal : signal, signal);
	if (error->code == RUCHE_FAILED && error->executed == RUCHE_EXECUTED_NO &&
		error->exit_status > 0 && !cli->json) {
		log_error("%s", error->message);
		return error->exit_status;
	}
	status = failure_report(cli, name, error);
	return error->code == RUCHE_FAILED && error->exit_status > 0 ? error->exit_status : status;
}
