/* SPDX-License-Identifier: MIT */
/*
 * ruche through libruche, one workload at a time.  See measure.h for how it is called and what it
 * prints.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hive.h"
#include "objects.h"

enum { SAMPLES_MAX = 1000000, CLIENTS_MAX = 1024, AHEAD = 4096 };

/* ---- one call at a time ------------------------------------------------------------------- */

static void call_square(struct ruche *ruche, int64_t n)
{
	struct ruche_reply *reply;

	hive_expect(ruche_call(ruche, &reply, "square", "i", n), &reply);
}

static void one(const struct measure_args *args)
{
	static double took[SAMPLES_MAX];
	long calls = measure_number(args, "count", 2000);
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	for (int i = 0; i < 100; i++)
		call_square(ruche, i);
	hive_watch(&hive, &measure, args);
	measure_begin(&measure);
	for (long i = 0; i < calls; i++) {
		double start = measure_now();

		call_square(ruche, i);
		took[i] = measure_now() - start;
	}
	measure_end(&measure);
	measure_print_times(&measure, took, (size_t)calls);
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- clients that keep some outstanding ------------------------------------------------------ */

struct client {
	struct ruche *ruche;
};

static struct client clients[CLIENTS_MAX];
static long unsent, unanswered, outstanding;

/* At most so many at once, lest answers wait. */
static void send_some(struct client *client)
{
	uint32_t id;

	for (int i = 0;
		i < AHEAD && unsent > 0 && ruche_pending(client->ruche) < (size_t)outstanding;
		i++, unsent--)
		if (ruche_submit(client->ruche, &id, "square", "i", (int64_t)(unsent % 1000)) < 0)
			measure_fail("ruche_submit", 0);
	if (ruche_flush(client->ruche) < 0)
		measure_fail("ruche_flush", 0);
}

static void receive_some(struct client *client)
{
	struct ruche_reply *reply;

	if (ruche_process(client->ruche) < 0)
		measure_fail("ruche_process", 0);
	for (; ruche_next(client->ruche, &reply) == 1; unanswered--)
		hive_expect(0, &reply);
}

static void serve(struct client *client)
{
	receive_some(client);
	send_some(client);
}

static bool has_leisure(void)
{
	return unsent == 0 || outstanding <= AHEAD;
}

/* A client that is alone waits in the library. */
static void run_alone(struct client *client, long tasks)
{
	struct ruche_reply *reply;

	unsent = unanswered = tasks;
	while (unanswered > 0) {
		send_some(client);
		if (ruche_wait(client->ruche, 0, has_leisure() ? -1 : 0, &reply) != 1)
			continue;
		do {
			hive_expect(0, &reply);
			unanswered--;
		} while (ruche_next(client->ruche, &reply) == 1);
	}
}

static void run_tasks(int poller, size_t count, long tasks)
{
	struct epoll_event events[64];

	if (count == 1) {
		run_alone(&clients[0], tasks);
		return;
	}
	unsent = unanswered = tasks;
	for (size_t i = 0; i < count; i++)
		send_some(&clients[i]);
	while (unanswered > 0) {
		int ready =
			epoll_wait(poller, events, 64, unsent > 0 && outstanding > AHEAD ? 0 : -1);

		for (int i = 0; i < ready; i++)
			receive_some(events[i].data.ptr);
		for (int i = 0; i < ready; i++)
			send_some(events[i].data.ptr);
		if (ready == 0)
			serve(&clients[0]);
	}
}

static int connect_clients(const struct hive *hive, size_t count)
{
	int poller = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

		clients[i].ruche = hive_connect(hive);
		epoll_ctl(poller, EPOLL_CTL_ADD, ruche_fd(clients[i].ruche), &event);
	}
	return poller;
}

/* Of `count` clients, each with `outstanding` (0: no limit). */
static void flood(const struct measure_args *args)
{
	size_t count = (size_t)measure_number(args, "clients", 1);
	long tasks = measure_number(args, "count", 1000000);
	struct measure measure;
	struct hive hive;
	int poller;

	outstanding = measure_number(args, "outstanding", 256);
	if (outstanding == 0)
		outstanding = tasks;
	hive_start(&hive, args);
	poller = connect_clients(&hive, count);
	run_tasks(poller, count, tasks / 10);
	hive_watch(&hive, &measure, args);
	measure_begin(&measure);
	run_tasks(poller, count, tasks);
	measure_end(&measure);
	measure_print(&measure,
		(struct measure_figure[]){{"rate", (double)tasks / measure.seconds}, {NULL, 0}});
	for (size_t i = 0; i < count; i++)
		ruche_close(clients[i].ruche);
	hive_stop(&hive);
}

