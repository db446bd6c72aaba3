/* SPDX-License-Identifier: MIT */
/*
 * Processes by libruche.
 *
 *	process SOCKET inside | tutorial | ends | closed | lost COMMAND
 *
 * inside: in a task, starts cube(3) as a process and prints what that returns.  The others state claims.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ruche/objects.h>

static int failures;

static void check(const char *claim, bool good)
{
	printf("%s - %s\n", good ? "ok" : "not ok", claim);
	fflush(stdout);
	failures += !good;
}

static struct ruche *connect_to(const char *path)
{
	struct ruche *ruche = NULL;
	int r = ruche_open(path, &ruche);

	if (r == 0)
		return ruche;
	fprintf(stderr, "process: %s: %s\n", path, strerror(-r));
	exit(2);
}

/* What was started as *child, which is only looked at when that is done. */
static struct ruche_child *must(int r, struct ruche_child *const *child)
{
	if (r == 0)
		return *child;
	fprintf(stderr, "process: cannot start one: %s\n", strerror(-r));
	exit(2);
}

static struct ruche_child *start_sleep(struct ruche *ruche, const struct ruche_options *options)
{
	struct ruche_child *child = NULL;

	return must(
		ruche_process_start(ruche, &child, options, "sleep", "i", INT64_C(1000)), &child);
}

static struct ruche_child *start_command(struct ruche *ruche, const char *const *argv)
{
	const struct ruche_command command = {.argv = argv};
	struct ruche_child *child = NULL;

	return must(ruche_process_start_command(ruche, &child, NULL, &command), &child);
}

static pid_t wait_for_pid(struct ruche_child *child)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	pid_t pid = 0;
	int r;

	while ((r = ruche_process_pid(child, &pid)) == -EAGAIN)
		nanosleep(&moment, NULL);
	return r == 0 ? pid : -1;
}

/* Never everybody, or a group. */
static bool send_signal(pid_t pid, int number)
{
	return pid > 1 && kill(pid, number) == 0;
}

/* Once joined; below -999: there is none. */
static int exitcode_of(struct ruche_child *child)
{
	int code = -1000;

	if (ruche_process_join(child, 20000, NULL) < 0)
		return -1001;
	return ruche_process_exitcode(child, &code) == 0 ? code : -1002;
}

static int exitcode_of_call(struct ruche *ruche, const char *function)
{
	struct ruche_child *child = NULL;
	int code =
		exitcode_of(must(ruche_process_start(ruche, &child, NULL, function, ""), &child));

	ruche_process_close(child);
	return code;
}

static int inside(struct ruche *ruche)
{
	const struct ruche_reply *reply = NULL;
	struct ruche_child *child = NULL;
	int64_t cube = 0;

	must(ruche_process_start(ruche, &child, NULL, "cube", "i", INT64_C(3)), &child);
	if (ruche_process_join(child, -1, &reply) == 0)
		ruche_reply_int64(reply, &cube);
	printf("%lld\n", (long long)cube);
	ruche_process_close(child);
	return cube != 27;
}

static void tutorial(struct ruche *ruche)
{
	struct ruche_child *child = start_sleep(ruche, NULL);
	const struct ruche_reply *reply = NULL;
	unsigned int cores = 0;
	pid_t pid = wait_for_pid(child);
	int code = 5;

	check("it is alive", ruche_process_is_alive(child) == 1);
	check("its pid is a process", send_signal(pid, 0));
	check("it has no exit code yet",
		ruche_process_exitcode(child, &code) == -EAGAIN && code == 5);
	check("to join it may take too long", ruche_process_join(child, 50, NULL) == -ETIMEDOUT);
	check("its task is known", ruche_process_task(child) != 0);
	check("it is terminated", ruche_process_terminate(child) == 0);
	check("joined", ruche_process_join(child, 20000, &reply) == 0);
	check("and was cancelled", ruche_reply_code(reply) == RUCHE_CANCELLED);
	check("it is alive no more", ruche_process_is_alive(child) == 0);
	check("by SIGTERM", exitcode_of(child) == -SIGTERM);
	check("once more is nothing",
		ruche_process_terminate(child) == 0 && ruche_process_kill(child) == 0);
	check("its pid is still known", wait_for_pid(child) == pid);
	ruche_process_close(child);
	check("cores are counted", ruche_cpu_count(ruche, NULL, &cores) == 0 && cores == 1);
	check("of a pool that is there", ruche_cpu_count(ruche, "third", &cores) == -EINVAL);
}

static void test_commands(struct ruche *ruche)
{
	struct ruche_child *child =
		start_command(ruche, (const char *const[]){"sh", "-c", "exit 7", NULL});

	check("a command's exit status", exitcode_of(child) == 7);
	ruche_process_close(child);
	child = start_command(ruche, (const char *const[]){"true", NULL});
	check("none is 0", exitcode_of(child) == 0);
	ruche_process_close(child);
	child = start_command(ruche, (const char *const[]){"sh", "-c", "kill -USR1 $$", NULL});
	check("a command's signal", exitcode_of(child) == -SIGUSR1);
	ruche_process_close(child);
	child = start_command(ruche, (const char *const[]){"sleep", "1000", NULL});
	wait_for_pid(child);
	check("a command is terminated",
		ruche_process_terminate(child) == 0 && exitcode_of(child) == -SIGTERM);
	ruche_process_close(child);
	child = start_command(ruche, (const char *const[]){"/no/such/command", NULL});
	check("one that is not there, as in a shell", exitcode_of(child) == 127);
	ruche_process_close(child);
}

