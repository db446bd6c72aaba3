/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/item.h"
#include "cli/object.h"
#include "cli/queue.h"

enum { HEAD = 5, ARRAY_32 = 0xdd }; /* of an array of any length: a byte, and 4 of its length */

struct putter {
	struct cli *cli;
	const char *name;
	struct ruche_object *queue;
	msgpack_sbuffer items; /* the head of an array, and those that were not put yet */
	size_t count;          /* of them */
	uint64_t put;
};

/* ---- lines */

static int clear(struct putter *putter)
{
	putter->count = 0;
	msgpack_sbuffer_clear(&putter->items);
	return msgpack_sbuffer_write(&putter->items, "\0\0\0\0", HEAD) < 0 ? -ENOMEM : 0;
}

static void write_head(struct putter *putter)
{
	uint8_t head[HEAD] = {ARRAY_32, (uint8_t)(putter->count >> 24),
		(uint8_t)(putter->count >> 16), (uint8_t)(putter->count >> 8),
		(uint8_t)putter->count};

	memcpy(putter->items.data, head, HEAD);
}

static int add_line(void *user, const char *line, size_t len)
{
	struct putter *putter = user;
	const char *why = NULL;
	msgpack_packer pk;
	int broken;

	msgpack_packer_init(&pk, &putter->items, msgpack_sbuffer_write);
	broken = item_pack(putter->cli, &pk, line, len, &why);
	if (broken == -EINVAL) {
		log_error("line %" PRIu64 ": %s", putter->put + putter->count + 1, why);
		return STATUS_FAILED;
	}
	if (broken < 0) {
		putter->count = 0; /* the last one is packed in part */
		return cli_no_memory();
	}
	putter->count++;
	return 0;
}

/* If a part went in before the queue took no more, the daemon has said nothing against it. */
static int answer(const struct putter *putter, int broken)
{
	if (broken != -EPIPE || ruche_last_error(putter->cli->ruche) != NULL)
		return object_answer(putter->cli, putter->name, broken);
	log_error("%s: the queue has been ended or removed", putter->name);
	return STATUS_FAILED;
}

static int put_lines(void *user)
{
	struct putter *putter = user;
	size_t done = 0;
	int broken;

	if (putter->count == 0)
		return 0;
	write_head(putter);
	broken = ruche_queue_put_many(putter->queue, object_patience(putter->cli),
		putter->items.data, putter->items.size, &done);
	putter->put += done;
	if (broken < 0) {
		log_error("%" PRIu64 " lines went into the queue, and no more", putter->put);
		return answer(putter, broken);
	}
	return clear(putter) < 0 ? cli_no_memory() : 0;
}

static int put_stdin(struct putter *putter)
{
	const struct item_sink sink = {.line = add_line, .flush = put_lines, .user = putter};
	int status;

	msgpack_sbuffer_init(&putter->items);
	status = clear(putter) < 0 ? cli_no_memory() : item_read_all(&sink);
	msgpack_sbuffer_destroy(&putter->items);
	return status;
}

/* ---- values */

static int put_values(struct putter *putter, int argc, char **argv)
{
	msgpack_sbuffer items;
	size_t done = 0;
	int status;

	msgpack_sbuffer_init(&items);
	status = args_pack_array(putter->cli, &items, argc, argv);
	if (status == 0)
		status = answer(
			putter, ruche_queue_put_many(putter->queue, object_patience(putter->cli),
					items.data, items.size, &done));
	if (status != 0 && done > 0)
		log_error("%zu of %d went into the queue", done, argc);
	msgpack_sbuffer_destroy(&items);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct putter putter = {.cli = cli, .name = argc > 0 ? argv[0] : ""};
	int status;

	if (argc == 0)
		return cli_usage(cli, "into which queue?  NAME [VALUE]...");
	status = queue_open(cli, &putter.queue, argv[0]);
	if (status == 0)
		status = argc > 1 ? put_values(&putter, argc - 1, argv + 1) : put_stdin(&putter);
	ruche_object_close(putter.queue);
	return status;
}

const struct cli_command queue_put_command = {
	.name = "queue put",
	.usage = "[OPTION]... NAME [VALUE]...",
	.summary = "put values, or each line of stdin, into a queue",
	.text = "Each VALUE is JSON, or else a string, as in `ruche call`.  Without any, each line "
		"of "
		"stdin\n"
		"is an item as soon as it has come: a string, or binary if it is no UTF-8; with "
		"--json a\n"
		"JSON value.  While the queue is full it waits, --timeout for each time.",
	.examples = "ruche queue put jobs 1 '{\"name\": \"bee\"}' three\n"
		    "tail -f access.log | ruche queue put --maxsize 10000 lines",
	.groups = {&queue_option_group, &patience_option_group},
	.own_size = sizeof(struct queue_making),
	.shared = true,
	.names = 1,
	.run = run,
};
