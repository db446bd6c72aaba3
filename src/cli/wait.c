/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/description.h"
#include "cli/duration.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/task.h"
#include "cli/value.h"

struct wait_options {
	bool any, has_timeout;
	double timeout;
};

struct waiter {
	struct cli *cli;
	const struct wait_options *options;
	uint64_t *ids; /* of those that have not ended, as far as we know */
	size_t count;
	uint64_t start;
	bool some_failed;
};

static const char *set_any(struct cli *cli, const char *value)
{
	struct wait_options *own = cli->own;

	(void)value;
	own->any = true;
	return NULL;
}

static const char *set_timeout(struct cli *cli, const char *value)
{
	struct wait_options *own = cli->own;

	if (duration_parse(value, &own->timeout) < 0)
		return "must be a time such as 0, 1.5, 500ms, 2min or 1h";
	own->has_timeout = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"any", NULL, "until one of them has ended, not all", set_any, 0},
	{"timeout", "S", "no longer than this (default: for ever)", set_timeout, 0},
	{0},
};

static int milliseconds_left(const struct waiter *waiter)
{
	double left = waiter->options->timeout - (double)(clock_now() - waiter->start) / CLOCK_S;

	if (!waiter->options->has_timeout)
		return -1;
	return left > 0 ? duration_ms(left) : 0;
}

/* Whether it was among those that are waited for. */
static bool drop(struct waiter *waiter, uint64_t id)
{
	size_t kept = 0;

	for (size_t i = 0; i < waiter->count; i++)
		if (waiter->ids[i] != id)
			waiter->ids[kept++] = waiter->ids[i];
	if (kept == waiter->count)
		return false;
	waiter->count = kept;
	return true;
}

/* ---- one that has ended */

/* "42 square: ok; queued 0.002 s, ran 1.250 s; attempts: 1" */
static int append_line(struct buf *out, const msgpack_object *task, const char *outcome)
{
	char *function = value_text(task, "function", "?");
	int broken = -ENOMEM;

	if (function != NULL)
		broken = cli_append(
			out, "%" PRId64 " %s: %s; ", value_int(task, "id", 0), function, outcome);
	free(function);
	if (broken == 0)
		broken = description_append_times(out, task);
	return broken < 0 ? broken : buf_append(out, "\n", 1);
}

/* {"task": {…}, "error": {…}}, or "result" for a command. */
static int append_json(struct buf *out, const msgpack_object *task, const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	const void *data;
	size_t len;

	if (cli_append(out, "{\"task\": ") < 0 || json_append(out, task) < 0)
		return -ENOMEM;
	if (error != NULL &&
		(cli_append(out, ", \"error\": ") < 0 || failure_append(out, error) < 0))
		return -ENOMEM;
	if (error == NULL && task_is_command(task) && ruche_reply_packed(reply, &data, &len) == 0 &&
		(cli_append(out, ", \"result\": ") < 0 || json_append_packed(out, data, len) < 0))
		return -ENOMEM;
	return cli_append(out, "}\n");
}

static int print(struct waiter *waiter, const msgpack_object *task, const struct ruche_reply *reply,
	const char *outcome)
{
	struct buf out = {0};
	int broken = waiter->cli->json ? append_json(&out, task, reply)
				       : append_line(&out, task, outcome);

	return print_finish(&out, broken);
}

/* `reply` is NULL for a function that succeeded: its result may be large and is of no interest. */
static int tell_reply(
	struct waiter *waiter, const msgpack_object *task, const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	char why[COMMAND_WHY_MAX] = "ok", name[TASK_NAME_MAX];
	bool failed = error != NULL;
	int status;

	if (error == NULL && task_is_command(task))
		failed = command_judge(reply, why) != 0;
	status = print(waiter, task, reply,
		error != NULL ? ruche_code_name(error->code)
		: failed      ? why
			      : "ok");
	waiter->some_failed |= failed;
	if (status == 0 && error != NULL && !waiter->cli->json)
		failure_report(
			waiter->cli, task_name(name, (uint64_t)value_int(task, "id", 0)), error);
	return status;
}

static int tell_task(struct waiter *waiter, uint64_t id, const msgpack_object *task)
{
	struct ruche_reply *reply = NULL;
	int status;

	if (task_is_success(task) && !task_is_command(task))
		return tell_reply(waiter, task, NULL);
	status = ruche_task_result(waiter->cli->ruche, id, 0, &reply);
	if (status < 0)
		return cli_broken(status);
	status = tell_reply(waiter, task, reply);
	ruche_reply_free(reply);
	return status;
}

