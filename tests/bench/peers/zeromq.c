/* SPDX-License-Identifier: MIT */

/*
 * The peer ZeroMQ: clients -> ROUTER, a broker that is zmq_proxy(), DEALER -> workers, all by
 * Unix sockets.
 *
 * libs: libzmq
 *
 * Clients and workers are DEALERs, which need no empty frame before the body: two frames on
 * the way where REQ and REP have three.  No queue has a limit, since a ROUTER whose peer has
 * a full queue drops messages.
 */

#include "peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

/* From so many bytes on a message is not copied. */
#define LARGE 4096

struct client {
	void *socket;
};

/* All clients of this process share a context and its one thread for input and output. */
static void *context;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *new_socket(int type)
{
	/* By default a client tries again 100 ms after it was too early for the server. */
	int no_limit = 0, retry = 1, no_wait = 0;
	void *socket = zmq_socket(context, type);

	if (socket == NULL || zmq_setsockopt(socket, ZMQ_SNDHWM, &no_limit, sizeof no_limit) < 0 ||
		zmq_setsockopt(socket, ZMQ_RCVHWM, &no_limit, sizeof no_limit) < 0 ||
		zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &retry, sizeof retry) < 0 ||
		zmq_setsockopt(socket, ZMQ_LINGER, &no_wait, sizeof no_wait) < 0)
		peer_die("zmq_socket");
	return socket;
}

typedef int attach(void *socket, const char *address);

/* `attached` is zmq_bind or zmq_connect; `side` is what the broker has two of. */
static void *open_socket(const struct run *run, int type, attach *attached, const char *side)
{
	char address[128];
	void *socket = new_socket(type);

	snprintf(address, sizeof address, "ipc://%s-%s", run->socket, side);
	if (attached(socket, address) < 0)
		peer_die(address);
	return socket;
}

static void make_context(void)
{
	context = zmq_ctx_new();
	if (context == NULL)
		peer_die("zmq_ctx_new");
}

static void serve(struct run *run)
{
	make_context();
	zmq_proxy(open_socket(run, ZMQ_ROUTER, zmq_bind, "front"),
		open_socket(run, ZMQ_DEALER, zmq_bind, "back"), NULL);
}

/* ---- workers ---------------------------------------------------------------------------- */

static struct bytes bytes_of(zmq_msg_t *message)
{
	return (struct bytes){zmq_msg_data(message), zmq_msg_size(message)};
}

static void receive(void *socket, zmq_msg_t *message)
{
	while (zmq_msg_recv(message, socket, 0) < 0)
		if (errno != EINTR)
			peer_die("zmq_msg_recv");
}

/* An echo sends the message itself, which is not copied then. */
static void reply(void *socket, zmq_msg_t *message, enum function function)
{
	struct answer answer;
	int sent;

	function_run(function, bytes_of(message), &answer);
	if (answer.bytes.data == zmq_msg_data(message))
		sent = zmq_msg_send(message, socket, 0);
	else
		sent = zmq_send(socket, answer.bytes.data, answer.bytes.size, 0);
	if (sent < 0)
		peer_die("zmq_send");
}

/* What comes first in a task is the client that the broker is to send the answer to. */
static void work(struct run *run)
{
	enum function function = function_of(&run->args);
	zmq_msg_t client, message;
	void *socket;

	make_context();
	socket = open_socket(run, ZMQ_DEALER, zmq_connect, "back");
	zmq_msg_init(&client);
	zmq_msg_init(&message);
	run_worker_is_ready(run);
	for (;;) {
		receive(socket, &client);
		receive(socket, &message);
		if (zmq_msg_send(&client, socket, ZMQ_SNDMORE) < 0)
			peer_die("zmq_msg_send");
		reply(socket, &message, function);
	}
}

/* ---- clients ---------------------------------------------------------------------------- */

static void *client_new(struct run *run, int number)
{
	struct client *client = malloc(sizeof *client);

	if (client == NULL)
		peer_die("out of memory");
	(void)number;
	pthread_once(&once, make_context);
	client->socket = open_socket(run, ZMQ_DEALER, zmq_connect, "front");
	return client;
}

static void client_free(void *argument)
{
	struct client *client = argument;

	zmq_close(client->socket);
	free(client);
}

static void on_free(void *data, void *hint)
{
	(void)data;
	(void)hint;
}

/* A large task is lent, not copied: it stays where it is until it was answered. */
static void send_task(void *socket, struct bytes task)
{
	zmq_msg_t message;
	int sent;

	if (task.size < LARGE)
		sent = zmq_send(socket, task.data, task.size, 0);
	else if (zmq_msg_init_data(&message, (void *)task.data, task.size, on_free, NULL) < 0)
		peer_die("zmq_msg_init_data");
	else
		sent = zmq_msg_send(&message, socket, 0);
	if (sent < 0)
		peer_die("zmq_send");
}

static void client_run(void *argument, struct feed *feed)
{
	struct client *client = argument;
	zmq_msg_t message;
	struct bytes task;

	zmq_msg_init(&message);
	while (!feed_is_done(feed)) {
		while (feed_next(feed, &task))
			send_task(client->socket, task);
		receive(client->socket, &message);
		feed_answer(feed, bytes_of(&message));
	}
	zmq_msg_close(&message);
}

int main(int argc, char *argv[])
{
	static const struct peer zeromq = {
		.why_no_crash = "workers are nobody's children: a dead one is not replaced, its "
				"task is lost, and no error comes",
		.serve = serve,
		.work = work,
		.client_new = client_new,
		.client_free = client_free,
		.client_run = client_run,
	};

	return peer_main(&zeromq, argc, argv);
}
