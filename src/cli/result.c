/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/task.h"
#include "cli/value.h"

struct result_options {
	bool has_timeout, forget;
	double timeout;
};

static const char *set_timeout(struct cli *cli, const char *value)
{
	struct result_options *own = cli->own;

	if (duration_parse(value, &own->timeout) < 0)
		return "must be a time such as 0, 1.5, 500ms, 2min or 1h";
	own->has_timeout = true;
	return NULL;
}

static const char *set_forget(struct cli *cli, const char *value)
{
	struct result_options *own = cli->own;

	(void)value;
	own->forget = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"timeout", "S", "wait for its end no longer than this (default: for ever)", set_timeout,
		0},
	{"forget", NULL, "once it was printed, have the daemon drop it", set_forget, 0},
	{0},
};

/* Only when all of it was printed: a result cannot be had again. */
static int forget(const struct cli *cli, uint64_t id)
{
	static const char packed[] = "\x82\xa7timeout\x00\xa6"
				     "forget\xc3";
	struct ruche_reply *reply = NULL;
	int broken = ruche_call(
		cli->ruche, &reply, "ruche.result", "um", id, packed, sizeof(packed) - 1);

	ruche_reply_free(reply);
	return broken < 0 ? cli_broken(broken) : 0;
}

static bool is_pending(const struct ruche_reply *reply)
{
	return ruche_reply_code(reply) == RUCHE_PENDING;
}

/* What it wrote first, then what became of it, as in `ruche run`. */
static int tell_command(struct cli *cli, uint64_t id, const struct ruche_reply *reply)
{
	char name[TASK_NAME_MAX];
	int status = is_pending(reply) ? 0 : task_write_log(cli, id, false);

	if (status != 0)
		return status;
	return command_end(cli, task_name(name, id), reply, 0);
}

static int tell_function(
	const struct cli *cli, const msgpack_object *task, const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	char *name;
	int status;

	if (error == NULL)
		return print_result(cli, reply);
	name = value_text(task, "function", "?");
	if (name == NULL)
		return cli_no_memory();
	status = failure_report(cli, name, error);
	free(name);
	return status;
}

static int tell(struct cli *cli, uint64_t id, const msgpack_object *task)
{
	const struct result_options *own = cli->own;
	struct ruche_reply *reply = NULL;
	int status, forgotten;

	status = ruche_task_result(
		cli->ruche, id, own->has_timeout ? duration_ms(own->timeout) : -1, &reply);
	if (status < 0)
		return cli_broken(status);
	if (task_is_command(task))
		status = tell_command(cli, id, reply);
	else
		status = tell_function(cli, task, reply);
	if (own->forget && !is_pending(reply) && status != STATUS_OUTPUT) {
		forgotten = forget(cli, id);
		status = status != 0 ? status : forgotten;
	}
	ruche_reply_free(reply);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct query query;
	uint64_t id;
	int status;

	if (argc != 1)
		return cli_usage(cli, argc == 0 ? "which ID?" : "takes one ID");
	status = task_parse(cli, argv[0], &id);
	if (status == 0)
		status = cli_open(cli);
	if (status == 0)
		status = task_look(&query, cli, id);
	if (status != 0)
		return status;
	status = tell(cli, id, query.result);
	query_fini(&query);
	return status;
}

const struct cli_command result_command = {
	.name = "result",
	.usage = "[OPTION]... ID",
	.summary = "wait for a submitted task and print its result",
	.text = "As `ruche call` would have: the result on stdout, or the story of the failure on\n"
		"stderr, and the exit status that goes with it.  For a command, as `ruche run`: "
		"what it\n"
		"wrote, and its own exit status.  124 if it has not ended after --timeout; the "
		"task\n"
		"goes on.\n"
		"\n"
		"A result is kept for an hour, or as long as `ruche submit --keep` says, and can "
		"be\n"
		"asked for again and again.",
	.examples = "ruche result $(ruche submit cube 3)\n"
		    "ruche result --timeout 0 281474976710657",
	.options = options,
	.own_size = sizeof(struct result_options),
	.run = run,
};
