/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum {
	READ_SIZE = 64 * 1024,
	QUEUE_MAX = 1024 * 1024, /* bytes that wait for workers before clients are read no more */
	EVENTS = 64,
};

/* Bytes on their way; what was sent is moved away once a turn. */
struct bytes {
	uint8_t *data;
	size_t len, cap;
};

struct peer {
	int in, out; /* the same for a client */
	struct bytes read, write;
	size_t in_flight; /* frames, of a worker */
};

static struct peer clients[RELAY_CLIENTS_MAX], workers[RELAY_WORKERS_MAX];
static size_t client_count, worker_count, last_worker;
static struct bytes queue;
static int poller;

/* ---- small things ---------------------------------------------------------------------- */

static void check(long result, const char *what)
{
	if (result < 0)
		measure_fail(what, -errno);
}

void relay_write(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		check(n, "write");
		at += n;
		len -= (size_t)n;
	}
}

void relay_read(int fd, void *data, size_t len)
{
	uint8_t *at = data;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		check(n > 0 ? n : -1, "read");
		at += n;
		len -= (size_t)n;
	}
}

static void reserve(struct bytes *bytes, size_t more)
{
	if (bytes->len + more <= bytes->cap)
		return;
	bytes->cap = 2 * (bytes->len + more);
	bytes->data = realloc(bytes->data, bytes->cap);
	if (bytes->data == NULL)
		measure_fail("no memory", 0);
}

