/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/description.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/failure.h"
#include "cli/moment.h"
#include "cli/value.h"

static bool has(const msgpack_object *task, const char *key)
{
	const msgpack_object *value = value_get(task, key);

	return value != NULL && value->type != MSGPACK_OBJECT_NIL;
}

static bool is_true(const msgpack_object *task, const char *key)
{
	const msgpack_object *value = value_get(task, key);

	return value != NULL && value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean;
}

/* The text under a key behind `before`, if there is any. */
static int append_text(
	struct buf *out, const char *before, const msgpack_object *task, const char *key)
{
	char *text = value_text(task, key, "");
	int broken = -ENOMEM;

	if (text != NULL)
		broken = *text == '\0' ? 0 : cli_append(out, "%s%s", before, text);
	free(text);
	return broken;
}

/* A line of one text, if there is any. */
static int append_line(
	struct buf *out, const char *head, const msgpack_object *task, const char *key)
{
	if (!has(task, key))
		return 0;
	if (cli_append(out, "%-12s", head) < 0 || append_text(out, "", task, key) < 0)
		return -ENOMEM;
	return buf_append(out, "\n", 1);
}

static int append_what(struct buf *out, const msgpack_object *task)
{
	int64_t priority = value_int(task, "priority", 0);

	if (cli_append(out, "%-12s%" PRId64, "task", value_int(task, "id", 0)) < 0 ||
		append_text(out, ": ", task, "function") < 0 ||
		append_text(out, " in pool ", task, "pool") < 0)
		return -ENOMEM;
	if (priority != 0 && cli_append(out, ", priority %" PRId64, priority) < 0)
		return -ENOMEM;
	return buf_append(out, "\n", 1);
}

static int append_state(struct buf *out, const msgpack_object *task)
{
	double progress = value_double(task, "progress", -1);

	if (cli_append(out, "%-12s", "state") < 0 || append_text(out, "", task, "state") < 0)
		return -ENOMEM;
	if (has(task, "worker") &&
		cli_append(out, " on worker %" PRId64, value_int(task, "worker", 0)) < 0)
		return -ENOMEM;
	if (has(task, "pid") && cli_append(out, ", pid %" PRId64, value_int(task, "pid", 0)) < 0)
		return -ENOMEM;
	if (has(task, "progress") && cli_append(out, ", progress %.3g", progress) < 0)
		return -ENOMEM;
	return buf_append(out, "\n", 1);
}

/* How it ended; nothing as long as it has not. */
static int append_outcome(struct buf *out, const msgpack_object *task, const char *more)
{
	int signal = (int)value_int(task, "signal", 0);
	char text[SIGNAL_TEXT_MAX];

	if (!has(task, "code"))
		return 0;
	if (cli_append(out, "%-12s", "outcome") < 0 || append_text(out, "", task, "code") < 0 ||
		append_text(out, "; executed: ", task, "executed") < 0)
		return -ENOMEM;
	if (more != NULL && cli_append(out, "; %s", more) < 0)
		return -ENOMEM;
	if (signal > 0 && cli_append(out, "; %s", failure_signal(text, signal)) < 0)
		return -ENOMEM;
	if (has(task, "exit_status") &&
		cli_append(out, "; exit status %" PRId64, value_int(task, "exit_status", 0)) < 0)
		return -ENOMEM;
	if (append_text(out, "\nmessage     ", task, "message") < 0)
		return -ENOMEM;
	return buf_append(out, "\n", 1);
}

int description_append_times(struct buf *out, const msgpack_object *task)
{
	return cli_append(out, "queued %.3f s, ran %.3f s; attempts: %" PRId64,
		value_double(task, "queued", 0), value_double(task, "ran", 0),
		value_int(task, "attempts", 0));
}

static int append_user(struct buf *out, const msgpack_object *task)
{
	int64_t uid = value_int(task, "user", -1);
	const struct passwd *user = uid >= 0 ? getpwuid((uid_t)uid) : NULL;

	if (uid < 0)
		return 0;
	if (user != NULL)
		return cli_append(out, " by %s", user->pw_name);
	return cli_append(out, " by user %" PRId64, uid);
}

static int append_dates(struct buf *out, const msgpack_object *task)
{
	char text[MOMENT_TEXT_MAX];

	if (cli_append(out, "%-12s%s", "submitted",
		    moment_text(text, value_double(task, "submitted", -1))) < 0 ||
		append_user(out, task) < 0 ||
		cli_append(out, "%s\n", is_true(task, "detached") ? ", detached" : "") < 0)
		return -ENOMEM;
	if (!has(task, "ended"))
		return 0;
	return cli_append(
		out, "%-12s%s\n", "ended", moment_text(text, value_double(task, "ended", -1)));
}

static int append_sizes(struct buf *out, const msgpack_object *task)
{
	if (has(task, "result_bytes") && cli_append(out, "%-12s%" PRId64 " bytes\n", "result",
						 value_int(task, "result_bytes", 0)) < 0)
		return -ENOMEM;
	if (!has(task, "peak_memory"))
		return 0;
	return cli_append(out, "%-12s%.1f MiB at its peak\n", "memory",
		value_double(task, "peak_memory", 0) / (1 << 20));
}

int description_append(struct buf *out, const msgpack_object *task, const char *more)
{
	if (append_what(out, task) < 0 || append_line(out, "tag", task, "tag") < 0 ||
		append_line(out, "key", task, "key") < 0 || append_state(out, task) < 0 ||
		append_outcome(out, task, more) < 0 || cli_append(out, "%-12s", "times") < 0 ||
		description_append_times(out, task) < 0 || buf_append(out, "\n", 1) < 0 ||
		append_dates(out, task) < 0)
		return -ENOMEM;
	return append_sizes(out, task);
}