/* 0 or an exit status that ends it all. */
static int tell(struct waiter *waiter, uint64_t id)
{
	struct query query;
	int status = task_look(&query, waiter->cli, id);

	if (status == 0) {
		status = tell_task(waiter, id, query.result);
		query_fini(&query);
		return status;
	}
	waiter->some_failed = true;
	return task_is_about_one(status) ? 0 : status;
}

/* ---- all of them */

/* The daemon says which have ended. */
static int take_ended(struct waiter *waiter, struct ruche_reply *reply)
{
	struct query query;
	const msgpack_object *ended;
	uint32_t count;
	int status = query_take(&query, reply);

	if (status != 0)
		return status;
	ended = query.result;
	count = ended->type == MSGPACK_OBJECT_ARRAY ? ended->via.array.size : 0;
	for (uint32_t i = 0; status == 0 && i < count; i++) {
		const msgpack_object *id = &ended->via.array.ptr[i];

		if (id->type == MSGPACK_OBJECT_POSITIVE_INTEGER && drop(waiter, id->via.u64))
			status = tell(waiter, id->via.u64);
	}
	query_fini(&query);
	return status;
}

/*
 * The daemon refuses to wait for one of them: tells which, and goes on without it.  0, or an exit
 * status that ends it all.
 */
static int drop_refused(struct waiter *waiter, const struct ruche_error *error)
{
	size_t before = waiter->count, i = 0;
	struct query query;
	int status;

	while (i < waiter->count) {
		status = task_look(&query, waiter->cli, waiter->ids[i]);
		if (status == 0) {
			query_fini(&query);
			i++;
		} else if (task_is_about_one(status)) {
			drop(waiter, waiter->ids[i]);
			waiter->some_failed = true;
		} else {
			return status;
		}
	}
	return waiter->count < before ? 0 : failure_report(waiter->cli, "wait", error);
}

/* Waits for the next that end.  0, or an exit status that ends it all. */
static int wait_for_some(struct waiter *waiter, size_t *ret_ended)
{
	struct ruche_reply *reply = NULL;
	size_t before = waiter->count;
	int status = ruche_task_wait(waiter->cli->ruche, waiter->ids, waiter->count, true,
		milliseconds_left(waiter), &reply);

	*ret_ended = 0;
	if (status < 0)
		return cli_broken(status);
	if (ruche_reply_code(reply) != RUCHE_OK) {
		status = drop_refused(waiter, ruche_reply_error(reply));
		ruche_reply_free(reply);
		return status;
	}
	status = take_ended(waiter, reply);
	*ret_ended = before - waiter->count;
	return status;
}

static int wait_for_all(struct waiter *waiter)
{
	size_t total = waiter->count, ended = 0;
	int status = 0;

	while (status == 0 && waiter->count > 0 && !(waiter->options->any && ended > 0)) {
		size_t before = waiter->count;

		status = wait_for_some(waiter, &ended);
		if (status == 0 && waiter->count == before) {
			log_error("time is up: %zu of %zu have not ended", before, total);
			return STATUS_TIMEOUT;
		}
	}
	return status == 0 && waiter->some_failed ? STATUS_FAILED : status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct waiter waiter = {
		.cli = cli, .options = cli->own, .count = (size_t)argc, .start = clock_now()};
	int status = task_parse_all(cli, argc, argv, &waiter.ids);

	if (status == 0)
		status = cli_open(cli);
	if (status == 0)
		status = wait_for_all(&waiter);
	free(waiter.ids);
	return status;
}

const struct cli_command wait_command = {
	.name = "wait",
	.usage = "[OPTION]... ID...",
	.summary = "wait for submitted tasks to end",
	.text = "Prints a line for each when it ends: its ID, its function, \"ok\" or what went "
		"wrong, how\n"
		"long it was queued and ran, and how often it was started.  About one that failed "
		"all\n"
		"is told on stderr.  A command that ends with another status than 0 has failed.\n"
		"\n"
		"The exit status is 0 if all have succeeded, 1 if one has not, and 124 if the time "
		"ran\n"
		"out; the tasks go on.",
	.examples = "ruche wait $(ruche submit cube 3) $(ruche submit square 4)\n"
		    "ruche wait --any --timeout 10s $(ruche tasks --ids)",
	.options = options,
	.own_size = sizeof(struct wait_options),
	.run = run,
};