/* ---- maps --------------------------------------------------------------------------------------- */

struct numbers {
	long next, count;
	uint8_t packed[18];
};

static int next_number(void *user, const void **ret, size_t *ret_len)
{
	struct numbers *numbers = user;

	if (numbers->next == numbers->count)
		return 0;
	*ret = numbers->packed;
	*ret_len = ruche_pack_int128(numbers->next++, numbers->packed);
	return 1;
}

static void map(const struct measure_args *args)
{
	struct numbers numbers = {.count = measure_number(args, "count", 1000000)};
	const struct ruche_items items = {next_number, &numbers};
	struct ruche_reply *reply;
	struct measure measure;
	struct ruche_map *all;
	struct ruche *ruche;
	struct hive hive;
	int r;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	hive_watch(&hive, &measure, args);
	measure_begin(&measure);
	r = ruche_imap(ruche, &all, NULL, "square", &items);
	if (r < 0)
		measure_fail("ruche_imap", r);
	while ((r = ruche_map_next(all, -1, NULL, &reply)) == 1)
		hive_expect(0, &reply);
	measure_end(&measure);
	ruche_map_free(all);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds}, {NULL, 0}});
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- payloads ---------------------------------------------------------------------------------- */

static void echo(const struct measure_args *args)
{
	size_t bytes = (size_t)measure_number(args, "bytes", 1 << 20);
	long calls = measure_number(args, "count", 10);
	char *data = malloc(bytes);
	struct ruche_reply *reply;
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;

	if (data == NULL)
		measure_fail("no memory", 0);
	memset(data, 'x', bytes);
	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	for (long i = -1; i < calls; i++) {
		if (i == 0) {
			hive_watch(&hive, &measure, args);
			measure_begin(&measure);
		}
		hive_expect(ruche_call(ruche, &reply, "echo", "y", data, bytes), &reply);
	}
	measure_end(&measure);
	measure_print(&measure,
		(struct measure_figure[]){{"seconds", measure.seconds / (double)calls}, {NULL, 0}});
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- long and short ------------------------------------------------------------------------------- */

static void take_all(struct ruche *ruche, int64_t *sum)
{
	struct ruche_reply *reply;

	while (ruche_pending(ruche) > 0) {
		int64_t value = 0;
		int r = ruche_wait(ruche, 0, -1, &reply);

		if (r == 1 && sum != NULL && ruche_reply_int64(reply, &value) == 0)
			*sum += value;
		hive_expect(r < 0 ? r : 0, &reply);
	}
}

/* `count` tasks of 1 us, among them eight of 50 ms: when is all done? */
static void mixed(const struct measure_args *args)
{
	long count = measure_number(args, "count", 100), each = count / 8;
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;
	uint32_t id;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	hive_watch(&hive, &measure, args);
	measure_begin(&measure);
	for (long i = 0; i < count; i++)
		ruche_submit(ruche, &id, "bench.spin", "i",
			(int64_t)(i % each == each / 2 && i / each < 8 ? 50000 : 1));
	take_all(ruche, NULL);
	measure_end(&measure);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds}, {NULL, 0}});
	ruche_close(ruche);
	hive_stop(&hive);
}

static void primes(const struct measure_args *args)
{
	long lo = measure_number(args, "lo", 100000), hi = measure_number(args, "hi", 300000);
	long chunk = measure_number(args, "chunk", 1000);
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;
	int64_t found = 0;
	uint32_t id;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	hive_watch(&hive, &measure, args);
	measure_begin(&measure);
	for (long at = lo; at < hi; at += chunk)
		ruche_submit(ruche, &id, "primes.count", "ii", (int64_t)at,
			(int64_t)(at + chunk < hi ? at + chunk : hi));
	take_all(ruche, &found);
	measure_end(&measure);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds},
					{"primes", (double)found}, {NULL, 0}});
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- birth and death ------------------------------------------------------------------------------- */

