/* SPDX-License-Identifier: MIT */
#include "hive.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char limits[] =
	"[limits]\n"
	"connection_tasks = 16777216\nuser_tasks = 16777216\ntasks = 16777216\n"
	"connection_bytes = 64G\nuser_bytes = 64G\nbytes = 64G\n"
	"unread_bytes = 1G\nunread_total = 64G\nframe = 2G\narena = 8G\narena_total = 1T\nclients "
	"= 4096\nuser_object_bytes = 64G\n";

static void write_config(const struct hive *hive, long workers)
{
	const char *plugin = getenv("RUCHE_BENCH_PLUGIN");
	FILE *file = fopen(hive->config, "we");

	if (file == NULL)
		measure_fail(hive->config, -errno);
	fprintf(file, "%s[pool default]\nworkers = %ld\n", limits, workers);
	if (plugin != NULL)
		fprintf(file, "plugin = %s\n", plugin);
	fclose(file);
}

static void run_daemon(const struct hive *hive)
{
	const char *program = getenv("RUCHE_DAEMON");

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getenv("RUCHE_BENCH_VERBOSE") == NULL)
		freopen("/dev/null", "we", stderr);
	execlp(program != NULL ? program : "ruched", "ruched", "--config", hive->config, "--socket",
		hive->socket, (char *)NULL);
	_exit(127);
}

/* The last path for its socket to be there; it answers when its workers are ready. */
static void wait_until_it_answers(const struct hive *hive)
{
	struct ruche_reply *reply;
	struct ruche *ruche;

	while (ruche_open(hive->socket, &ruche) < 0) {
		if (waitpid(hive->pid, NULL, WNOHANG) != 0)
			measure_fail("ruched does not start", 0);
		usleep(200);
	}
	hive_expect(ruche_call(ruche, &reply, "square", "i", (int64_t)3), &reply);
	ruche_close(ruche);
}

void hive_start(struct hive *hive, const struct measure_args *args)
{
	snprintf(hive->folder, sizeof(hive->folder), "/tmp/ruche-bench.XXXXXX");
	if (mkdtemp(hive->folder) == NULL)
		measure_fail("mkdtemp", -errno);
	snprintf(hive->socket, sizeof(hive->socket), "%s/sock", hive->folder);
	snprintf(hive->config, sizeof(hive->config), "%s/conf", hive->folder);
	write_config(hive, measure_number(args, "workers", 2));
	hive->pid = fork();
	if (hive->pid == 0)
		run_daemon(hive);
	wait_until_it_answers(hive);
}

void hive_stop(struct hive *hive)
{
	kill(hive->pid, SIGTERM);
	waitpid(hive->pid, NULL, 0);
	unlink(hive->config);
	unlink(hive->socket);
	rmdir(hive->folder);
}

struct ruche *hive_connect(const struct hive *hive)
{
	struct ruche *ruche;
	int r = ruche_open(hive->socket, &ruche);

	if (r < 0)
		measure_fail("ruche_open", r);
	return ruche;
}

void hive_watch(const struct hive *hive, struct measure *measure, const struct measure_args *args)
{
	measure_init(measure, args);
	measure_watch(measure, MEASURE_CLIENT, getpid());
	measure_watch(measure, MEASURE_SERVER, hive->pid);
	measure_watch_children(measure, MEASURE_WORKERS, hive->pid, "ruche-worker");
}

pid_t hive_worker(const struct hive *hive)
{
	struct measure measure = {0};

	measure_watch_children(&measure, MEASURE_WORKERS, hive->pid, "ruche-worker");
	if (measure.count == 0)
		measure_fail("there is no worker", 0);
	return measure.processes[0].pid;
}

void hive_expect(int r, struct ruche_reply **reply)
{
	if (r < 0)
		measure_fail("a call could not be made", r);
	if (ruche_reply_code(*reply) != RUCHE_OK)
		measure_fail(ruche_reply_error(*reply)->message, 0);
	ruche_reply_free(*reply);
}
