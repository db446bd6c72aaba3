/* SPDX-License-Identifier: MIT */

/*
 * The peer NATS: nats-server, and its text protocol by hand, over TCP, which is the only thing
 * that the server listens on.  Workers are a queue group of one subject; a client has a
 * subject of its own, its inbox, for the answers.
 *
 * libs: none
 */

#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The server refuses to be told more than 64 MiB. */
#define PAYLOAD_MAX (64L << 20)

/* An inbox as a worker sees it. */
#define SUBJECT_MAX 64

struct client {
	struct lines lines;
	char inbox[SUBJECT_MAX];
	const char *subject;
};

static _Noreturn void die(const char *what)
{
	errno = 0;
	peer_die(what);
}

/* What would be too much for the defaults, 1 MiB and 64 MiB, is allowed. */
static void write_config(const struct run *run, const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		peer_die(path);
	fprintf(file,
		"listen: 127.0.0.1:%d\n"
		"log_file: /dev/null\n"
		"max_payload: %ld\n"
		"max_pending: %ld\n",
		run->port, PAYLOAD_MAX, 8 * PAYLOAD_MAX);
	if (fclose(file) != 0)
		peer_die(path);
}

static void serve(struct run *run)
{
	char config[100];
	char *argv[] = {NULL, "-c", config, NULL};

	snprintf(config, sizeof config, "%s/config", run->folder);
	write_config(run, config);
	run_exec(run, argv);
}

static const char *refuses(const struct peer_args *args)
{
	if (function_of(args) == FUNCTION_ECHO && args->bytes > PAYLOAD_MAX)
		return "the limit of max_payload is 64 MiB";
	return NULL;
}

/* ---- the protocol ----------------------------------------------------------------------- */

/* Lines that are not messages are only the server's greeting, pings, and complaints. */
static void take_other(struct lines *lines, const char *line)
{
	if (strcmp(line, "PING") == 0)
		lines_print(lines, "PONG\r\n");
	else if (strncmp(line, "-ERR", 4) == 0)
		die(line);
}

/* Returns when the server has seen the subscription that `format` is about. */
static void open_lines(struct lines *lines, const struct run *run, const char *subscription)
{
	const char *line;

	lines_init(lines, run_dial(run));
	lines_print(lines, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n%s\r\nPING\r\n",
		subscription);
	while (strcmp(line = lines_read(lines), "PONG") != 0)
		take_other(lines, line);
}

/*
 * Waits for a message, "MSG subject id [reply-to] size", and returns its payload.  `ret_reply`
 * is "" if the message wants no answer.
 */
static struct bytes read_message(struct lines *lines, char ret_reply[static SUBJECT_MAX])
{
	char *line, *word;

	while (strncmp(line = lines_read(lines), "MSG ", 4) != 0)
		take_other(lines, line);
	word = strrchr(line, ' ');
	*word = '\0';
	ret_reply[0] = '\0';
	/* Three spaces more than one would have: then there is an inbox. */
	line = strchr(strchr(line + 4, ' ') + 1, ' ');
	if (line != NULL)
		snprintf(ret_reply, SUBJECT_MAX, "%s", line + 1);
	return lines_read_payload(lines, strtoul(word + 1, NULL, 10));
}

static void publish(struct lines *lines, const char *subject, const char *reply, struct bytes data)
{
	lines_print(lines, "PUB %s %s %zu\r\n", subject, reply, data.size);
	lines_put_large(lines, data);
	lines_put(lines, "\r\n", 2);
}

/* ---- workers ---------------------------------------------------------------------------- */

static void work(struct run *run)
{
	enum function function = function_of(&run->args);
	char text[100], reply[SUBJECT_MAX];
	struct answer answer;
	struct lines lines;

	snprintf(text, sizeof text, "SUB %s workers 1", function_name(function));
	open_lines(&lines, run, text);
	run_worker_is_ready(run);
	for (;;) {
		function_run(function, read_message(&lines, reply), &answer);
		publish(&lines, reply, "", answer.bytes);
	}
}

/* ---- clients ---------------------------------------------------------------------------- */

static void *client_new(struct run *run, int number)
{
	struct client *client = calloc(1, sizeof *client);
	char text[100];

	if (client == NULL)
		die("out of memory");
	client->subject = function_name(function_of(&run->args));
	snprintf(client->inbox, sizeof client->inbox, "inbox.%d", number);
	snprintf(text, sizeof text, "SUB %s 1", client->inbox);
	open_lines(&client->lines, run, text);
	return client;
}

static void client_free(void *argument)
{
	struct client *client = argument;

	lines_fini(&client->lines);
	free(client);
}

static void client_run(void *argument, struct feed *feed)
{
	struct client *client = argument;
	char reply[SUBJECT_MAX];
	struct bytes task;

	while (!feed_is_done(feed)) {
		while (feed_next(feed, &task))
			publish(&client->lines, client->subject, client->inbox, task);
		feed_answer(feed, read_message(&client->lines, reply));
	}
}

int main(int argc, char *argv[])
{
	static const struct peer nats = {
		.program = "nats-server",
		.package = "nats-server",
		.has_port = true,
		.why_no_crash = "workers are nobody's children: a dead one is not replaced, its "
				"task is lost, and no error comes",
		.serve = serve,
		.work = work,
		.client_new = client_new,
		.client_free = client_free,
		.client_run = client_run,
		.refuses = refuses,
	};

	return peer_main(&nats, argc, argv);
}
