/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/item.h"
#include "cli/object.h"
#include "cli/value.h"

struct pipe_options {
	bool one_way;
};

struct sender {
	struct cli *cli;
	const char *name;
	struct ruche_pipe *pipe;
	msgpack_sbuffer item;
	uint64_t sent;
};

static const char *set_one_way(struct cli *cli, const char *value)
{
	struct pipe_options *own = cli->own;

	(void)value;
	own->one_way = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"one-way", NULL, "if it is made now: end 0 receives and end 1 sends", set_one_way, 0},
	{0},
};

static int open_end(struct cli *cli, int argc, char **argv, struct ruche_pipe **ret)
{
	const struct pipe_options *own = cli->own;
	const struct ruche_object_options terms = {.one_way = own->one_way};
	int status = object_operands(cli, argc, 2, 2, "NAME END"), end;

	if (status != 0)
		return status;
	end = strcmp(argv[1], "0") == 0 ? 0 : strcmp(argv[1], "1") == 0 ? 1 : -1;
	if (end < 0)
		return cli_usage(cli, "'%s' is no END: a pipe has 0 and 1", argv[1]);
	status = cli_open(cli);
	if (status != 0)
		return status;
	return object_answer(cli, argv[0], ruche_pipe_open(cli->ruche, ret, argv[0], end, &terms));
}

/* What became of sending or receiving. */
static int answer(const struct cli *cli, const char *name, int broken)
{
	if (broken != -EINVAL)
		return object_answer(cli, name, broken);
	log_error("%s: the pipe is one-way: end 0 receives and end 1 sends", name);
	return STATUS_USAGE;
}

/* ---- send */

static int send_packed(struct sender *sender)
{
	int broken = ruche_pipe_send_packed(
		sender->pipe, object_patience(sender->cli), sender->item.data, sender->item.size);

	if (broken < 0) {
		log_error("%" PRIu64 " lines were sent, and no more", sender->sent);
		return answer(sender->cli, sender->name, broken);
	}
	sender->sent++;
	return 0;
}

static int send_line(void *user, const char *line, size_t len)
{
	struct sender *sender = user;
	const char *why = NULL;
	msgpack_packer pk;
	int broken;

	msgpack_sbuffer_clear(&sender->item);
	msgpack_packer_init(&pk, &sender->item, msgpack_sbuffer_write);
	broken = item_pack(sender->cli, &pk, line, len, &why);
	if (broken == 0)
		return send_packed(sender);
	if (broken != -EINVAL)
		return cli_no_memory();
	log_error("line %" PRIu64 ": %s", sender->sent + 1, why);
	return STATUS_FAILED;
}

static int flush(void *user)
{
	(void)user;
	return 0;
}

/*
 * The pipe ends with the last who has it open: what was sent is there for the other end, which nobody may have taken
 * yet, only as long as we are.  It hears that no more comes, and goes when it has read all.  0 or an exit status.
 */
