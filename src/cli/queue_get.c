/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "cli/item.h"
#include "cli/object.h"
#include "cli/queue.h"
#include "cli/value.h"

/*
 * An item is taken with acknowledgement, which is given when it was written out, or a command has done with it what there
 * is to do: whatever ends this program before, the item stands in the queue again.
 */

#define COUNT_MAX ((size_t)1 << 53)

struct get_options {
	struct queue_making making;
	size_t count; /* 0: as --follow says */
	bool follow;
};

struct getter {
	struct cli *cli;
	const char *name;
	struct ruche_object *queue;
	char **command;        /* for each item, or NULL: it is printed */
	msgpack_sbuffer terms; /* of each request */
	bool ended;            /* the queue is, and nothing is left */
};

static const char *set_count(struct cli *cli, const char *value)
{
	struct get_options *own = cli->own;

	if (cli_number(value, COUNT_MAX, &own->count) < 0)
		return "must be a number, at least 1";
	return NULL;
}

static const char *set_follow(struct cli *cli, const char *value)
{
	struct get_options *own = cli->own;

	(void)value;
	own->follow = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"count", "N", "so many items (default: one)", set_count, 0},
	{"follow", NULL, "all that come, until the queue is ended", set_follow, 'f'},
	{0},
};

/* ---- one item */

static int pack_terms(struct getter *getter)
{
	msgpack_packer pk;

	msgpack_sbuffer_init(&getter->terms);
	msgpack_packer_init(&pk, &getter->terms, msgpack_sbuffer_write);
	if (msgpack_pack_map(&pk, getter->cli->has_timeout ? 2 : 1) < 0 ||
		msgpack_pack_str(&pk, 3) < 0 || msgpack_pack_str_body(&pk, "ack", 3) < 0 ||
		msgpack_pack_true(&pk) < 0)
		return -ENOMEM;
	if (!getter->cli->has_timeout)
		return 0;
	if (msgpack_pack_str(&pk, 7) < 0 || msgpack_pack_str_body(&pk, "timeout", 7) < 0 ||
		msgpack_pack_double(&pk, getter->cli->timeout) < 0)
		return -ENOMEM;
	return 0;
}

