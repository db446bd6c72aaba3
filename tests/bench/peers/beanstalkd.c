/* SPDX-License-Identifier: MIT */

/*
 * The peer beanstalkd, by its text protocol over a Unix socket.  A queue of jobs has no
 * answers, so they are jobs as well: clients put tasks into the tube of the function, workers
 * put each answer into the tube of the client, whose number stands before the task, and
 * everyone deletes what it has taken.
 *
 * libs: none
 *
 * A connection that waits for a job does nothing else.  So a client has two of them; and who
 * takes jobs asks for one that may be waited for, and with it, in the same write, for as many
 * more as there might be without waiting: many, when it has just got many.
 */

#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8

/* The largest that the server takes; the number of the client goes with the payload. */
#define JOB_MAX (1L << 30)

/* Who takes jobs of one tube, and what becomes of each. */
struct taker {
	struct lines lines;
	int depth; /* how many are asked for at once */
	void (*on_job)(struct taker *taker, struct bytes job);
};

struct worker {
	struct taker taker; /* must be the first */
	enum function function;
	int64_t tube; /* the client whose tube is in use, or -1 */
};

struct client {
	struct taker taker; /* must be the first */
	struct lines lines; /* for the tasks */
	int64_t number;
	struct feed *feed;
};

static _Noreturn void die(const char *what)
{
	errno = 0;
	peer_die(what);
}

static void serve(struct run *run)
{
	char address[128], largest[32];
	char *argv[] = {NULL, "-l", address, "-z", largest, NULL};

	snprintf(address, sizeof address, "unix:%s", run->socket);
	snprintf(largest, sizeof largest, "%ld", JOB_MAX);
	run_exec(run, argv);
}

/* ---- the protocol ----------------------------------------------------------------------- */

/* A job is a number, if it has one, and a payload. */
static void put_job(struct lines *lines, const int64_t *number, struct bytes payload)
{
	size_t head = number != NULL ? sizeof *number : 0;

	lines_print(lines, "put 0 0 600 %zu\r\n", head + payload.size);
	if (number != NULL)
		lines_put(lines, number, head);
	lines_put_large(lines, payload);
	lines_put(lines, "\r\n", 2);
}

/* Answers to commands that need none, unless they say that something went wrong. */
static void check_line(const char *line)
{
	static const char *const expected[] = {"INSERTED", "DELETED", "USING", "WATCHING"};

	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		if (strncmp(line, expected[i], strlen(expected[i])) == 0)
			return;
	die(line);
}

static void watch(struct lines *lines, const char *tube)
{
	lines_print(lines, "watch %s\r\nignore default\r\n", tube);
	check_line(lines_read(lines));
	check_line(lines_read(lines));
}

/* Takes "RESERVED id size" and what follows. */
static void take_job(struct taker *taker, const char *line)
{
	char *end;
	unsigned long id = strtoul(line + strlen("RESERVED "), &end, 10);
	size_t size = strtoul(end, NULL, 10);

	taker->on_job(taker, lines_read_payload(&taker->lines, size));
	lines_print(&taker->lines, "delete %lu\r\n", id);
}

/* The next batch is twice as deep if there was work for all of this one, else as deep as that. */
static void adapt(struct taker *taker, int taken)
{
	if (taken == taker->depth)
		taker->depth *= 2;
	else
		taker->depth = taken;
	if (taker->depth > DEPTH_MAX)
		taker->depth = DEPTH_MAX;
}

/* Waits for a job, and takes those that are there with it. */
static void take_jobs(struct taker *taker)
{
	int taken = 0;

	lines_print(&taker->lines, "reserve\r\n");
	for (int i = 1; i < taker->depth; i++)
		lines_print(&taker->lines, "reserve-with-timeout 0\r\n");
	for (int answered = 0; answered < taker->depth;) {
		const char *line = lines_read(&taker->lines);

		if (strncmp(line, "RESERVED ", 9) == 0) {
			take_job(taker, line);
			taken++;
			answered++;
		} else if (strcmp(line, "TIMED_OUT") == 0)
			answered++;
		else
			check_line(line);
	}
	adapt(taker, taken);
}

/* ---- workers ---------------------------------------------------------------------------- */

static void on_task(struct taker *taker, struct bytes job)
{
	struct worker *worker = (struct worker *)taker;
	struct answer answer;
	int64_t number;

	if (job.size < sizeof number)
		die("a task is too short");
	memcpy(&number, job.data, sizeof number);
	function_run(worker->function,
		(struct bytes){(const char *)job.data + sizeof number, job.size - sizeof number},
		&answer);
	if (number != worker->tube)
		lines_print(&taker->lines, "use answers-%ld\r\n", (long)number);
	worker->tube = number;
	put_job(&taker->lines, NULL, answer.bytes);
}

static void work(struct run *run)
{
	struct worker worker = {
		.taker.depth = 1,
		.taker.on_job = on_task,
		.function = function_of(&run->args),
		.tube = -1,
	};

	lines_init(&worker.taker.lines, run_dial(run));
	watch(&worker.taker.lines, function_name(worker.function));
	run_worker_is_ready(run);
	for (;;)
		take_jobs(&worker.taker);
}

/* ---- clients ---------------------------------------------------------------------------- */

static void on_answer(struct taker *taker, struct bytes job)
{
	struct client *client = (struct client *)taker;

	feed_answer(client->feed, job);
}

static void *client_new(struct run *run, int number)
{
	struct client *client = calloc(1, sizeof *client);
	char tube[64];

	if (client == NULL)
		die("out of memory");
	client->number = number;
	client->taker.depth = 1;
	client->taker.on_job = on_answer;
	lines_init(&client->taker.lines, run_dial(run));
	snprintf(tube, sizeof tube, "answers-%d", number);
	watch(&client->taker.lines, tube);
	lines_init(&client->lines, run_dial(run));
	lines_print(&client->lines, "use %s\r\n", function_name(function_of(&run->args)));
	check_line(lines_read(&client->lines));
	return client;
}

static void client_free(void *argument)
{
	struct client *client = argument;

	lines_fini(&client->lines);
	lines_fini(&client->taker.lines);
	free(client);
}

/* What was said about tasks that were put: nobody waits for that. */
static void check_puts(struct lines *lines)
{
	const char *line;

	while ((line = lines_poll(lines)) != NULL)
		check_line(line);
}

static void client_run(void *argument, struct feed *feed)
{
	struct client *client = argument;
	struct bytes task;

	client->feed = feed;
	while (!feed_is_done(feed)) {
		while (feed_next(feed, &task))
			put_job(&client->lines, &client->number, task);
		lines_flush(&client->lines);
		take_jobs(&client->taker);
		check_puts(&client->lines);
	}
	/* The last of what was taken is yet to be deleted. */
	lines_flush(&client->taker.lines);
}

static const char *refuses(const struct peer_args *args)
{
	if (function_of(args) == FUNCTION_ECHO && args->bytes > LINES_PAYLOAD_MAX)
		return "payloads of more than 128 MiB are not for a job queue";
	return NULL;
}

int main(int argc, char *argv[])
{
	static const struct peer beanstalkd = {
		.program = "beanstalkd",
		.package = "beanstalkd",
		.why_no_crash = "beanstalkd hands the task of a dead worker to another one; "
				"starting workers is not its business",
		.serve = serve,
		.work = work,
		.client_new = client_new,
		.client_free = client_free,
		.client_run = client_run,
		.refuses = refuses,
	};

	return peer_main(&beanstalkd, argc, argv);
}
