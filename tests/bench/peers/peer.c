/* SPDX-License-Identifier: MIT */

/* The arguments of a peer, and the line of JSON that it prints. */

#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A run that hangs is ended by SIGALRM after so many seconds. */
#define DEADLINE 25

static const struct peer_args defaults = {
	.workers = 2,
	.calls = 1000,
	.tasks = 10000,
	.outstanding = 1,
	.clients = 1,
	.bytes = 1024,
	.count = 100,
	.lo = 0,
	.hi = 10000,
	.chunk = 100,
};

static const struct key {
	const char *name;
	size_t offset;
	long min;
} keys[] = {
	{"workers", offsetof(struct peer_args, workers), 1},
	{"calls", offsetof(struct peer_args, calls), 1},
	{"tasks", offsetof(struct peer_args, tasks), 1},
	{"outstanding", offsetof(struct peer_args, outstanding), 0},
	{"clients", offsetof(struct peer_args, clients), 1},
	{"bytes", offsetof(struct peer_args, bytes), 0},
	{"count", offsetof(struct peer_args, count), 1},
	{"lo", offsetof(struct peer_args, lo), 0},
	{"hi", offsetof(struct peer_args, hi), 0},
	{"chunk", offsetof(struct peer_args, chunk), 1},
};

void peer_die(const char *what)
{
	if (errno != 0)
		fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	else
		fprintf(stderr, "peer: %s\n", what);
	/* Not exit(): threads and libraries may be in the middle of something. */
	_exit(1);
}

static _Noreturn void refuse(const char *word)
{
	fprintf(stderr, "peer: cannot understand %s\n", word);
	exit(2);
}

static const struct key *find_key(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strlen(keys[i].name) == length && memcmp(keys[i].name, word, length) == 0)
			return &keys[i];
	return NULL;
}

static void parse_word(struct peer_args *args, const char *word)
{
	const char *sign = strchr(word, '=');
	const struct key *key = sign != NULL ? find_key(word, (size_t)(sign - word)) : NULL;
	char *end;
	long value;

	if (key == NULL)
		refuse(word);
	value = strtol(sign + 1, &end, 10);
	if (end == sign + 1 || *end != '\0' || value < key->min)
		refuse(word);
	memcpy((char *)args + key->offset, &value, sizeof value);
}

static void parse(struct peer_args *args, int argc, char *argv[])
{
	*args = defaults;
	if (argc < 2) {
		fprintf(stderr, "usage: %s WORKLOAD [KEY=VALUE...]\n", argv[0]);
		exit(2);
	}
	args->workload = argv[1];
	/* Others have keys that are not known here either. */
	if (workload_find(args->workload) == NULL)
		return;
	for (int i = 2; i < argc; i++)
		parse_word(args, argv[i]);
	if (args->workers > PEER_WORKERS_MAX)
		refuse("so many workers");
}

/* ---- JSON ------------------------------------------------------------------------------- */

static const char *const groups[COST_GROUPS] = {"client", "server", "workers"};

static void print_cost(const struct cost *cost)
{
	printf(", \"cpu\": {");
	for (int i = 0; i < COST_GROUPS; i++)
		printf("%s\"%s\": %.9f", i > 0 ? ", " : "", groups[i], cost->cpu[i]);
	printf("}, \"switches\": {");
	for (int i = 0; i < COST_GROUPS; i++)
		printf("%s\"%s\": %ld", i > 0 ? ", " : "", groups[i], cost->switches[i]);
	printf("}");
}

static void print_run(const struct run *run)
{
	printf("{");
	for (int i = 0; i < run->figure_count; i++)
		printf("%s\"%s\": %.9g", i > 0 ? ", " : "", run->figures[i].name,
			run->figures[i].value);
	if (run->has_cost)
		print_cost(&run->cost);
	printf("}\n");
}

void run_add_figure(struct run *run, const char *name, double value)
{
	if (run->figure_count == PEER_FIGURES_MAX)
		peer_die("too many figures");
	run->figures[run->figure_count++] = (struct figure){name, value};
}

/* ---- one run ---------------------------------------------------------------------------- */

static const char *why_skip(struct run *run)
{
	static char text[200];
	const struct peer *peer = run->peer;

	if (workload_find(run->args.workload) == NULL) {
		snprintf(text, sizeof text, "no workload %s for this peer", run->args.workload);
		return text;
	}
	if (strcmp(run->args.workload, "crash") == 0)
		return peer->why_no_crash;
	if (peer->program != NULL && !run_find_program(peer->program, run->program)) {
		snprintf(text, sizeof text, "%s is not installed; package %s", peer->program,
			peer->package);
		return text;
	}
	return peer->refuses != NULL ? peer->refuses(&run->args) : NULL;
}

/* Where the peer would only suffer from more in flight, the run says what it was given. */
static void limit_outstanding(struct run *run)
{
	long most = run->peer->outstanding_max;
	long asked = run->args.outstanding;

	if (most == 0 || (asked > 0 && asked <= most))
		return;
	run->args.outstanding = most;
	run_add_figure(run, "outstanding", (double)most);
}

int peer_main(const struct peer *peer, int argc, char *argv[])
{
	static struct run run;
	const char *why;

	run.peer = peer;
	parse(&run.args, argc, argv);
	why = why_skip(&run);
	if (why != NULL) {
		printf("{\"skip\": \"%s\"}\n", why);
		return 0;
	}
	alarm(DEADLINE);
	run_prepare(&run);
	limit_outstanding(&run);
	workload_find(run.args.workload)(&run);
	run_stop(&run);
	print_run(&run);
	return 0;
}