static void startup(const struct measure_args *args)
{
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;

	measure_init(&measure, args);
	measure_begin(&measure);
	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	call_square(ruche, 3);
	measure_end(&measure);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds}, {NULL, 0}});
	ruche_close(ruche);
	hive_stop(&hive);
}

static void on_progress(void *user, uint32_t id, double value)
{
	(void)id;
	(void)value;
	*(bool *)user = true;
}

/* The pool's only worker is killed in a task; when is the next one answered? */
static void crash(const struct measure_args *args)
{
	struct measure_args single = {args->workload, 1, (char *[]){(char[]){"workers=1"}}};
	struct ruche_reply *reply;
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;
	uint32_t doomed, next;
	bool has_begun = false;
	pid_t worker;
	int r;

	hive_start(&hive, &single);
	ruche = hive_connect(&hive);
	ruche_on_progress(ruche, on_progress, &has_begun);
	ruche_submit(ruche, &doomed, "bench.hang", "");
	ruche_submit(ruche, &next, "square", "i", (int64_t)3);
	while (!has_begun)
		ruche_process(ruche);
	usleep(20000); /* so that all is quiet, and who stands by is there */
	worker = hive_worker(&hive);
	measure_init(&measure, args);
	measure_begin(&measure);
	kill(worker, SIGKILL);
	r = ruche_wait(ruche, next, 10000, &reply);
	if (r != 1)
		measure_fail("no answer", r);
	measure_end(&measure);
	hive_expect(0, &reply);
	measure_print(&measure, (struct measure_figure[]){{"seconds", measure.seconds}, {NULL, 0}});
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

/* Proportional set size, KiB. */
static double pss_of(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Pss:", 4) == 0)
			kib = atof(line + 4);
	if (file != NULL)
		fclose(file);
	return kib;
}

static double pss_of_children(const struct hive *hive, const char *name)
{
	struct measure found = {0};
	double sum = 0;

	measure_watch_children(&found, MEASURE_WORKERS, hive->pid, name);
	for (size_t i = 0; i < found.count; i++)
		sum += pss_of(found.processes[i].pid);
	return found.count > 0 ? sum / (double)found.count : 0;
}

/* Idle, and for each of `count` tasks that are queued, with its request. */
static void memory(const struct measure_args *args)
{
	long tasks = measure_number(args, "count", 500000);
	struct measure measure;
	struct ruche_reply *reply;
	struct ruche *ruche, *other;
	struct hive hive;
	double idle, filled;
	uint32_t id;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	other = hive_connect(&hive);
	measure_init(&measure, args);
	idle = pss_of(hive.pid);
	hive_expect(ruche_call(other, &reply, "ruche.pause", ""), &reply);
	for (long i = 0; i < tasks; i++)
		if (ruche_submit(ruche, &id, "square", "i", (int64_t)(i % 100)) < 0)
			measure_fail("ruche_submit", 0);
	hive_expect(ruche_call(ruche, &reply, "ruche.ping", ""), &reply);
	filled = pss_of(hive.pid);
	measure_print(&measure,
		(struct measure_figure[]){{"supervisor_kib", idle},
			{"forkserver_kib", pss_of_children(&hive, "ruche-forkserve")},
			{"worker_kib", pss_of_children(&hive, "ruche-worker")},
			{"bytes_per_task", (filled - idle) * 1024 / (double)tasks}, {NULL, 0}});
	ruche_close(ruche);
	ruche_close(other);
	hive_stop(&hive);
}

/* ---- which ----------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct measure_args *args);
	} workloads[] = {{"one", one}, {"flood", flood}, {"clients", flood}, {"map", map},
		{"echo", echo}, {"mixed", mixed}, {"primes", primes}, {"startup", startup},
		{"crash", crash}, {"memory", memory}, {"lock", objects_lock},
		{"acquire", objects_acquire}, {"queue", objects_queue}, {"pipe", objects_pipe}};
	struct measure_args args = measure_args(argc, argv);

	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (strcmp(workloads[i].name, args.workload) == 0) {
			workloads[i].run(&args);
			return 0;
		}
	measure_skip("is not among its workloads");
}