/* A file in memory that has the item as it would be printed, or a negative errno. */
static int write_item(const struct getter *getter, const msgpack_object *item)
{
	struct buf out = {0};
	int broken = item_append(getter->cli, &out, item), fd = -1;

	if (broken == 0)
		fd = broken = fd_memory("item", (off_t)buf_len(&out));
	if (broken >= 0)
		broken = fd_write_all(fd, buf_data(&out), buf_len(&out));
	if (broken >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		broken = -errno;
	if (broken < 0)
		fd_close(&fd);
	buf_fini(&out);
	return broken < 0 ? broken : fd;
}

/* 0 if the command has, and nobody has asked for an end meanwhile. */
static int run_command_on(struct getter *getter, const msgpack_object *item, bool *ret_done)
{
	struct child_end end;
	int fd = write_item(getter, item), error, status;

	if (fd < 0) {
		log_error("cannot keep an item: %s", strerror(-fd));
		return STATUS_FAILED;
	}
	error = child_run(getter->command, fd, &end);
	fd_close(&fd);
	if (error != 0)
		return child_not_started(getter->command[0], error);
	status = child_exit_status(getter->cli, getter->command[0], &end);
	*ret_done = status == 0;
	return status == 0 && end.signal != 0 ? STATUS_SIGNAL + end.signal : status;
}

static int deal_with(struct getter *getter, const msgpack_object *item, bool *ret_done)
{
	int status;

	if (getter->command != NULL)
		return run_command_on(getter, item, ret_done);
	status = item_print(getter->cli, item);
	*ret_done = status == 0;
	return status;
}

/*
 * ruche_queue_get_ack() would wait as well when nobody reads our stdout any more; here that ends it.  0 or an exit
 * status.
 */
static int wait_for_item(struct getter *getter, uint32_t id, struct ruche_reply **ret)
{
	struct ruche *ruche = getter->cli->ruche;
	int got;

	while ((got = ruche_wait(ruche, id, 0, ret)) == 0) {
		struct pollfd polls[] = {
			{.fd = ruche_fd(ruche), .events = ruche_events(ruche)},
			{.fd = STDOUT_FILENO},
		};

		if (poll(polls, 2, -1) > 0 && polls[1].revents != 0)
			return cli_output_broken(-EPIPE);
	}
	return got < 0 ? cli_broken(got) : 0;
}

/* `taken` is [token, item]. */
static int take_item(struct getter *getter, const msgpack_object *taken)
{
	const msgpack_object *pair = taken->via.array.ptr;
	int status, acknowledged;
	bool done = false;

	if (taken->type != MSGPACK_OBJECT_ARRAY || taken->via.array.size != 2 ||
		pair[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return cli_broken(-EPROTO);
	status = deal_with(getter, &pair[1], &done);
	if (!done)
		return status;
	acknowledged = object_answer(
		getter->cli, getter->name, ruche_queue_ack(getter->queue, pair[0].via.u64));
	return status != 0 ? status : acknowledged;
}

static int take_reply(struct getter *getter, const struct ruche_reply *reply)
{
	msgpack_unpacked unpacked;
	int status;

	if (value_unpack(reply, &unpacked) < 0)
		return cli_broken(-EPROTO);
	status = take_item(getter, &unpacked.data);
	msgpack_unpacked_destroy(&unpacked);
	return status;
}

static int get(struct getter *getter)
{
	const struct get_options *own = getter->cli->own;
	struct ruche_reply *reply = NULL;
	uint32_t id;
	int status = ruche_submit(getter->cli->ruche, &id, "ruche.queue.get", "sm", getter->name,
		getter->terms.data, getter->terms.size);

	if (status < 0)
		return cli_broken(status);
	status = wait_for_item(getter, id, &reply);
	if (status != 0)
		return status;
	if (own->follow && ruche_reply_code(reply) == RUCHE_CLOSED) {
		getter->ended = true;
		ruche_reply_free(reply);
		return 0;
	}
	status = cli_answer(getter->cli, getter->name, 0, reply);
	if (status != 0)
		return status;
	status = take_reply(getter, reply);
	ruche_reply_free(reply);
	return status;
}

/* ---- all of them */

static int get_all(struct getter *getter)
{
	const struct get_options *own = getter->cli->own;
	size_t count = own->count > 0 ? own->count : own->follow ? SIZE_MAX : 1;
	int status = pack_terms(getter) < 0 ? cli_no_memory() : 0;

	while (status == 0 && !getter->ended && count-- > 0)
		status = get(getter);
	msgpack_sbuffer_destroy(&getter->terms);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct getter getter = {.cli = cli, .name = argc > 0 ? argv[0] : ""};
	int status = cli->dashes ? 0 : object_operands(cli, argc, 1, 1, "the NAME of a queue");

	if (cli->dashes && argc < 2)
		return cli_usage(cli, "takes the NAME of a queue and, behind --, a CMD");
	if (cli->dashes)
		getter.command = argv + 1;
	if (status == 0)
		status = queue_open(cli, &getter.queue, argv[0]);
	if (status == 0)
		status = get_all(&getter);
	ruche_object_close(getter.queue);
	return status;
}

const struct cli_command queue_get_command = {
	.name = "queue get",
	.usage = "[OPTION]... NAME\n"
		 "[OPTION]... NAME -- CMD [ARG]...",
	.summary = "take items out of a queue and print them",
	.text = "One item, a line each: strings and binary as they are, other values as JSON; with "
		"--json\n"
		"all as JSON.  An item counts as taken when it was written out; if that fails, or "
		"this\n"
		"program is killed, it stands in the queue again.  --timeout is for each item.  "
		"The "
		"exit\n"
		"status is 124 if the time ran out, and 1 if the queue is ended and empty; with "
		"--follow 0.\n"
		"\n"
		"With CMD, which runs here and has the line as its stdin, an item counts as taken "
		"when CMD\n"
		"has ended with status 0.  If it has not, the item stands in the queue again, and "
		"its status\n"
		"is the exit status.",
	.examples = "ruche queue get jobs\n"
		    "ruche queue get --count 10 --timeout 1s jobs\n"
		    "ruche queue get --follow jobs | while read -r job; do echo \"$job\"; done\n"
		    "ruche queue get --follow jobs -- ./work",
	.options = options,
	.groups = {&queue_option_group, &patience_option_group},
	.own_size = sizeof(struct get_options),
	.shared = true,
	.names = 1,
	.run = run,
};
