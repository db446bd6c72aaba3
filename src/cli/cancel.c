/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/signals.h"
#include "cli/task.h"

struct cancel_options {
	int signal; /* 0: the daemon's choice */
};

static const char *set_signal(struct cli *cli, const char *value)
{
	struct cancel_options *own = cli->own;

	if (signals_parse(value, &own->signal) < 0)
		return "must be a signal such as TERM, SIGINT or 9";
	return NULL;
}

static const struct cli_option options[] = {
	{"signal", "SIGNAL", "ask it with this one, by name or number (default TERM)", set_signal,
		0},
	{0},
};

/* "42 stopping", or {"id": 42, "outcome": "stopping"} */
static int append_outcome(
	struct buf *out, const struct cli *cli, uint64_t id, const struct ruche_reply *reply)
{
	const char *text;
	size_t len;
	int broken = ruche_reply_bytes(reply, &text, &len);

	if (broken < 0)
		return broken;
	if (!cli->json)
		return cli_append(out, "%" PRIu64 " %.*s\n", id, (int)len, text);
	if (cli_append(out, "{\"id\": %" PRIu64 ", \"outcome\": ", id) < 0 ||
		json_append_bytes(out, text, len) < 0)
		return -1;
	return cli_append(out, "}\n");
}

static int cancel(struct cli *cli, uint64_t id, bool is_first)
{
	const struct cancel_options *own = cli->own;
	struct ruche_reply *reply = NULL;
	char name[TASK_NAME_MAX];
	struct buf out = {0};
	int status = ruche_task_cancel(cli->ruche, id, own->signal, &reply);

	(void)is_first;
	status = cli_answer(cli, task_name(name, id), status, reply);
	if (status != 0)
		return status;
	status = print_finish(&out, append_outcome(&out, cli, id, reply));
	ruche_reply_free(reply);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	return task_for_each(cli, argc, argv, cancel);
}

const struct cli_command cancel_command = {
	.name = "cancel",
	.usage = "[OPTION]... ID...",
	.summary = "stop tasks that were submitted",
	.text = "Prints a line for each: its ID, and \"cancelled\" if it had not started and will "
		"not,\n"
		"\"stopping\" if it runs and was asked to stop (it is killed if it has not after "
		"the\n"
		"daemon's grace period), or \"finished\" if its end came first.  The exit status "
		"is 1\n"
		"if one is not known, or is another user's.",
	.examples = "ruche cancel 281474976710657\n"
		    "ruche cancel --signal INT $(ruche tasks --ids)",
	.options = options,
	.own_size = sizeof(struct cancel_options),
	.run = run,
};
