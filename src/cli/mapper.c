/* SPDX-License-Identifier: MIT */
#include "cli/mapper.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/items.h"
#include "cli/job.h"
#include "cli/lines.h"
#include "cli/output.h"
#include "cli/signals.h"

enum {
	READ_SHARE = 16, /* read when this part of the window is free: fewer and larger reads */
	NAME_MAX_BYTES = 32,
};

struct mapper {
	struct cli *cli;
	struct job *job;
	const struct mapper_options *options;
	struct lines lines;
	struct items items;
	struct output output;
	struct progress progress;
	bool shares_terminal; /* the results and the progress line */
	int signals_fd;
	int signal; /* that ends it, or 0 */
	int broken; /* a negative errno that ends it, or 0 */
	int input_error;
	uint64_t done, failed, cancelled, lost;
};

enum { POLL_DAEMON, POLL_SIGNALS, POLL_INPUT, POLL_OUTPUT, POLL_COUNT };

static bool is_stopping(const struct mapper *mapper)
{
	return mapper->signal != 0 || mapper->broken != 0 || mapper->output.error != 0 ||
	       mapper->lost > 0;
}

/* ---- results */

/* What goes to stderr does not go into the progress line. */
static void tell_failure(struct mapper *mapper, const struct item *item,
	const struct ruche_error *error, const char *why)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "item %" PRIu64, item->index);
	progress_clear(&mapper->progress);
	output_flush(&mapper->output);
	mapper->failed++;
	if (error != NULL)
		failure_report_brief(name, error);
	else
		log_error("%s: %s", name, why);
}

static int show_json_failure(struct mapper *mapper, struct buf *text, const struct item *item,
	const struct ruche_error *error, const char *why)
{
	const struct ruche_error refused = {
		.code = RUCHE_BAD_ARGUMENTS,
		.message = why,
		.executed = RUCHE_EXECUTED_NO,
		.exit_status = -1,
		.output = "",
	};

	tell_failure(mapper, item, error, why);
	if (cli_append(text, "\"error\": ") < 0)
		return -ENOMEM;
	return failure_append(text, error != NULL ? error : &refused);
}

static int show_json_result(struct mapper *mapper, struct buf *text, const struct item *item)
{
	char why[JOB_WHY_MAX];
	int status;

	if (cli_append(text, "\"result\": ") < 0)
		return -ENOMEM;
	status = job_show_json(mapper->job, text, item->reply, why);
	if (status > 0)
		tell_failure(mapper, item, NULL, why);
	return status;
}

static int show_json(
	struct mapper *mapper, const struct item *item, const struct ruche_error *error)
{
	struct buf text = {0};
	int broken = cli_append(&text, "{\"index\": %" PRIu64 ", ", item->index);

	if (broken == 0 && (error != NULL || item->complaint != NULL))
		broken = show_json_failure(mapper, &text, item, error, item->complaint);
	else if (broken == 0)
		broken = show_json_result(mapper, &text, item);
	if (broken >= 0)
		broken = cli_append(&text, "}\n");
	if (broken >= 0)
		broken = output_add(&mapper->output, buf_data(&text), buf_len(&text));
	buf_fini(&text);
	return broken;
}

static int show_plain(
	struct mapper *mapper, const struct item *item, const struct ruche_error *error)
{
	char why[JOB_WHY_MAX];
	int status = 0;

	if (error != NULL || item->complaint != NULL)
		tell_failure(mapper, item, error, item->complaint);
	else if ((status = job_show(mapper->job, &mapper->output, item->reply, why)) > 0)
		tell_failure(mapper, item, NULL, why);
	return status;
}

/* Prints an item that is finished, and frees its place. */
static void finish_item(struct mapper *mapper, struct item *item)
{
	const struct ruche_error *error = ruche_reply_error(item->reply);
	int status = 0;

	if (error != NULL && error->code == RUCHE_DISCONNECTED) {
		mapper->lost++;
	} else if (error != NULL && error->code == RUCHE_CANCELLED && mapper->signal != 0) {
		mapper->cancelled++;
	} else {
		uint64_t failed = mapper->failed;

		if (mapper->shares_terminal)
			progress_clear(&mapper->progress);
		status = mapper->cli->json ? show_json(mapper, item, error)
					   : show_plain(mapper, item, error);
		mapper->done += mapper->failed == failed;
	}
	if (status < 0)
		mapper->broken = status;
	items_release(&mapper->items, item);
}