static void append(struct bytes *bytes, const void *data, size_t len)
{
	reserve(bytes, len);
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

static void drop(struct bytes *bytes, size_t len)
{
	memmove(bytes->data, bytes->data + len, bytes->len - len);
	bytes->len -= len;
}

/* ---- the relay ---------------------------------------------------------------------------- */

/* Whole frames that have come; 0: none, or the end. */
static size_t read_frames(struct peer *peer)
{
	ssize_t n;

	reserve(&peer->read, READ_SIZE);
	n = read(peer->in, peer->read.data + peer->read.len, READ_SIZE);
	if (n > 0)
		peer->read.len += (size_t)n;
	return peer->read.len / RELAY_FRAME;
}

static void from_client(struct peer *client)
{
	size_t count = read_frames(client);
	struct relay_frame *frames = (struct relay_frame *)(void *)client->read.data;

	for (size_t i = 0; i < count; i++)
		frames[i].client = (uint32_t)(client - clients);
	append(&queue, client->read.data, count * RELAY_FRAME);
	drop(&client->read, count * RELAY_FRAME);
}

static void from_worker(struct peer *worker)
{
	size_t count = read_frames(worker);
	struct relay_frame *frames = (struct relay_frame *)(void *)worker->read.data;

	for (size_t i = 0; i < count; i++)
		append(&clients[frames[i].client].write, &frames[i], RELAY_FRAME);
	worker->in_flight -= count;
	drop(&worker->read, count * RELAY_FRAME);
}

/* The one with the fewest; of equals the one that had the last. */
static struct peer *pick_worker(void)
{
	size_t best = last_worker;

	for (size_t i = 0; i < worker_count; i++)
		if (workers[i].in_flight < workers[best].in_flight)
			best = i;
	last_worker = best;
	return &workers[best];
}

static void hand_out(void)
{
	for (size_t at = 0; at < queue.len; at += RELAY_FRAME) {
		struct peer *worker = pick_worker();

		append(&worker->write, queue.data + at, RELAY_FRAME);
		worker->in_flight++;
	}
	queue.len = 0;
}

static size_t flush(struct peer *peer)
{
	ssize_t n;

	if (peer->write.len == 0)
		return 0;
	n = write(peer->out, peer->write.data, peer->write.len);
	if (n > 0)
		drop(&peer->write, (size_t)n);
	return peer->write.len;
}

/* How many bytes wait for workers. */
static size_t flush_all(void)
{
	size_t waits = 0;

	for (size_t i = 0; i < worker_count; i++)
		waits += flush(&workers[i]);
	for (size_t i = 0; i < client_count; i++)
		flush(&clients[i]);
	return waits;
}

static void turn(void)
{
	static size_t waits;
	struct epoll_event events[EVENTS];
	size_t unsent = 0;
	int count;

	for (size_t i = 0; i < client_count; i++)
		unsent += clients[i].write.len;
	count = epoll_wait(poller, events, EVENTS, waits + unsent > 0 ? 0 : -1);
	for (int i = 0; i < count; i++) {
		struct peer *peer = events[i].data.ptr;

		if (peer >= workers && peer < workers + RELAY_WORKERS_MAX)
			from_worker(peer);
		else if (waits < QUEUE_MAX)
			from_client(peer);
	}
	hand_out();
	waits = flush_all();
}

/* ---- the relay of a stream: what comes from the one goes to the other, as it comes ----------- */

/* Streams one way: 64 KiB at a time, and no more before those are gone. */
static void pass_on(struct peer *from, struct peer *to)
{
	ssize_t n;

	if (flush(to) > 0)
		return;
	reserve(&to->write, READ_SIZE);
	n = read(from->in, to->write.data, READ_SIZE);
	if (n > 0)
		to->write.len = (size_t)n;
	flush(to);
}

static void turn_of_stream(void)
{
	struct epoll_event event;

	if (epoll_wait(poller, &event, 1, clients->write.len + workers->write.len > 0 ? 0 : -1) < 0)
		return;
	pass_on(&clients[0], &workers[0]);
	pass_on(&workers[0], &clients[0]);
}

/* ---- workers -------------------------------------------------------------------------------- */

static void work(int in, int out)
{
	static struct relay_frame frames[READ_SIZE / RELAY_FRAME];

	for (;;) {
		ssize_t n = read(in, frames, sizeof(frames));
		size_t rest = n > 0 ? (size_t)n % RELAY_FRAME : 0;

		if (n <= 0)
			_exit(0);
		if (rest > 0) {
			relay_read(in, (uint8_t *)frames + n, RELAY_FRAME - rest);
			n += (ssize_t)(RELAY_FRAME - rest);
		}
		for (size_t i = 0; i < (size_t)n / RELAY_FRAME; i++)
			frames[i].value *= frames[i].value;
		relay_write(out, frames, (size_t)n);
	}
}

static void echo(int in, int out, size_t bytes)
{
	uint8_t *data = malloc(bytes);

	if (data == NULL)
		measure_fail("no memory", 0);
	for (;;) {
		ssize_t n = read(in, data, bytes);

		if (n <= 0)
			_exit(0);
		relay_read(in, data + n, bytes - (size_t)n);
		relay_write(out, data, bytes);
	}
}

static void pin(size_t core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core % (size_t)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void start_worker(size_t i, size_t stream_bytes)
{
	int tasks[2], results[2];

	check(pipe(tasks), "pipe");
	check(pipe(results), "pipe");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(tasks[1]);
		close(results[0]);
		pin(i);
		if (stream_bytes > 0)
			echo(tasks[0], results[1], stream_bytes);
		work(tasks[0], results[1]);
	}
	close(tasks[0]);
	close(results[1]);
	workers[i].in = results[0];
	workers[i].out = tasks[1];
}

/* ---- starting and stopping -------------------------------------------------------------------- */

static void watch(struct peer *peer)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	fcntl(peer->in, F_SETFL, O_NONBLOCK);
	fcntl(peer->out, F_SETFL, O_NONBLOCK);
	check(epoll_ctl(poller, EPOLL_CTL_ADD, peer->in, &event), "epoll_ctl");
}

static void run(const struct relay *relay, size_t stream_bytes)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < relay->client_count; i++)
		close(relay->clients[i]);
	for (size_t i = 0; i < worker_count; i++)
		start_worker(i, stream_bytes);
	poller = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < worker_count; i++)
		watch(&workers[i]);
	for (size_t i = 0; i < client_count; i++)
		watch(&clients[i]);
	for (;;)
		if (stream_bytes > 0)
			turn_of_stream();
		else
			turn();
}

void relay_start(struct relay *relay, size_t count, size_t worker_total, size_t stream_bytes)
{
	*relay = (struct relay){.client_count = count, .worker_count = worker_total};
	client_count = count;
	worker_count = worker_total;
	for (size_t i = 0; i < count; i++) {
		int ends[2];

		check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
		relay->clients[i] = ends[0];
		clients[i].in = clients[i].out = ends[1];
	}
	relay->pid = fork();
	check(relay->pid, "fork");
	if (relay->pid == 0)
		run(relay, stream_bytes);
	for (size_t i = 0; i < count; i++)
		close(clients[i].in);
}

void relay_stop(struct relay *relay)
{
	for (size_t i = 0; i < relay->client_count; i++)
		close(relay->clients[i]);
	kill(relay->pid, SIGKILL);
	waitpid(relay->pid, NULL, 0);
}
