/* SPDX-License-Identifier: MIT */
/*
 * The floor of each workload: what the machine can do at all in ruche's topology (relay.h), or with bare
 * processes.  See measure.h for how it is called and what it prints.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "objects.h"
#include "relay.h"

enum { READ_SIZE = 64 * 1024, BATCH = READ_SIZE / RELAY_FRAME, SAMPLES_MAX = 1000000 };

static void watch_relay(
	struct measure *measure, const struct measure_args *args, const struct relay *relay)
{
	measure_init(measure, args);
	measure_watch(measure, MEASURE_CLIENT, getpid());
	measure_watch(measure, MEASURE_SERVER, relay->pid);
	measure_watch_children(measure, MEASURE_WORKERS, relay->pid, "floor");
}

/* ---- one call at a time ------------------------------------------------------------------- */

static void call(int fd, uint64_t value)
{
	struct relay_frame frame = {.value = value};

	relay_write(fd, &frame, sizeof(frame));
	relay_read(fd, &frame, sizeof(frame));
	if (frame.value != value * value)
		measure_fail("a wrong answer", 0);
}

static void one(const struct measure_args *args)
{
	static double took[SAMPLES_MAX];
	long calls = measure_number(args, "count", 2000);
	struct measure measure;
	struct relay relay;

	relay_start(&relay, 1, (size_t)measure_number(args, "workers", 2), 0);
	for (uint64_t i = 0; i < 100; i++)
		call(relay.clients[0], i);
	watch_relay(&measure, args, &relay);
	measure_begin(&measure);
	for (long i = 0; i < calls; i++) {
		double start = measure_now();

		call(relay.clients[0], (uint64_t)i);
		took[i] = measure_now() - start;
	}
	measure_end(&measure);
	measure_print_times(&measure, took, (size_t)calls);
	relay_stop(&relay);
}

/* ---- clients that keep some outstanding ------------------------------------------------------ */

struct client {
	int fd;
	size_t open, partial; /* frames; bytes of one that has come in part */
};

static struct client clients[RELAY_CLIENTS_MAX];
static long unsent, unanswered, outstanding;

/* As much as it may have open, in one write for each 64 KiB; what does not fit comes later. */
static void send_some(struct client *client)
{
	static struct relay_frame frames[BATCH];

	while (unsent > 0 && client->open < (size_t)outstanding) {
		size_t room = (size_t)outstanding - client->open;
		size_t count = room < BATCH ? room : BATCH;
		ssize_t n;

		count = (long)count < unsent ? count : (size_t)unsent;
		n = write(client->fd, frames, count * RELAY_FRAME);
		if (n <= 0)
			return;
		if (n % RELAY_FRAME != 0) {
			fcntl(client->fd, F_SETFL, 0);
			relay_write(client->fd, frames, RELAY_FRAME - (size_t)n % RELAY_FRAME);
			fcntl(client->fd, F_SETFL, O_NONBLOCK);
			n += RELAY_FRAME - n % RELAY_FRAME;
		}
		client->open += (size_t)n / RELAY_FRAME;
		unsent -= n / RELAY_FRAME;
	}
}

static void receive_some(struct client *client)
{
	static uint8_t bytes[READ_SIZE];
	ssize_t n = read(client->fd, bytes, sizeof(bytes));
	size_t whole;

	if (n <= 0)
		return;
	client->partial += (size_t)n;
	whole = client->partial / RELAY_FRAME;
	client->partial %= RELAY_FRAME;
	client->open -= whole;
	unanswered -= (long)whole;
}

static void run_tasks(int poller, size_t count, long tasks)
{
	struct epoll_event events[64];

	unsent = unanswered = tasks;
	for (size_t i = 0; i < count; i++)
		send_some(&clients[i]);
	while (unanswered > 0) {
		int ready =
			epoll_wait(poller, events, 64, unsent > 0 && outstanding > BATCH ? 0 : -1);

		for (int i = 0; i < ready; i++)
			receive_some(events[i].data.ptr);
		for (int i = 0; i < ready; i++)
			send_some(events[i].data.ptr);
		if (ready == 0)
			send_some(&clients[0]);
	}
}

static int watch_clients(const struct relay *relay)
{
	int poller = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; i < relay->client_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

		clients[i] = (struct client){.fd = relay->clients[i]};
		fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
		epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event);
	}
	return poller;
}

/* As many of `count` clients, each with `outstanding` (0: no limit). */
static void flood(const struct measure_args *args)
{
	size_t count = (size_t)measure_number(args, "clients", 1);
	long tasks = measure_number(args, "count", 1000000);
	struct measure measure;
	struct relay relay;
	int poller;

	outstanding = measure_number(args, "outstanding", 256);
	if (outstanding == 0)
		outstanding = tasks;
	relay_start(&relay, count, (size_t)measure_number(args, "workers", 2), 0);
	poller = watch_clients(&relay);
	run_tasks(poller, count, tasks / 10);
	watch_relay(&measure, args, &relay);
	measure_begin(&measure);
	run_tasks(poller, count, tasks);
	measure_end(&measure);
	measure_print(&measure,
		(struct measure_figure[]){{"rate", (double)tasks / measure.seconds}, {NULL, 0}});
	relay_stop(&relay);
}