static bool is_finished(const struct item *item)
{
	return item->reply != NULL || item->complaint != NULL;
}

static void finish(struct mapper *mapper, struct item *item)
{
	if (mapper->options->unordered) {
		finish_item(mapper, item);
		return;
	}
	while ((item = items_first(&mapper->items)) != NULL && is_finished(item))
		finish_item(mapper, item);
}

static void take_reply(struct mapper *mapper, struct ruche_reply *reply)
{
	struct item *item = items_take(&mapper->items, ruche_reply_id(reply));

	if (item == NULL) {
		ruche_reply_free(reply);
		return;
	}
	item->reply = reply;
	finish(mapper, item);
}

static void take_replies(struct mapper *mapper)
{
	struct ruche_reply *reply;
	int got = 0;

	while (!output_is_full(&mapper->output, OUTPUT_HIGH) &&
		(got = ruche_next(mapper->cli->ruche, &reply)) == 1)
		take_reply(mapper, reply);
	if (got < 0)
		mapper->broken = got;
}

/* ---- lines */

static void start_item(struct mapper *mapper, const char *line, size_t len, const char *why)
{
	struct item *item = items_add(&mapper->items);
	uint32_t id;
	int status = 1;

	if (why == NULL)
		status = job_start(mapper->job, mapper->cli, line, len, &id, &why);
	if (status == 0) {
		items_bind(&mapper->items, item, id);
		return;
	}
	if (status < 0)
		mapper->broken = status;
	item->complaint = status < 0 ? strerror(-status) : why;
	finish(mapper, item);
}

static size_t room(const struct mapper *mapper)
{
	return mapper->items.window - mapper->items.used;
}

/*
 * Reads no more bytes than there is room for lines, so that whatever comes is taken into
 * the window at once: what we have not read is left to whoever shares our stdin.
 */
static void read_lines(struct mapper *mapper)
{
	const char *line;
	size_t len;
	int status = lines_read(&mapper->lines, STDIN_FILENO, room(mapper));

	if (status < 0 && status != -EAGAIN)
		mapper->input_error = status;
	while (mapper->broken == 0 && (status = lines_next(&mapper->lines, &line, &len)) != 0) {
		if (status > 0)
			start_item(mapper, line, len, NULL);
		else
			start_item(mapper, NULL, 0, "a line of more than 16 MiB");
	}
}

/* ---- signals */

static void cancel_all(struct mapper *mapper)
{
	size_t at = 0;
	struct item *item;

	while ((item = items_next_open(&mapper->items, &at)) != NULL)
		(void)ruche_cancel(mapper->cli->ruche, item->id, 0);
}

/* The first stops the work and waits for its end; another one does not wait. */
static void take_signals(struct mapper *mapper)
{
	int signal;

	while ((signal = signals_next(mapper->signals_fd)) != 0) {
		if (mapper->signal != 0)
			mapper->broken = -EINTR;
		else
			cancel_all(mapper);
		mapper->signal = signal;
	}
}

/* ---- the loop */

static bool wants_input(const struct mapper *mapper)
{
	return !mapper->lines.ended && !is_stopping(mapper) &&
	       room(mapper) > mapper->items.window / READ_SHARE &&
	       !output_is_full(&mapper->output, OUTPUT_HIGH);
}

static void set_up_poll(const struct mapper *mapper, struct pollfd *polls)
{
	short events = ruche_events(mapper->cli->ruche);

	if (output_is_full(&mapper->output, OUTPUT_HIGH))
		events &= (short)~POLLIN;
	polls[POLL_DAEMON] = (struct pollfd){
		.fd = events != 0 ? ruche_fd(mapper->cli->ruche) : -1, .events = events};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = mapper->signals_fd, .events = POLLIN};
	polls[POLL_INPUT] =
		(struct pollfd){.fd = wants_input(mapper) ? STDIN_FILENO : -1, .events = POLLIN};
	polls[POLL_OUTPUT] = output_poll(&mapper->output);
}

