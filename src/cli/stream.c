/* SPDX-License-Identifier: MIT */
#include "cli/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <ruche/ruche.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/signals.h"

enum {
	READ_MAX = 65536,
	/* The daemon hears us only while it is read from: so much more is taken to be heard. */
	STOPPING_HIGH = 64 * 1024 * 1024,
	BACKGROUND_LOOK_MS = 500, /* how often to look whether the terminal is ours again */
};

struct stream {
	struct cli *cli;
	const char *name; /* of the command */
	uint32_t id;
	struct ruche_reply *reply; /* owned; NULL while it runs */
	struct output outputs[2];  /* stdout, stderr */
	size_t room;               /* bytes that the command's stdin takes */
	bool input_ended;
	int signals_fd;
	int signal; /* the first that was passed on, or 0 */
	int broken; /* a negative errno that ends it all, or 0 */
};

enum { POLL_DAEMON, POLL_SIGNALS, POLL_INPUT, POLL_OUTPUT, POLL_ERRORS, POLL_COUNT };

/* ---- callbacks */

static void on_output(void *user, uint32_t id, int number, const void *data, size_t len)
{
	struct stream *stream = user;

	(void)id;
	if (output_add(&stream->outputs[number == 2], data, len) < 0)
		stream->broken = -ENOMEM;
}

static void on_input(void *user, uint32_t id, size_t room)
{
	struct stream *stream = user;

	(void)id;
	stream->room += room;
}

/* ---- input */

static void end_input(struct stream *stream)
{
	stream->input_ended = true;
	(void)ruche_send_input(stream->cli->ruche, stream->id, "", 0);
}

static void read_input(struct stream *stream)
{
	char data[READ_MAX];
	ssize_t n;

	n = read(STDIN_FILENO, data, stream->room < sizeof(data) ? stream->room : sizeof(data));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end_input(stream);
		return;
	}
	stream->room -= (size_t)n;
	/* -ENOENT: the command has ended and wants no more. */
	if (ruche_send_input(stream->cli->ruche, stream->id, data, (size_t)n) < 0)
		stream->input_ended = true;
}

/* To read from a terminal in the background would stop us, and so the command's output. */
static bool is_in_background(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground >= 0 && foreground != getpgrp();
}

/* ---- signals */

static void stop(struct stream *stream, int signal)
{
	if (stream->reply == NULL)
		(void)ruche_cancel(stream->cli->ruche, stream->id, signal);
}

/* The first asks the command, in its own words; another one insists. */
static void pass_signals_on(struct stream *stream)
{
	int signal;

	while ((signal = signals_next(stream->signals_fd, NULL)) != 0) {
		if (stream->reply != NULL)
			stream->broken = -EINTR;
		stop(stream, stream->signal == 0 ? signal : SIGKILL);
		if (stream->signal == 0)
			stream->signal = signal;
	}
}

/* Nobody reads any more: the command shall get what it would have got from writing. */
static void note_broken_output(struct stream *stream, const struct output *output)
{
	if (output->error == 0 || stream->signal != 0)
		return;
	stream->signal = SIGPIPE;
	stop(stream, SIGPIPE);
}

/* ---- the loop */

static void set_up_poll(const struct stream *stream, struct pollfd *polls, int *ret_timeout)
{
	size_t limit = stream->signal != 0 ? STOPPING_HIGH : OUTPUT_HIGH;
	bool is_full = output_is_full(&stream->outputs[0], limit) ||
		       output_is_full(&stream->outputs[1], limit);
	bool wants_input = stream->room > 0 && !stream->input_ended && stream->reply == NULL;
	bool is_waiting = wants_input && is_in_background();
	short events = ruche_events(stream->cli->ruche);

	if (is_full)
		events &= (short)~POLLIN;
	if (stream->reply != NULL)
		events = 0;
	polls[POLL_DAEMON] = (struct pollfd){
		.fd = events != 0 ? ruche_fd(stream->cli->ruche) : -1, .events = events};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = stream->signals_fd, .events = POLLIN};
	polls[POLL_INPUT] = (struct pollfd){
		.fd = wants_input && !is_waiting ? STDIN_FILENO : -1, .events = POLLIN};
	polls[POLL_OUTPUT] = output_poll(&stream->outputs[0]);
	polls[POLL_ERRORS] = output_poll(&stream->outputs[1]);
	*ret_timeout = is_waiting ? BACKGROUND_LOOK_MS : -1;
}

static void talk_to_daemon(struct stream *stream)
{
	int error = ruche_process(stream->cli->ruche);
	int got = stream->reply == NULL ? ruche_next(stream->cli->ruche, &stream->reply) : 0;

	if (stream->reply == NULL && (got < 0 || error < 0))
		stream->broken = got < 0 ? got : error;
}

static void turn(struct stream *stream)
{
	struct pollfd polls[POLL_COUNT];
	int timeout;

	set_up_poll(stream, polls, &timeout);
	if (poll(polls, POLL_COUNT, timeout) < 0)
		return;
	if (polls[POLL_SIGNALS].revents != 0)
		pass_signals_on(stream);
	if (polls[POLL_INPUT].revents != 0)
		read_input(stream);
	/* Also to send what the two above have to say, however full our output is. */
	if (polls[POLL_DAEMON].revents != 0 || polls[POLL_SIGNALS].revents != 0)
		talk_to_daemon(stream);
	for (int i = 0; i < 2; i++) {
		output_flush(&stream->outputs[i]);
		note_broken_output(stream, &stream->outputs[i]);
	}
}

static bool is_over(const struct stream *stream)
{
	if (stream->broken != 0)
		return true;
	return stream->reply != NULL && output_poll(&stream->outputs[0]).fd < 0 &&
	       output_poll(&stream->outputs[1]).fd < 0;
}

/* ---- the end */

static int end(struct stream *stream)
{
	/* What a pipe's reader does after a Ctrl-C for all of them is of no interest. */
	for (int i = 0; i < 2 && stream->signal == SIGPIPE; i++)
		if (stream->outputs[i].error != 0)
			return cli_output_broken(stream->outputs[i].error);
	if (stream->broken == -EINTR)
		return STATUS_SIGNAL + stream->signal;
	if (stream->broken != 0)
		return cli_broken(stream->broken);
	return command_end(stream->cli, stream->name, stream->reply, stream->signal);
}

int stream_run(struct cli *cli, const struct ruche_command *command)
{
	struct stream stream = {.cli = cli, .name = command->argv[0]};
	int status;

	output_init(&stream.outputs[0], STDOUT_FILENO);
	output_init(&stream.outputs[1], STDERR_FILENO);
	stream.signals_fd = signals_open(0);
	ruche_on_output(cli->ruche, on_output, &stream);
	ruche_on_input(cli->ruche, on_input, &stream);
	stream.broken = ruche_apply_command(cli->ruche, &stream.id, &cli->call, command);
	while (!is_over(&stream))
		turn(&stream);
	status = end(&stream);
	ruche_on_output(cli->ruche, NULL, NULL);
	ruche_on_input(cli->ruche, NULL, NULL);
	ruche_reply_free(stream.reply);
	for (int i = 0; i < 2; i++)
		output_fini(&stream.outputs[i]);
	fd_close(&stream.signals_fd);
	return status;
}
