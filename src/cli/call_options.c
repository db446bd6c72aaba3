/* SPDX-License-Identifier: MIT */

/* What may be asked of a call, whichever subcommand makes it; ruche-tasks(7) tells what it does. */

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/moment.h"

enum { NAME_MAX_BYTES = 255, ATTEMPTS_MAX = 100, PRIORITY_MAX = 10 };

/* libruche takes 0 for "not given": so little comes to the same. */
static const double none = 1e-9;

static const char not_duration[] = "must be a time such as 1.5, 500ms, 2min or 1h";

static const char *set_seconds(const char *value, double *ret)
{
	double seconds;

	if (duration_parse(value, &seconds) < 0)
		return not_duration;
	*ret = seconds > 0 ? seconds : none;
	return NULL;
}

static const char *set_limit(const char *value, double *ret)
{
	double seconds;

	if (duration_parse(value, &seconds) < 0)
		return not_duration;
	if (seconds <= 0)
		return "must be more than 0";
	*ret = seconds;
	return NULL;
}

static const char *set_moment(const char *value, double *ret)
{
	if (moment_parse(value, ret) < 0)
		return "must be a point of time such as 2026-01-31T18:30, or seconds since 1970";
	return NULL;
}

static const char *set_text(const char *value, const char **ret)
{
	if (*value == '\0' || strlen(value) > NAME_MAX_BYTES)
		return "must have 1 to 255 bytes";
	*ret = value;
	return NULL;
}

static const char *set_timeout(struct cli *cli, const char *value)
{
	return set_limit(value, &cli->call.timeout);
}

static const char *set_deadline(struct cli *cli, const char *value)
{
	return set_moment(value, &cli->call.deadline);
}

static const char *set_expires(struct cli *cli, const char *value)
{
	return set_limit(value, &cli->call.expires);
}

static const char *set_delay(struct cli *cli, const char *value)
{
	return set_seconds(value, &cli->call.delay);
}

static const char *set_at(struct cli *cli, const char *value)
{
	return set_moment(value, &cli->call.at);
}

static const char *set_attempts(struct cli *cli, const char *value)
{
	size_t attempts;

	if (cli_number(value, ATTEMPTS_MAX, &attempts) < 0)
		return "must be a number from 1 to 100";
	cli->call.attempts = (unsigned int)attempts;
	return NULL;
}

/* The code of a word of `len` bytes, or RUCHE_OK. */
static enum ruche_code find_code(const char *word, size_t len)
{
	static const enum ruche_code codes[] = {RUCHE_CRASHED, RUCHE_TIMEOUT, RUCHE_FAILED};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		const char *name = ruche_code_name(codes[i]);

		if (strlen(name) == len && memcmp(name, word, len) == 0)
			return codes[i];
	}
	return RUCHE_OK;
}

static const char *set_retry_on(struct cli *cli, const char *value)
{
	unsigned int retry_on = 0;

	for (;;) {
		size_t len = strcspn(value, ",");
		enum ruche_code code = find_code(value, len);

		if (code == RUCHE_OK)
			return "must be some of crashed,timeout,failed";
		retry_on |= RUCHE_RETRY_ON(code);
		if (value[len] == '\0')
			break;
		value += len + 1;
	}
	cli->call.retry_on = retry_on;
	return NULL;
}

static const char *set_backoff(struct cli *cli, const char *value)
{
	return set_seconds(value, &cli->call.backoff);
}

static const char *set_priority(struct cli *cli, const char *value)
{
	char *end;
	long priority = strtol(value, &end, 10);

	if (end == value || *end != '\0' || priority < -PRIORITY_MAX || priority > PRIORITY_MAX)
		return "must be a number from -10 to 10";
	cli->call.priority = (int)priority;
	return NULL;
}

static const char *set_key(struct cli *cli, const char *value)
{
	return set_text(value, &cli->call.key);
}

static const char *set_key_window(struct cli *cli, const char *value)
{
	return set_seconds(value, &cli->call.key_window);
}

static const char *set_pool(struct cli *cli, const char *value)
{
	return set_text(value, &cli->call.pool);
}

static const char *set_no_wait(struct cli *cli, const char *value)
{
	(void)value;
	cli->call.no_wait = true;
	return NULL;
}

static const char *set_tag(struct cli *cli, const char *value)
{
	return set_text(value, &cli->call.tag);
}

static const char *set_process(struct cli *cli, const char *value)
{
	(void)value;
	cli->call.process = true;
	return NULL;
}

static const struct cli_option rows[] = {
	{"timeout", "S", "stop a run that takes longer; S: 1.5, 500ms, 2min, 1h", set_timeout, 0},
	{"deadline", "TIME", "end it by then: 2026-01-31T18:30, or seconds since 1970",
		set_deadline, 0},
	{"expires", "S", "give it up if it has not started by then", set_expires, 0},
	{"delay", "S", "do not start it before", set_delay, 0},
	{"at", "TIME", "do not start it before that point of time", set_at, 0},
	{"attempts", "N", "run it up to so many times (default 1)", set_attempts, 0},
	{"retry-on", "LIST", "after which ends: crashed,timeout,failed (default crashed)",
		set_retry_on, 0},
	{"backoff", "S", "pause before the second run, then doubled (default 100ms)", set_backoff,
		0},
	{"priority", "N", "-10 to 10; higher ones run first (default 0)", set_priority, 0},
	{"key", "KEY", "run it once for all calls with this key", set_key, 0},
	{"key-window", "S", "how long a key is remembered after its end (default 1h)",
		set_key_window, 0},
	{"pool", "NAME", "the pool that runs it", set_pool, 0},
	{"no-wait", NULL, "if the daemon has no room, fail and do not wait for it", set_no_wait, 0},
	{"tag", "TEXT", "what to call it in `ruche tasks`", set_tag, 0},
	{"process", NULL, "as a process of its own, which waits for no worker", set_process, 0},
	{0},
};

const struct cli_option_group call_option_group = {"Options of the task", rows};