/* Only at the beginning of a line: it may be on the same terminal as the results. */
static void show_progress(struct mapper *mapper)
{
	if (output_poll(&mapper->output).fd < 0 && mapper->output.last == '\n')
		progress_show(&mapper->progress, mapper->done, mapper->failed);
}

static void turn(struct mapper *mapper)
{
	struct pollfd polls[POLL_COUNT];
	int timeout = progress_timeout(&mapper->progress), error = 0;

	set_up_poll(mapper, polls);
	if (timeout == 0 && polls[POLL_OUTPUT].fd >= 0)
		timeout = -1; /* the line waits for the output anyway */
	if (poll(polls, POLL_COUNT, timeout) < 0)
		return;
	if (polls[POLL_SIGNALS].revents != 0)
		take_signals(mapper);
	if (polls[POLL_DAEMON].revents != 0 || polls[POLL_SIGNALS].revents != 0)
		error = ruche_process(mapper->cli->ruche);
	take_replies(mapper);
	if (error < 0 && ruche_pending(mapper->cli->ruche) == 0 && !mapper->lines.ended)
		mapper->broken = error;
	if (polls[POLL_INPUT].revents != 0 && wants_input(mapper))
		read_lines(mapper);
	output_flush(&mapper->output);
	show_progress(mapper);
}

static bool is_over(const struct mapper *mapper)
{
	if (mapper->broken != 0 || mapper->output.error != 0)
		return true;
	return (mapper->lines.ended || is_stopping(mapper)) && mapper->items.used == 0 &&
	       output_poll(&mapper->output).fd < 0;
}

/* ---- the end */

static int end_by_signal(struct mapper *mapper)
{
	char text[SIGNAL_TEXT_MAX];

	log_error("stopped by %s: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " cancelled",
		failure_signal(text, mapper->signal), mapper->done, mapper->failed,
		mapper->cancelled + mapper->items.used);
	/* A shell leaves its loop only if it sees its child die of SIGINT. */
	if (mapper->signal == SIGINT)
		mapper->cli->signal = SIGINT;
	return STATUS_SIGNAL + mapper->signal;
}

static int end(struct mapper *mapper)
{
	if (mapper->signal != 0)
		return end_by_signal(mapper);
	if (mapper->output.error != 0)
		return cli_output_broken(mapper->output.error);
	if (mapper->broken != 0)
		return cli_broken(mapper->broken);
	if (mapper->lost > 0) {
		log_error("lost the daemon: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
			  " without an answer, which may or may not have run",
			mapper->done, mapper->failed, mapper->lost);
		return STATUS_NO_DAEMON;
	}
	if (mapper->input_error != 0) {
		log_error("cannot read the input: %s", strerror(-mapper->input_error));
		return STATUS_OUTPUT;
	}
	return mapper->failed > 0 ? STATUS_FAILED : 0;
}

int mapper_run(struct cli *cli, struct job *job, const struct mapper_options *options)
{
	struct mapper mapper = {.cli = cli, .job = job, .options = options};
	int status;

	mapper.broken = items_init(&mapper.items, options->window);
	output_init(&mapper.output, STDOUT_FILENO);
	progress_init(&mapper.progress, options->progress);
	/* A command's stderr goes where the line is, whatever stdout is. */
	mapper.shares_terminal = isatty(STDOUT_FILENO) == 1 || job->argv != NULL;
	mapper.signals_fd = signals_open();
	while (!is_over(&mapper))
		turn(&mapper);
	progress_clear(&mapper.progress);
	status = end(&mapper);
	items_fini(&mapper.items);
	output_fini(&mapper.output);
	lines_fini(&mapper.lines);
	fd_close(&mapper.signals_fd);
	return status;
}
