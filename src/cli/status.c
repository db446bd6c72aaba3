/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/description.h"
#include "cli/duration.h"
#include "cli/query.h"
#include "cli/task.h"
#include "cli/value.h"

/* A number of the daemon's and the word after it. */
struct count {
	const char *key, *label;
};

static const struct count worker_counts[] = {
	{"total", "in all"},
	{"idle", "idle"},
	{"busy", "busy"},
	{"starting", "starting"},
	{"failed", "given up"},
	{NULL, NULL},
};
static const struct count queue_counts[] = {
	{"queued", "waiting"},
	{"running", "running"},
	{NULL, NULL},
};
static const struct count task_counts[] = {
	{"accepted", "accepted"},
	{"done", "done"},
	{"failed", "failed"},
	{"crashed", "crashed"},
	{"cancelled", "cancelled"},
	{NULL, NULL},
};

/* What the daemon does not tell us, since it counts what others have, is left out. */
static int append_counts(
	struct buf *out, const char *head, const msgpack_object *map, const struct count *counts)
{
	bool any = false;

	for (size_t i = 0; counts[i].key != NULL; i++) {
		int64_t value = value_int(map, counts[i].key, -1);

		if (value < 0)
			continue;
		if ((!any && cli_append(out, "%-12s", head) < 0) ||
			cli_append(out, "%s%" PRId64 " %s", any ? ", " : "", value,
				counts[i].label) < 0)
			return -ENOMEM;
		any = true;
	}
	return any ? buf_append(out, "\n", 1) : 0;
}

static int append_daemon(struct buf *out, const msgpack_object *status)
{
	char *version = value_text(status, "version", "?"),
	     *state = value_text(status, "state", "?");
	char text[DURATION_TEXT_MAX];
	int broken = -ENOMEM;

	if (version != NULL && state != NULL)
		broken = cli_append(out, "%-12s%s, version %s, pid %" PRId64 ", up for %s\n",
			"ruched", state, version, value_int(status, "pid", 0),
			duration_text(text, value_double(status, "uptime", 0)));
	free(version);
	free(state);
	return broken;
}

static int append_clients(struct buf *out, const msgpack_object *status)
{
	int64_t clients = value_int(status, "clients", -1);

	return clients < 0 ? 0 : cli_append(out, "%-12s%" PRId64 "\n", "clients", clients);
}

static int append_restarts(struct buf *out, const msgpack_object *status)
{
	const msgpack_object *forkserver = value_get(status, "forkserver");
	int64_t pid = value_int(forkserver, "pid", 0);

	if (cli_append(out, "%-12s%" PRId64 " of workers, %" PRId64 " of the fork server\n",
		    "restarts", value_int(status, "restarts", 0),
		    value_int(forkserver, "restarts", 0)) < 0)
		return -ENOMEM;
	if (pid > 0)
		return cli_append(out, "%-12spid %" PRId64 "\n", "fork server", pid);
	return cli_append(out, "%-12s%s\n", "fork server", "not running");
}

/* First, and in red on a terminal: nobody should have to look for it. */
static int append_problem(struct buf *out, const msgpack_object *status)
{
	char *problem = value_text(status, "problem", "");
	int broken = -ENOMEM, is_terminal = isatty(STDOUT_FILENO);

	if (problem != NULL)
		broken = *problem == '\0' ? 0
					  : cli_append(out, "%sPROBLEM%s     %s\n",
						    is_terminal ? "\033[1;31m" : "",
						    is_terminal ? "\033[0m" : "", problem);
	free(problem);
	return broken;
}

static int show(struct buf *out, const msgpack_object *status)
{
	if (append_problem(out, status) < 0 || append_daemon(out, status) < 0 ||
		append_counts(out, "workers", value_get(status, "workers"), worker_counts) < 0 ||
		append_counts(out, "calls", status, queue_counts) < 0 ||
		append_clients(out, status) < 0 ||
		append_counts(out, "tasks", status, task_counts) < 0)
		return -ENOMEM;
	return append_restarts(out, status);
}

static int show_daemon(struct cli *cli)
{
	struct query query;
	struct buf out = {0};
	const msgpack_object *problem;
	int status = query_ask(&query, cli, "ruche.status", 0, NULL), has_problem;

	if (status != 0)
		return status;
	problem = value_get(query.result, "problem");
	has_problem = problem != NULL && problem->type != MSGPACK_OBJECT_NIL;
	status = cli->json ? query_append_json(&query, &out) : show(&out, query.result);
	status = query_finish(&query, &out, status);
	return status == 0 && has_problem ? STATUS_FAILED : status;
}

/* How a command ended that did, or NULL. */
static const char *look_at_command(
	const struct cli *cli, const msgpack_object *task, uint64_t id, char why[COMMAND_WHY_MAX])
{
	struct ruche_reply *reply = NULL;
	const char *ended = NULL;

	if (!task_is_command(task) || !task_is_success(task) ||
		ruche_task_result(cli->ruche, id, 0, &reply) < 0)
		return NULL;
	if (ruche_reply_code(reply) == RUCHE_OK && command_judge(reply, why) > 0)
		ended = why;
	ruche_reply_free(reply);
	return ended;
}

static int show_task(struct cli *cli, uint64_t id, bool is_first)
{
	struct query query;
	char why[COMMAND_WHY_MAX];
	struct buf out = {0};
	int status = task_look(&query, cli, id);

	if (status != 0)
		return status;
	if (cli->json)
		status = query_append_json(&query, &out);
	else if (is_first || (status = buf_append(&out, "\n", 1)) == 0)
		status = description_append(
			&out, query.result, look_at_command(cli, query.result, id, why));
	return query_finish(&query, &out, status);
}

static int run(struct cli *cli, int argc, char **argv)
{
	return argc > 0 ? task_for_each(cli, argc, argv, show_task) : show_daemon(cli);
}

const struct cli_command status_command = {
	.name = "status",
	.usage = "[OPTION]... [ID]...",
	.summary = "show how the daemon is and what it has done, or tell about tasks",
	.text = "With IDs, tells all that is known about these tasks; --json prints one object a "
		"line.\n"
		"\n"
		"Without, tells about the daemon.  If something is wrong, such as workers that "
		"cannot be started, the first line\n"
		"begins with PROBLEM and says what, and the exit status is 1.",
	.examples = "ruche status\n"
		    "ruche status --json\n"
		    "ruche status 281474976710657",
	.run = run,
};
