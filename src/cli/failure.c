/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/failure.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/json.h"

static const int statuses[RUCHE_CODE_COUNT] = {
	[RUCHE_BUSY] = STATUS_BUSY,
	[RUCHE_TIMEOUT] = STATUS_TIMEOUT,
	[RUCHE_SHUTTING_DOWN] = STATUS_NO_DAEMON,
	[RUCHE_UNAVAILABLE] = STATUS_NO_DAEMON,
	[RUCHE_DISCONNECTED] = STATUS_NO_DAEMON,
	[RUCHE_DENIED] = STATUS_DENIED,
	[RUCHE_PENDING] = STATUS_TIMEOUT,
};

static const char *const hints[RUCHE_CODE_COUNT] = {
	[RUCHE_BUSY] = "nothing was done: try again later",
	[RUCHE_UNKNOWN_FUNCTION] = "a command is run by `ruche run -- CMD` or `ruche map -- CMD`",
	[RUCHE_UNKNOWN_TASK] = "`ruche tasks` lists those that are known",
	[RUCHE_UNKNOWN_OBJECT] = "`ruche objects` lists those that there are",
};

static int status_of(const struct ruche_error *error)
{
	int status = error->code < RUCHE_CODE_COUNT ? statuses[error->code] : 0;

	return status != 0 ? status : STATUS_FAILED;
}

const char *failure_signal(char text[SIGNAL_TEXT_MAX], int signal)
{
	const char *name = sigabbrev_np(signal);

	if (name != NULL)
		snprintf(text, SIGNAL_TEXT_MAX, "signal %d (SIG%s)", signal, name);
	else
		snprintf(text, SIGNAL_TEXT_MAX, "signal %d", signal);
	return text;
}

static void tell_output(const char *output)
{
	if (*output == '\0')
		return;
	log_error("  the worker's last lines:");
	while (*output != '\0') {
		size_t len = strcspn(output, "\n");

		log_error("  | %.*s", (int)len, output);
		output += len + (output[len] == '\n');
	}
}

/* A function's own messages begin with its name. */
static void tell_message(const char *what, const struct ruche_error *error)
{
	size_t len = strlen(what);
	bool is_named = strncmp(error->message, what, len) == 0 &&
			(error->message[len] == ':' || error->message[len] == ' ');

	if (is_named)
		log_error("%s", error->message);
	else
		log_error("%s: %s", what, error->message);
}

static void tell(const char *what, const struct ruche_error *error)
{
	char details[RUCHE_ERROR_TEXT_MAX];

	tell_message(what, error);
	log_error("  %s", ruche_error_describe(error, details, sizeof(details)));
	if (error->code < RUCHE_CODE_COUNT && hints[error->code] != NULL)
		log_error("  %s", hints[error->code]);
	tell_output(error->output);
}

static void tell_json(const struct ruche_error *error)
{
	struct buf text = {0};

	if (cli_append(&text, "{\"error\": ") < 0 || failure_append(&text, error) < 0 ||
		cli_append(&text, "}\n") < 0)
		cli_no_memory();
	else
		(void)fd_write_all(STDERR_FILENO, buf_data(&text), buf_len(&text));
	buf_fini(&text);
}

int failure_report(const struct cli *cli, const char *what, const struct ruche_error *error)
{
	if (cli->json)
		tell_json(error);
	else
		tell(what, error);
	return status_of(error);
}

void failure_report_brief(const char *what, const struct ruche_error *error)
{
	log_error("%s: %s (%s)", what, error->message, ruche_code_name(error->code));
	tell_output(error->output);
}

static int append_text(struct buf *out, const char *key, const char *text)
{
	if (cli_append(out, ", \"%s\": ", key) < 0)
		return -1;
	return json_append_bytes(out, text, strlen(text));
}

/* Not for an error that is about no task. */
static int append_effort(struct buf *out, const struct ruche_error *error)
{
	if (error->attempts == 0 && error->queued_for <= 0)
		return 0;
	return cli_append(out, ", \"attempts\": %u, \"queued\": %.6f, \"ran\": %.6f",
		error->attempts, error->queued_for, error->ran_for);
}

int failure_append(struct buf *out, const struct ruche_error *error)
{
	if (cli_append(out, "{\"code\": \"%s\", \"executed\": \"%s\"", ruche_code_name(error->code),
		    ruche_executed_name(error->executed)) < 0 ||
		append_text(out, "message", error->message) < 0)
		return -1;
	if (error->signal != 0 && cli_append(out, ", \"signal\": %d", error->signal) < 0)
		return -1;
	if (error->exit_status >= 0 &&
		cli_append(out, ", \"exit_status\": %d", error->exit_status) < 0)
		return -1;
	if (error->peak_memory != 0 &&
		cli_append(out, ", \"peak_memory\": %" PRIu64, error->peak_memory) < 0)
		return -1;
	if (*error->cause != '\0' && append_text(out, "cause", error->cause) < 0)
		return -1;
	if (append_effort(out, error) < 0)
		return -1;
	if (*error->output != '\0' && append_text(out, "output", error->output) < 0)
		return -1;
	return cli_append(out, "}");
}
