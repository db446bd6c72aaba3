/* SPDX-License-Identifier: MIT */
#include "cli/mapper.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/items.h"
#include "cli/job.h"
#include "cli/lines.h"
#include "cli/results.h"
#include "cli/signals.h"

enum {
	READ_SHARE = 16, /* read when this part of the window is free: fewer and larger reads */
	BYTES_HIGH = 64 * 1024 * 1024, /* of lines that are taken in at once, if more than one */
};

struct mapper {
	struct cli *cli;
	struct job *job;
	const struct mapper_options *options;
	struct ruche_map *map; /* of a function; NULL for a command */
	struct lines lines;
	bool needs_lines; /* what was read has been taken */
	bool input_ended; /* and taken */
	struct items items;
	uint64_t given; /* items, to `map` */
	bool has_more;  /* replies or lines are here that nothing from outside will remind us of */
	struct results results;
	int signals_fd;
	int signal; /* that ends it, or 0 */
	int broken; /* a negative errno that ends it, or 0 */
	int input_error;
};

enum { POLL_DAEMON, POLL_SIGNALS, POLL_INPUT, POLL_OUTPUT, POLL_COUNT };

static bool is_stopping(const struct mapper *mapper)
{
	return mapper->signal != 0 || mapper->broken != 0 || mapper->results.output.error != 0 ||
	       mapper->results.lost > 0;
}

/* ---- results */