/* ---- payloads ---------------------------------------------------------------------------------- */

static void echo(const struct measure_args *args)
{
	size_t bytes = (size_t)measure_number(args, "bytes", 1 << 20);
	long calls = measure_number(args, "count", 10);
	uint8_t *data = malloc(bytes);
	struct measure measure;
	struct relay relay;

	if (data == NULL)
		measure_fail("no memory", 0);
	memset(data, 'x', bytes);
	relay_start(&relay, 1, 1, bytes);
	for (long i = -1; i < calls; i++) {
		if (i == 0) {
			watch_relay(&measure, args, &relay);
			measure_begin(&measure);
		}
		relay_write(relay.clients[0], data, bytes);
		relay_read(relay.clients[0], data, bytes);
	}
	measure_end(&measure);
	measure_print(&measure,
		(struct measure_figure[]){{"seconds", measure.seconds / (double)calls}, {NULL, 0}});
	relay_stop(&relay);
}

/* Once in and once out, as no other way can be faster. */
static void copy(const struct measure_args *args)
{
	size_t bytes = (size_t)measure_number(args, "bytes", 1 << 20);
	long calls = measure_number(args, "count", 10);
	uint8_t *from = malloc(bytes), *to = malloc(bytes);
	struct measure measure;

	if (from == NULL || to == NULL)
		measure_fail("no memory", 0);
	memset(from, 'x', bytes);
	memset(to, 'y', bytes);
	measure_init(&measure, args);
	measure_watch(&measure, MEASURE_CLIENT, getpid());
	measure_begin(&measure);
	for (long i = 0; i < calls; i++) {
		memcpy(to, from, bytes);
		from[i % (long)bytes]++;
		memcpy(from, to, bytes);
	}
	measure_end(&measure);
	measure_print(&measure,
		(struct measure_figure[]){{"seconds", measure.seconds / (double)calls}, {NULL, 0}});
}

/* ---- bare processes ------------------------------------------------------------------------------ */

/* By trial division, as contrib/plugins/tutorial.c. */
static long count_primes(long lo, long hi)
{
	long count = 0;

	for (long n = lo < 2 ? 2 : lo; n < hi; n++) {
		long d = 2;

		while (d <= n / d && n % d != 0)
			d++;
		count += d > n / d;
	}
	return count;
}

struct shared {
	_Atomic long next, primes;
};

static void race(struct shared *shared, long hi, long chunk)
{
	for (;;) {
		long lo = atomic_fetch_add(&shared->next, chunk);

		if (lo >= hi)
			return;
		atomic_fetch_add(
			&shared->primes, count_primes(lo, lo + chunk < hi ? lo + chunk : hi));
	}
}

/* Forked processes that share out the chunks by a counter in their memory. */
static void primes(const struct measure_args *args)
{
	long lo = measure_number(args, "lo", 100000), hi = measure_number(args, "hi", 300000);
	long chunk = measure_number(args, "chunk", 1000),
	     workers = measure_number(args, "workers", 2);
	struct shared *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct measure measure;

	if (shared == MAP_FAILED)
		measure_fail("mmap", -errno);
	measure_init(&measure, args);
	atomic_store(&shared->next, lo);
	measure_begin(&measure);
	for (long i = 0; i < workers; i++)
		if (fork() == 0) {
			race(shared, hi, chunk);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	measure_end(&measure);
	measure_print(
		&measure, (struct measure_figure[]){{"seconds", measure.seconds},
				  {"primes", (double)atomic_load(&shared->primes)}, {NULL, 0}});
}

/* Two at a time. */
static void commands(const struct measure_args *args)
{
	long count = measure_number(args, "count", 1000),
	     workers = measure_number(args, "workers", 2);
	struct measure measure;

	measure_init(&measure, args);
	measure_begin(&measure);
	for (long i = 0; i < count + workers; i++) {
		if (i >= workers)
			wait(NULL);
		if (i < count && vfork() == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
	}
	measure_end(&measure);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds}, {NULL, 0}});
}

/* A child that says that it is there, by one byte. */
static pid_t fork_child(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		relay_write(fd, "", 1);
		pause();
		_exit(0);
	}
	return pid;
}

/* A child is killed, waited for, and the next one says that it is there. */
static void crash(const struct measure_args *args)
{
	struct measure measure;
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe(ends) < 0)
		measure_fail("pipe", -errno);
	pid = fork_child(ends[1]);
	relay_read(ends[0], &byte, 1);
	measure_init(&measure, args);
	measure_begin(&measure);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = fork_child(ends[1]);
	relay_read(ends[0], &byte, 1);
	measure_end(&measure);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds}, {NULL, 0}});
}

/* ---- which ----------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct measure_args *args);
	} workloads[] = {{"one", one}, {"flood", flood}, {"clients", flood}, {"echo", echo},
		{"copy", copy}, {"primes", primes}, {"commands", commands}, {"crash", crash},
		{"lock", objects_lock}, {"pipe", objects_pipe}};
	struct measure_args args = measure_args(argc, argv);

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (strcmp(workloads[i].name, args.workload) == 0) {
			workloads[i].run(&args);
			return 0;
		}
	measure_skip("has no floor");
}
