/* SPDX-License-Identifier: MIT */
/*
 * Many calls from many clients while processes of the pool are killed: every call must get
 * exactly one answer, and only what was running may be said to have crashed.
 *
 *	storm SOCKET CLIENTS CALLS VICTIM JOURNAL
 *
 * VICTIM is "workers" (one of them every 20 ms), "forkserver", or "none".  Each task appends its
 * number to the journal, which is the witness that none was executed twice.
 */
#include <errno.h>
#include <msgpack.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ruche/ruche.h>

enum { WINDOW = 64, KILL_EVERY_MS = 20 };

static const char *socket_path, *journal;
static int calls_each;
static atomic_int crashed, succeeded, wrong, kills, finished;

static void fail(const char *what, int error)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(-error));
	exit(2);
}

static void count(const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);

	if (error == NULL) {
		atomic_fetch_add(&succeeded, 1);
	} else if (error->code == RUCHE_CRASHED && error->signal == SIGKILL &&
		   error->executed == RUCHE_EXECUTED_MAYBE) {
		atomic_fetch_add(&crashed, 1);
	} else {
		fprintf(stderr, "storm: %s: %s\n", ruche_code_name(error->code), error->message);
		atomic_fetch_add(&wrong, 1);
	}
}

static void take_one(struct ruche *ruche)
{
	struct ruche_reply *reply;
	int r = ruche_wait(ruche, 0, 30000, &reply);

	if (r != 1)
		fail(r == 0 ? "no answer for half a minute" : "ruche_wait", r);
	count(reply);
	ruche_reply_free(reply);
}

static void *run_client(void *data)
{
	int first = *(int *)data * calls_each;
	struct ruche *ruche;
	int r = ruche_open(socket_path, &ruche);

	if (r < 0)
		fail("ruche_open", r);
	for (int i = 0; i < calls_each; i++) {
		char line[16];
		uint32_t id;

		snprintf(line, sizeof(line), "%d", first + i);
		r = ruche_submit(ruche, &id, "test.journal", "ss", journal, line);
		if (r < 0)
			fail("ruche_submit", r);
		if (ruche_pending(ruche) >= WINDOW)
			take_one(ruche);
	}
	while (ruche_pending(ruche) > 0)
		take_one(ruche);
	ruche_close(ruche);
	atomic_fetch_add(&finished, 1);
	return NULL;
}

/* The number under `key` in a map; 0 if there is none. */
static long find(const msgpack_object *map, const char *key)
{
	for (uint32_t i = 0; map->type == MSGPACK_OBJECT_MAP && i < map->via.map.size; i++) {
		const msgpack_object_kv *kv = &map->via.map.ptr[i];

		if (kv->key.via.str.size == strlen(key) &&
			memcmp(kv->key.via.str.ptr, key, strlen(key)) == 0 &&
			kv->val.type == MSGPACK_OBJECT_POSITIVE_INTEGER)
			return (long)kv->val.via.u64;
	}
	return 0;
}

/* Six deaths running before it was ready, and a worker is given up: slow machines take their time. */
static bool is_starting(const msgpack_object *worker)
{
	for (uint32_t i = 0; i < worker->via.map.size; i++) {
		const msgpack_object_kv *kv = &worker->via.map.ptr[i];

		if (kv->key.via.str.size == strlen("state") &&
			memcmp(kv->key.via.str.ptr, "state", kv->key.via.str.size) == 0)
			return kv->val.via.str.size == strlen("starting");
	}
	return false;
}

static long find_victim(const msgpack_object *said, unsigned int turn)
{
	if (said->type == MSGPACK_OBJECT_ARRAY && said->via.array.size > 0) {
		const msgpack_object *worker = &said->via.array.ptr[turn % said->via.array.size];

		return is_starting(worker) ? 0 : find(worker, "pid");
	}
	for (uint32_t i = 0; said->type == MSGPACK_OBJECT_MAP && i < said->via.map.size; i++)
		if (said->via.map.ptr[i].key.via.str.size == strlen("forkserver") &&
			said->via.map.ptr[i].val.type == MSGPACK_OBJECT_MAP)
			return find(&said->via.map.ptr[i].val, "pid");
	return 0;
}

/* Likewise: a fork server that dies again and again before it has loaded all is given up. */
static bool is_loaded(struct ruche *ruche)
{
	static const char running[] = "\xa5state\xa7running";
	struct ruche_reply *reply;
	const void *data;
	bool found;
	size_t len;

	if (ruche_call(ruche, &reply, "ruche.pools", "") < 0)
		return false;
	found = ruche_reply_packed(reply, &data, &len) == 0 &&
		memmem(data, len, running, sizeof(running) - 1) != NULL;
	ruche_reply_free(reply);
	return found;
}

static void kill_one(struct ruche *ruche, const char *method, unsigned int turn)
{
	struct ruche_reply *reply;
	msgpack_unpacked said;
	const void *data;
	size_t len, off = 0;
	long pid;

	if (!is_loaded(ruche) || ruche_call(ruche, &reply, method, "") < 0)
		return;
	msgpack_unpacked_init(&said);
	if (ruche_reply_packed(reply, &data, &len) == 0 &&
		msgpack_unpack_next(&said, data, len, &off) == MSGPACK_UNPACK_SUCCESS) {
		pid = find_victim(&said.data, turn);
		if (pid > 0 && kill((pid_t)pid, SIGKILL) == 0)
			atomic_fetch_add(&kills, 1);
	}
	msgpack_unpacked_destroy(&said);
	ruche_reply_free(reply);
}

static void storm(const char *victim, int clients)
{
	const char *method = strcmp(victim, "workers") == 0 ? "ruche.workers" : "ruche.status";
	struct timespec pause = {.tv_nsec = KILL_EVERY_MS * 1000000L};
	struct ruche *ruche;

	if (strcmp(victim, "none") == 0)
		return;
	if (ruche_open(socket_path, &ruche) < 0)
		fail("ruche_open", -errno);
	for (unsigned int turn = 0; atomic_load(&finished) < clients; turn++) {
		kill_one(ruche, method, turn);
		nanosleep(&pause, NULL);
	}
	ruche_close(ruche);
}

/* No number twice, and as many as tasks that succeeded, or up to one more for each that crashed. */
static void check_journal(int calls)
{
	char *seen = calloc((size_t)calls, 1);
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
	printf("executed %d, twice %d\n", lines, twice);
	if (twice > 0 || lines < succeeded || lines > succeeded + crashed)
		exit(1);
}

int main(int argc, char **argv)
{
	enum { CLIENTS_MAX = 64 };
	pthread_t threads[CLIENTS_MAX];
	int indexes[CLIENTS_MAX];
	int clients, calls;

	if (argc != 6)
		return 64;
	socket_path = argv[1];
	clients = atoi(argv[2]);
	calls = atoi(argv[3]);
	journal = argv[5];
	calls_each = calls / clients;
	for (int i = 0; i < clients && i < CLIENTS_MAX; i++) {
		indexes[i] = i;
		pthread_create(&threads[i], NULL, run_client, &indexes[i]);
	}
	storm(argv[4], clients);
	for (int i = 0; i < clients && i < CLIENTS_MAX; i++)
		pthread_join(threads[i], NULL);
	printf("calls %d, succeeded %d, crashed %d, wrong %d, kills %d\n", calls, succeeded,
		crashed, wrong, kills);
	check_journal(calls);
	if (succeeded + crashed != calls || wrong > 0 || crashed > kills)
		return 1;
	return strcmp(argv[4], "workers") == 0 && kills == 0;
}
