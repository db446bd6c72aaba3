/* SPDX-License-Identifier: MIT */

/*
 * The peer Gearman: gearmand, and clients and workers with libgearman, over TCP, which is the
 * only thing that gearmand listens on.
 *
 * libs: gearmand (that is the name of libgearman's pkg-config module)
 */

#include "peer.h"

#include <errno.h>
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libgearman searches its list of tasks at each answer: more in flight make it slower. */
#define OUTSTANDING_MAX 256

/* A small task must stay where it is until libgearman has sent it: room for one. */
struct slot {
	char bytes[16];
};

/*
 * Server and library set their sockets' buffers to 32 KiB, less than one segment of the
 * loopback device has: beyond some 128 KiB each message waits for timers of TCP, for 0.6 s
 * per MiB.
 */
#define SLOW_BYTES (128L << 10)
#define SLOW_TOTAL (10L << 20)

struct client {
	gearman_client_st *library;
	struct feed *feed;
	struct slot *slots;
	size_t slot_count, slot_next;
};

static _Noreturn void die(const char *what)
{
	errno = 0;
	peer_die(what);
}

/*
 * On two cores one thread for everything is faster by half than the default of four, and so is
 * to wake one worker for a task rather than all of them.
 */
static void serve(struct run *run)
{
	char port[16], pid_file[100];
	char *argv[] = {NULL, "--listen=127.0.0.1", "--port", port, "--threads=0",
		"--worker-wakeup=1", "--log-file=none", "--queue-type=builtin", "--pid-file",
		pid_file, "--config-file=/dev/null", NULL};

	snprintf(port, sizeof port, "%d", run->port);
	snprintf(pid_file, sizeof pid_file, "%s/pid", run->folder);
	run_exec(run, argv);
}

/* ---- workers ---------------------------------------------------------------------------- */

static void *copy_of(struct bytes bytes)
{
	void *copy = malloc(bytes.size + 1);

	if (copy == NULL)
		die("out of memory");
	memcpy(copy, bytes.data, bytes.size);
	return copy;
}

/* What is returned is freed by the library; so an echo hands back the task's own memory. */
static void *on_job(gearman_job_st *job, void *argument, size_t *size, gearman_return_t *status)
{
	const enum function *function = argument;
	struct bytes task;
	struct answer answer;
	void *data = gearman_job_take_workload(job, &task.size);

	task.data = data;
	function_run(*function, task, &answer);
	*size = answer.bytes.size;
	*status = GEARMAN_SUCCESS;
	if (answer.bytes.data == data)
		return data;
	data = copy_of(answer.bytes);
	free((void *)task.data);
	return data;
}

/*
 * The library tells the server what the worker can do in its first gearman_worker_work(), which
 * is over long before the warm-up is.  (Ending that with a timeout, to know when, now and then
 * loses a task: the library asks for another one without having read the answer.)
 */
static void work(struct run *run)
{
	enum function function = function_of(&run->args);
	gearman_worker_st *worker = gearman_worker_create(NULL);

	close(run_dial(run));
	if (gearman_worker_add_server(worker, "127.0.0.1", (in_port_t)run->port) ||
		gearman_worker_add_function(worker, function_name(function), 0, on_job, &function))
		die("cannot make a gearman worker");
	run_worker_is_ready(run);
	while (gearman_worker_work(worker) == GEARMAN_SUCCESS)
		continue;
	die(gearman_worker_error(worker));
}

/* ---- clients ---------------------------------------------------------------------------- */

static struct bytes keep(struct client *client, struct bytes task)
{
	struct slot *slot = &client->slots[client->slot_next];

	if (task.size > sizeof slot->bytes)
		return task;
	client->slot_next = (client->slot_next + 1) % client->slot_count;
	memcpy(slot->bytes, task.data, task.size);
	return (struct bytes){slot->bytes, task.size};
}

static void add_tasks(struct client *client)
{
	const char *function = function_name(client->feed->function);
	gearman_return_t status;
	struct bytes task;

	while (feed_next(client->feed, &task)) {
		task = keep(client, task);
		gearman_client_add_task(client->library, NULL, client, function, NULL, task.data,
			task.size, &status);
		if (gearman_failed(status))
			die("gearman_client_add_task");
	}
}

/* A new task takes the place of the one that was answered: run_tasks() sends it as well. */
static gearman_return_t on_complete(gearman_task_st *task)
{
	struct client *client = gearman_task_context(task);

	feed_answer(client->feed,
		(struct bytes){gearman_task_data(task), gearman_task_data_size(task)});
	add_tasks(client);
	return GEARMAN_SUCCESS;
}

static void *client_new(struct run *run, int number)
{
	struct client *client = calloc(1, sizeof *client);

	(void)number;
	close(run_dial(run));
	if (client == NULL || (client->library = gearman_client_create(NULL)) == NULL ||
		gearman_client_add_server(client->library, "127.0.0.1", (in_port_t)run->port))
		die("cannot make a gearman client");
	client->slot_count = OUTSTANDING_MAX;
	client->slots = calloc(client->slot_count, sizeof *client->slots);
	if (client->slots == NULL)
		die("out of memory");
	gearman_client_add_options(client->library, GEARMAN_CLIENT_FREE_TASKS);
	gearman_client_set_complete_fn(client->library, on_complete);
	return client;
}

static void client_free(void *argument)
{
	struct client *client = argument;

	gearman_client_free(client->library);
	free(client->slots);
	free(client);
}

static void client_run(void *argument, struct feed *feed)
{
	struct client *client = argument;

	if (feed->limit > OUTSTANDING_MAX)
		feed->limit = OUTSTANDING_MAX;
	client->feed = feed;
	while (!feed_is_done(feed)) {
		add_tasks(client);
		if (gearman_failed(gearman_client_run_tasks(client->library)))
			die(gearman_client_error(client->library));
	}
}

static const char *refuses(const struct peer_args *args)
{
	if (function_of(args) == FUNCTION_ECHO && args->bytes > SLOW_BYTES &&
		args->bytes * args->count > SLOW_TOTAL)
		return "gearmand's sockets have buffers of 32 KiB: payloads of more than 128 KiB "
		       "wait for TCP's timers, some 0.6 s per MiB";
	return NULL;
}

int main(int argc, char *argv[])
{
	static const struct peer gearman = {
		.program = "gearmand",
		.package = "gearman-job-server",
		.has_port = true,
		.outstanding_max = OUTSTANDING_MAX,
		.why_no_crash = "gearmand hands the task of a dead worker to another one, which it "
				"may kill as well; starting workers is not its business",
		.serve = serve,
		.work = work,
		.client_new = client_new,
		.client_free = client_free,
		.client_run = client_run,
		.refuses = refuses,
	};

	return peer_main(&gearman, argc, argv);
}