static int wait_for_reader(const struct ruche_pipe *pipe, const char *name)
{
	struct pollfd poll_fd = {.fd = ruche_pipe_fd(pipe)};

	(void)shutdown(poll_fd.fd, SHUT_WR);
	while ((poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0)
		(void)poll(&poll_fd, 1, -1);
	if ((poll_fd.revents & POLLERR) == 0)
		return 0;
	log_error("%s: the other end has gone, and has not received all", name);
	return STATUS_FAILED;
}

static int run_send(struct cli *cli, int argc, char **argv)
{
	struct sender sender = {.cli = cli, .name = argc > 0 ? argv[0] : ""};
	const struct item_sink sink = {.line = send_line, .flush = flush, .user = &sender};
	int status = open_end(cli, argc, argv, &sender.pipe);

	if (status != 0)
		return status;
	msgpack_sbuffer_init(&sender.item);
	status = item_read_all(&sink);
	if (status == 0)
		status = wait_for_reader(sender.pipe, sender.name);
	msgpack_sbuffer_destroy(&sender.item);
	ruche_pipe_close(sender.pipe);
	return status;
}

static const struct cli_command send_command = {
	.name = "pipe send",
	.usage = "[OPTION]... NAME END",
	.summary = "send each line of stdin through one end",
	.text = "Each line is a message as soon as it has come: a string, or binary if it is no "
		"UTF-8;\n"
		"with --json a JSON value.  While the other end has too much unread it waits, "
		"--timeout\n"
		"for each time.  At the end of stdin it waits until the other end has received all "
		"and\n"
		"gone; if that goes before, the exit status is 1.",
	.examples = "seq 1 10 | ruche pipe send numbers 1",
	.options = options,
	.groups = {&patience_option_group},
	.own_size = sizeof(struct pipe_options),
	.shared = true,
	.names = 2,
	.run = run_send,
};

/* ---- receive */

static int print_message(const struct cli *cli, const struct ruche_reply *message)
{
	msgpack_unpacked unpacked;
	int status;

	if (value_unpack(message, &unpacked) < 0)
		return cli_broken(-EPROTO);
	status = item_print(cli, &unpacked.data);
	msgpack_unpacked_destroy(&unpacked);
	return status;
}

/* 0: there may be a message, or an end; -ETIMEDOUT; -EIO: nobody reads our stdout any more. */
static int wait_for_message(const struct cli *cli, const struct ruche_pipe *pipe)
{
	struct pollfd polls[] = {
		{.fd = ruche_pipe_fd(pipe), .events = POLLIN},
		{.fd = STDOUT_FILENO},
	};
	int got;

	do
		got = poll(polls, 2, object_patience(cli));
	while (got < 0);
	if (got == 0)
		return -ETIMEDOUT;
	return polls[1].revents != 0 ? -EIO : 0;
}

/* 0 or an exit status; *ret_ended: the other end has gone. */
static int receive(struct cli *cli, struct ruche_pipe *pipe, const char *name, bool *ret_ended)
{
	struct ruche_reply *message = NULL;
	int got = wait_for_message(cli, pipe), status;

	if (got == -EIO)
		return cli_output_broken(-EPIPE);
	if (got == 0)
		got = ruche_pipe_receive(pipe, -1, &message);
	*ret_ended = got == -EPIPE;
	if (*ret_ended)
		return 0;
	status = answer(cli, name, got);
	if (status == 0)
		status = print_message(cli, message);
	ruche_reply_free(message);
	return status;
}

static int run_receive(struct cli *cli, int argc, char **argv)
{
	struct ruche_pipe *pipe = NULL;
	bool ended = false;
	int status = open_end(cli, argc, argv, &pipe);

	while (status == 0 && !ended)
		status = receive(cli, pipe, argv[0], &ended);
	ruche_pipe_close(pipe);
	return status;
}

static const struct cli_command receive_command = {
	.name = "pipe receive",
	.usage = "[OPTION]... NAME END",
	.summary = "print what comes through one end, until the other one has gone",
	.text = "One message a line: strings and binary as they are, other values as JSON; with "
		"--json "
		"all\n"
		"as JSON.  --timeout is for each message.",
	.examples = "ruche pipe receive numbers 0",
	.options = options,
	.groups = {&patience_option_group},
	.own_size = sizeof(struct pipe_options),
	.shared = true,
	.names = 2,
	.run = run_receive,
};

static const struct cli_alias subs[] = {
	{"send", &send_command, NULL, NULL},
	{"receive", &receive_command, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command pipe_command = {
	.name = "pipe",
	.summary = "pass messages between two programs",
	.text = "A pipe has two ends, 0 and 1, which each can be taken once, and both of which "
		"send "
		"and\n"
		"receive.  Whoever takes the first makes it; what passes does not go through the "
		"daemon.",
	.examples = "ruche pipe receive numbers 0 &\n"
		    "seq 1 10 | ruche pipe send numbers 1",
	.subs = subs,
};
