/* SPDX-License-Identifier: MIT */
/*
 * Very many calls from many clients, one in a hundred of which ends its worker in one of nine
 * ways.  Every call must get exactly one answer, the one that its way to end makes; every task must
 * have been started exactly once; and no call may fail but those that were to.
 *
 *	mixed SOCKET CLIENTS CALLS JOURNAL
 *
 * Each task appends its number to the journal, which is the witness of how often it was started.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ruche/ruche.h>

enum { WINDOW = 64, CLIENTS_MAX = 64, ONE_IN = 100 };

/* How a task ends its worker, and what its caller is to be told. */
static const struct way {
	const char *name;
	enum ruche_code code;
	int signal, exit_status;
} fine = {"ok", RUCHE_OK, 0, -1}, ways[] = {
					  {"segv", RUCHE_CRASHED, SIGSEGV, -1},
					  {"abort", RUCHE_CRASHED, SIGABRT, -1},
					  {"exit0", RUCHE_CRASHED, 0, 0},
					  {"kill9", RUCHE_CRASHED, SIGKILL, -1},
					  {"half", RUCHE_CRASHED, SIGKILL, -1},
					  {"twice", RUCHE_OK, 0, -1}, /* the first answer counts */
					  {"close", RUCHE_OK, 0, -1}, /* its worker cannot go on */
					  {"overflow", RUCHE_CRASHED, SIGSEGV, -1},
					  {"stop", RUCHE_TIMEOUT, SIGKILL, -1},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* One of the calls that a client has open. */
struct call {
	uint32_t id; /* 0: none */
	int number;
};

struct client {
	struct ruche *ruche;
	struct call calls[WINDOW];
	int first, count;
	pthread_t thread;
};

static const char *socket_path, *journal;
static atomic_int answered, fell[WAYS], wrong;

static void fail(const char *what, int error)
{
	fprintf(stderr, "mixed: %s: %s\n", what, strerror(-error));
	exit(2);
}

static const struct way *way_of(int number)
{
	return number % ONE_IN == ONE_IN / 2 ? &ways[number / ONE_IN % WAYS] : &fine;
}

static bool is_as_told(const struct way *way, const struct ruche_error *error)
{
	if (error == NULL)
		return way->code == RUCHE_OK;
	return error->code == way->code && error->executed == RUCHE_EXECUTED_MAYBE &&
	       error->signal == way->signal && error->exit_status == way->exit_status;
}

static void judge(int number, const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	const struct way *way = way_of(number);

	atomic_fetch_add(&answered, 1);
	if (way != &fine)
		atomic_fetch_add(&fell[way - ways], 1);
	if (is_as_told(way, error))
		return;
	fprintf(stderr, "mixed: %d, %s: %s, signal %d, status %d: %s\n", number, way->name,
		ruche_code_name(ruche_reply_code(reply)), error != NULL ? error->signal : 0,
		error != NULL ? error->exit_status : -1, error != NULL ? error->message : "");
	atomic_fetch_add(&wrong, 1);
}

static struct call *find(struct client *client, uint32_t id)
{
	for (int i = 0; i < WINDOW; i++)
		if (client->calls[i].id == id)
			return &client->calls[i];
	return NULL;
}

static void take_one(struct client *client)
{
	struct ruche_reply *reply;
	struct call *call;
	int r = ruche_wait(client->ruche, 0, 60000, &reply);

	if (r != 1)
		fail(r == 0 ? "no answer for a minute" : "ruche_wait", r);
	call = find(client, ruche_reply_id(reply));
	if (call == NULL)
		fail("an answer to nothing, or a second one", -EPROTO);
	judge(call->number, reply);
	call->id = 0;
	ruche_reply_free(reply);
}

static void submit(struct client *client, int number)
{
	/* A stopped worker ends for no signal but SIGKILL, which comes after timeout and grace. */
	const struct ruche_options options = {.timeout = 0.05};
	const struct way *way = way_of(number);
	struct call *call = find(client, 0);
	int r = ruche_apply_async(client->ruche, &call->id,
		way->code == RUCHE_TIMEOUT ? &options : NULL, "test.mixed", "sis", journal,
		(int64_t)number, way->name);

	if (r < 0)
		fail("ruche_apply_async", r);
	call->number = number;
}

static void *run_client(void *data)
{
	struct client *client = data;
	int r = ruche_open(socket_path, &client->ruche);

	if (r < 0)
		fail("ruche_open", r);
	for (int i = 0; i < client->count; i++) {
		if (ruche_pending(client->ruche) == WINDOW)
			take_one(client);
		submit(client, client->first + i);
	}
	while (ruche_pending(client->ruche) > 0)
		take_one(client);
	ruche_close(client->ruche);
	return NULL;
}

/* Each number once. */
static int check_journal(int calls)
{
	unsigned char *seen = calloc((size_t)calls, 1);
	FILE *file = fopen(journal, "r");
	int number, lines = 0, twice = 0;

	if (file == NULL || seen == NULL)
		fail("no journal", -errno);
	while (fscanf(file, "%d", &number) == 1) {
		lines++;
		if (number < 0 || number >= calls || seen[number]++ > 0)
			twice++;
	}
	fclose(file);
	free(seen);
	printf("started: %d, twice: %d\n", lines, twice);
	return twice == 0 && lines == calls ? 0 : -1;
}

static void run_clients(int count, int calls)
{
	struct client *clients = calloc((size_t)count, sizeof(*clients));

	if (clients == NULL)
		fail("no memory", -ENOMEM);
	for (int i = 0; i < count; i++) {
		clients[i].first = i * (calls / count);
		clients[i].count = calls / count;
		pthread_create(&clients[i].thread, NULL, run_client, &clients[i]);
	}
	for (int i = 0; i < count; i++)
		pthread_join(clients[i].thread, NULL);
	free(clients);
}

int main(int argc, char **argv)
{
	struct timespec begin, end;
	int clients, calls;

	if (argc != 5)
		return 64;
	socket_path = argv[1];
	clients = atoi(argv[2]);
	calls = atoi(argv[3]) / clients * clients;
	journal = argv[4];
	clock_gettime(CLOCK_MONOTONIC, &begin);
	run_clients(clients, calls);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("submitted: %d, answered: %d, otherwise than they should: %d, in %ld s\n", calls,
		answered, wrong, (long)(end.tv_sec - begin.tv_sec));
	for (int i = 0; i < WAYS; i++)
		printf("%s%s: %d", i > 0 ? ", " : "", ways[i].name, fell[i]);
	putchar('\n');
	return check_journal(calls) < 0 || answered != calls || wrong > 0;
}
