/* SPDX-License-Identifier: MIT */
#include "cli/results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <ruche/ruche.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/items.h"
#include "cli/job.h"

enum { NAME_MAX_BYTES = 32 };

void results_init(struct results *results, const struct cli *cli, const struct job *job,
	enum progress_mode progress)
{
	*results = (struct results){.cli = cli, .job = job};
	output_init(&results->output, STDOUT_FILENO);
	progress_init(&results->progress, progress);
	/* A command's stderr goes where the line is, whatever stdout is. */
	results->shares_terminal = isatty(STDOUT_FILENO) == 1 || job->function == NULL;
}

void results_fini(struct results *results)
{
	output_fini(&results->output);
}

/* What goes to stderr does not go into the progress line. */
static void tell_failure(struct results *results, const struct item *item,
	const struct ruche_error *error, const char *why)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "item %" PRIu64, item->index);
	progress_clear(&results->progress);
	output_flush(&results->output);
	results->failed++;
	if (error != NULL)
		failure_report_brief(name, error);
	else
		log_error("%s: %s", name, why);
}

static int show_json_failure(struct results *results, struct buf *text, const struct item *item,
	const struct ruche_error *error, const char *why)
{
	const struct ruche_error refused = {
		.code = RUCHE_BAD_ARGUMENTS,
		.message = why,
		.executed = RUCHE_EXECUTED_NO,
		.exit_status = -1,
		.output = "",
		.cause = "",
	};

	tell_failure(results, item, error, why);
	if (cli_append(text, "\"error\": ") < 0)
		return -ENOMEM;
	return failure_append(text, error != NULL ? error : &refused);
}

static int show_json_result(struct results *results, struct buf *text, const struct item *item)
{
	char why[COMMAND_WHY_MAX];
	int status;

	if (cli_append(text, "\"result\": ") < 0)
		return -ENOMEM;
	status = job_show_json(results->job, text, item->reply, why);
	if (status > 0)
		tell_failure(results, item, NULL, why);
	return status;
}

static int show_json(
	struct results *results, const struct item *item, const struct ruche_error *error)
{
	struct buf text = {0};
	int broken = cli_append(&text, "{\"index\": %" PRIu64 ", ", item->index);

	if (broken == 0 && (error != NULL || item->complaint != NULL))
		broken = show_json_failure(results, &text, item, error, item->complaint);
	else if (broken == 0)
		broken = show_json_result(results, &text, item);
	if (broken >= 0)
		broken = cli_append(&text, "}\n");
	if (broken >= 0)
		broken = output_add(&results->output, buf_data(&text), buf_len(&text));
	buf_fini(&text);
	return broken;
}

static int show_plain(
	struct results *results, const struct item *item, const struct ruche_error *error)
{
	char why[COMMAND_WHY_MAX];
	int status = 0;

	if (error != NULL || item->complaint != NULL)
		tell_failure(results, item, error, item->complaint);
	else if ((status = job_show(results->job, &results->output, item->reply, why)) > 0)
		tell_failure(results, item, NULL, why);
	return status;
}

int results_print(struct results *results, const struct item *item, bool is_stopping)
{
	const struct ruche_error *error = ruche_reply_error(item->reply);
	uint64_t failed = results->failed;
	int status;

	if (error != NULL && error->code == RUCHE_DISCONNECTED) {
		results->lost++;
		return 0;
	}
	if (error != NULL && error->code == RUCHE_CANCELLED && is_stopping) {
		results->cancelled++;
		return 0;
	}
	if (results->shares_terminal)
		progress_clear(&results->progress);
	status = results->cli->json ? show_json(results, item, error)
				    : show_plain(results, item, error);
	results->done += results->failed == failed;
	return status < 0 ? status : 0;
}

/* Only at the beginning of a line: it may be on the same terminal as the results. */
static void show_progress(struct results *results)
{
	if (output_poll(&results->output).fd < 0 && results->output.last == '\n')
		progress_show(&results->progress, results->done, results->failed);
}

void results_flush(struct results *results)
{
	output_flush(&results->output);
	show_progress(results);
}