/* Prints an item that is finished, and frees its place. */
static void finish_item(struct mapper *mapper, struct item *item)
{
	int status = results_print(&mapper->results, item, mapper->signal != 0);

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

static void take_reply(struct mapper *mapper, uint64_t key, struct ruche_reply *reply)
{
	struct item *item = items_take(&mapper->items, key);

	if (item == NULL) {
		ruche_reply_free(reply);
		return;
	}
	item->reply = reply;
	finish(mapper, item);
}

/* The next that has come: 1; 0: none has; or a negative errno. */
static int next_reply(struct mapper *mapper, uint64_t *ret_key, struct ruche_reply **ret)
{
	size_t index = 0;
	int got;

	if (mapper->map == NULL) {
		got = ruche_next(mapper->cli->ruche, ret);
		*ret_key = got == 1 ? ruche_reply_id(*ret) : 0;
		return got;
	}
	got = ruche_map_next(mapper->map, 0, &index, ret);
	*ret_key = index;
	return got == -ENOENT ? 0 : got;
}

static void take_replies(struct mapper *mapper)
{
	struct ruche_reply *reply;
	uint64_t key, given = mapper->given;
	int got = 0;

	while (mapper->broken == 0 && !output_is_full(&mapper->results.output, OUTPUT_HIGH) &&
		(got = next_reply(mapper, &key, &reply)) == 1)
		take_reply(mapper, key, reply);
	if (got < 0)
		mapper->broken = got;
	/* While the output is full nobody has looked. */
	mapper->has_more = got > 0 || output_is_full(&mapper->results.output, OUTPUT_HIGH) ||
			   (mapper->given > given && !mapper->needs_lines);
}

/* ---- lines */

static size_t room(const struct mapper *mapper)
{
	if (mapper->items.bytes >= BYTES_HIGH)
		return 0;
	return mapper->items.window - mapper->items.used;
}

/* An item that nothing can be called with. */
static void refuse(struct mapper *mapper, const char *why)
{
	struct item *item = items_add(&mapper->items, 0);

	item->complaint = why;
	finish(mapper, item);
}

/*
 * The next line, if there is room for it: 1; 0: there are no more; -EAGAIN: not now.  What is no good
 * as a line is dealt with.
 */
static int next_line(struct mapper *mapper, const char **ret, size_t *ret_len)
{
	int status;

	while (room(mapper) > 0 && !is_stopping(mapper)) {
		status = lines_next(&mapper->lines, ret, ret_len);
		if (status > 0)
			return 1;
		if (status == 0) {
			mapper->needs_lines = true;
			mapper->input_ended = mapper->lines.ended;
			return mapper->input_ended ? 0 : -EAGAIN;
		}
		refuse(mapper, "a line of more than 16 MiB");
	}
	return -EAGAIN;
}

/* For ruche_imap(): the next line as an item. */
static int next_value(void *user, const void **ret, size_t *ret_len)
{
	struct mapper *mapper = user;
	const char *line, *why;
	size_t len;
	int status;

	while ((status = next_line(mapper, &line, &len)) > 0) {
		status = job_pack(mapper->job, line, len, ret, ret_len, &why);
		if (status < 0)
			return status;
		if (status > 0) {
			items_bind(&mapper->items, items_add(&mapper->items, len), mapper->given++);
			return 1;
		}
		refuse(mapper, why);
	}
	return status;
}

static void start_commands(struct mapper *mapper)
{
	const char *line, *why;
	size_t len;
	uint32_t id;
	int status;

	while (mapper->broken == 0 && next_line(mapper, &line, &len) > 0) {
		status = job_start(mapper->job, mapper->cli, line, len, &id, &why);
		if (status > 0)
			items_bind(&mapper->items, items_add(&mapper->items, len), id);
		else if (status == 0)
			refuse(mapper, why);
		else
			mapper->broken = status;
	}
}

/*
 * Reads no more bytes than there is room for lines, so that whatever comes is taken into
 * the window at once: what we have not read is left to whoever shares our stdin.
 */
static void read_lines(struct mapper *mapper)
{
	int status = lines_read(&mapper->lines, STDIN_FILENO, room(mapper));

	if (status < 0 && status != -EAGAIN)
		mapper->input_error = status;
	mapper->needs_lines = false;
}

/* ---- signals */

static void cancel_all(struct mapper *mapper)
{
	size_t at = 0;
	struct item *item;

	if (mapper->map != NULL) {
		ruche_map_cancel(mapper->map);
		return;
	}
	while ((item = items_next_open(&mapper->items, &at)) != NULL)
		(void)ruche_cancel(mapper->cli->ruche, (uint32_t)item->key, 0);
}

/* The first stops the work and waits for its end; another one does not wait. */
static void take_signals(struct mapper *mapper)
{
	int signal;

	while ((signal = signals_next(mapper->signals_fd, NULL)) != 0) {
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
	return mapper->needs_lines && !mapper->lines.ended && !is_stopping(mapper) &&
	       room(mapper) > mapper->items.window / READ_SHARE &&
	       !output_is_full(&mapper->results.output, OUTPUT_HIGH);
}

static void set_up_poll(const struct mapper *mapper, struct pollfd *polls)
{
	short events = ruche_events(mapper->cli->ruche);

	if (output_is_full(&mapper->results.output, OUTPUT_HIGH))
		events &= (short)~POLLIN;
	polls[POLL_DAEMON] = (struct pollfd){
		.fd = events != 0 ? ruche_fd(mapper->cli->ruche) : -1, .events = events};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = mapper->signals_fd, .events = POLLIN};
	polls[POLL_INPUT] =
		(struct pollfd){.fd = wants_input(mapper) ? STDIN_FILENO : -1, .events = POLLIN};
	polls[POLL_OUTPUT] = output_poll(&mapper->results.output);
}

static void turn(struct mapper *mapper)
{
	struct pollfd polls[POLL_COUNT];
	int timeout = progress_timeout(&mapper->results.progress), error = 0;

	set_up_poll(mapper, polls);
	if (timeout == 0 && polls[POLL_OUTPUT].fd >= 0)
		timeout = -1; /* the line waits for the output anyway */
	if (mapper->has_more && !output_is_full(&mapper->results.output, OUTPUT_HIGH))
		timeout = 0;
	if (poll(polls, POLL_COUNT, timeout) < 0)
		return;
	if (polls[POLL_SIGNALS].revents != 0)
		take_signals(mapper);
	if (polls[POLL_DAEMON].revents != 0 || polls[POLL_SIGNALS].revents != 0)
		error = ruche_process(mapper->cli->ruche);
	if (polls[POLL_INPUT].revents != 0 && wants_input(mapper))
		read_lines(mapper);
	take_replies(mapper);
	if (mapper->map == NULL)
		start_commands(mapper);
	if (error < 0 && mapper->items.used == 0 && !mapper->input_ended)
		mapper->broken = error;
	results_flush(&mapper->results);
}

static bool is_over(const struct mapper *mapper)
{
	if (mapper->broken != 0 || mapper->results.output.error != 0)
		return true;
	return (mapper->input_ended || is_stopping(mapper)) && mapper->items.used == 0 &&
	       output_poll(&mapper->results.output).fd < 0;
}

/* ---- the end */

static int end_by_signal(struct mapper *mapper)
{
	const struct results *results = &mapper->results;
	char text[SIGNAL_TEXT_MAX];

	log_error("stopped by %s: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " cancelled",
		failure_signal(text, mapper->signal), results->done, results->failed,
		results->cancelled + mapper->items.used);
	/* A shell leaves its loop only if it sees its child die of SIGINT. */
	if (mapper->signal == SIGINT)
		mapper->cli->signal = SIGINT;
	return STATUS_SIGNAL + mapper->signal;
}

static int end(struct mapper *mapper)
{
	const struct results *results = &mapper->results;

	if (mapper->signal != 0)
		return end_by_signal(mapper);
	if (results->output.error != 0)
		return cli_output_broken(results->output.error);
	if (mapper->broken != 0)
		return cli_broken(mapper->broken);
	if (results->lost > 0) {
		log_error("lost the daemon: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
			  " without an answer, which may or may not have run",
			results->done, results->failed, results->lost);
		return STATUS_NO_DAEMON;
	}
	if (mapper->input_error != 0) {
		log_error("cannot read the input: %s", strerror(-mapper->input_error));
		return STATUS_OUTPUT;
	}
	return results->failed > 0 ? STATUS_FAILED : 0;
}

static int start_map(struct mapper *mapper)
{
	const struct ruche_map_options options = {
		.call = &mapper->cli->call,
		.chunk = mapper->options->chunk,
		.window = mapper->items.window,
		.unordered = mapper->options->unordered,
		.star = job_has_arrays(mapper->job),
	};
	const struct ruche_items items = {.next = next_value, .user = mapper};

	return ruche_imap(
		mapper->cli->ruche, &mapper->map, &options, mapper->job->function, &items);
}

int mapper_run(struct cli *cli, struct job *job, const struct mapper_options *options)
{
	struct mapper mapper = {.cli = cli, .job = job, .options = options, .needs_lines = true};
	int status;

	results_init(&mapper.results, cli, job, options->progress);
	mapper.broken = items_init(&mapper.items, options->window);
	if (mapper.broken == 0 && job->function != NULL)
		mapper.broken = start_map(&mapper);
	mapper.signals_fd = signals_open(0);
	while (!is_over(&mapper))
		turn(&mapper);
	progress_clear(&mapper.results.progress);
	status = end(&mapper);
	ruche_map_free(mapper.map);
	items_fini(&mapper.items);
	results_fini(&mapper.results);
	lines_fini(&mapper.lines);
	fd_close(&mapper.signals_fd);
	return status;
}