static void test_ends(struct ruche *ruche)
{
	const struct ruche_options brief = {.timeout = 0.1};
	struct ruche_child *child = NULL;

	check("a result is 0", exitcode_of_call(ruche, "test.pid") == 0);
	check("a failure is 1", exitcode_of_call(ruche, "test.fail") == 1);
	check("a crash is its signal", exitcode_of_call(ruche, "crash.segv") == -SIGSEGV);
	child = start_sleep(ruche, NULL);
	check("somebody else kills it", send_signal(wait_for_pid(child), SIGKILL));
	check("killed by somebody else",
		exitcode_of(child) == -SIGKILL && ruche_process_is_alive(child) == 0);
	ruche_process_close(child);
	child = start_sleep(ruche, NULL);
	wait_for_pid(child);
	check("killed", ruche_process_kill(child) == 0 && exitcode_of(child) == -SIGKILL);
	ruche_process_close(child);
	child = start_sleep(ruche, &brief);
	check("stopped when its time is up", exitcode_of(child) == -SIGTERM);
	ruche_process_close(child);
	must(ruche_process_start(ruche, &child, NULL, "crash.exit", "i", INT64_C(3)), &child);
	check("a function that exits has a status, too", exitcode_of(child) == 3);
	ruche_process_close(child);
	test_commands(ruche);
	check("there is no such function",
		ruche_process_start(ruche, &child, NULL, "no.such", "") == -ENOENT);
	check("NULL is refused",
		ruche_process_start(NULL, &child, NULL, "cube", "") == -EINVAL &&
			ruche_process_start(ruche, NULL, NULL, "cube", "") == -EINVAL &&
			ruche_process_start(ruche, &child, NULL, NULL, "") == -EINVAL &&
			ruche_process_join(NULL, 0, NULL) == -EINVAL &&
			ruche_process_is_alive(NULL) == -EINVAL);
	ruche_process_close(NULL);
}

static bool is_gone(pid_t pid)
{
	const struct timespec moment = {.tv_nsec = 5000000};

	for (int i = 0; i < 4000; i++) {
		if (!send_signal(pid, 0))
			return pid > 1;
		nanosleep(&moment, NULL);
	}
	return false;
}

static void test_closed(struct ruche *ruche)
{
	const struct ruche_options detach = {.detach = true};
	struct ruche_child *child = start_sleep(ruche, NULL);
	struct ruche_reply *reply = NULL;
	pid_t pid = wait_for_pid(child);
	uint64_t task = ruche_process_task(child);

	ruche_process_close(child);
	check("closed, it is stopped", is_gone(pid));
	check("and forgotten", ruche_task_result(ruche, task, -1, &reply) == 0 &&
				       ruche_reply_code(reply) == RUCHE_UNKNOWN_TASK);
	ruche_reply_free(reply);
	child = start_sleep(ruche, &detach);
	pid = wait_for_pid(child);
	task = ruche_process_task(child);
	ruche_process_close(child);
	check("but not one that is detached", ruche_task_result(ruche, task, 50, &reply) == 0 &&
						      ruche_reply_code(reply) == RUCHE_PENDING &&
						      send_signal(pid, 0));
	ruche_reply_free(reply);
	ruche_task_cancel(ruche, task, 0, &reply);
	ruche_reply_free(reply);
	check("which can be cancelled", is_gone(pid));
}

/* The command ends the daemon. */
static void test_lost(struct ruche *ruche, const char *command)
{
	struct ruche_child *child = start_sleep(ruche, NULL);
	pid_t pid = wait_for_pid(child), again = 0;

	check("the daemon is ended", system(command) == 0);
	check("then nothing is known of its end",
		ruche_process_join(child, -1, NULL) == -ECONNRESET &&
			ruche_process_is_alive(child) == -ECONNRESET);
	check("but its pid", ruche_process_pid(child, &again) == 0 && again == pid);
}

int main(int argc, char **argv)
{
	struct ruche *ruche = argc > 2 ? connect_to(argv[1]) : NULL;

	if (ruche == NULL)
		return 2;
	if (strcmp(argv[2], "inside") == 0)
		failures = inside(ruche);
	else if (strcmp(argv[2], "tutorial") == 0)
		tutorial(ruche);
	else if (strcmp(argv[2], "ends") == 0)
		test_ends(ruche);
	else if (strcmp(argv[2], "closed") == 0)
		test_closed(ruche);
	else
		test_lost(ruche, argv[3]);
	ruche_close(ruche); /* with the children that are left */
	return failures != 0;
}
