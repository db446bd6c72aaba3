/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "check_main.h"
#include "check_worker.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"
#include "worker/plugin.h"

static const char *const tutorial[] = {RIG_TUTORIAL, NULL};

static const char *const all_plugins[] = {RIG_TUTORIAL, RIG_TEST_PLUGIN("crash"), NULL};

struct rig rig;
struct rig_worker worker;
struct rig_message m;

/* ---- what tests share */

static void setup(void)
{
	rig_start_ready(&rig, all_plugins);
	rig_fork(&rig, &worker, MESSAGE_FRAME_MAX);
}

void worker_expect_nobody(void)
{
	uint64_t deadline = clock_now() + RIG_PATIENCE * CLOCK_MS;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && clock_now() < deadline)
		if (pid == 0)
			usleep(1000);
	ck_assert_msg(pid < 0 && errno == ECHILD, "somebody is left");
}

/* The supervisor is gone, as far as the fork server can tell. */
static void teardown(void)
{
	fd_close(&rig.link);
	if (rig.forkserver > 0)
		ck_assert_int_eq(rig_reap(rig.forkserver), 0); /* or a leak was found */
	worker_expect_nobody();
	rig_forget(&worker);
	rig_end();
}

TCase *worker_case(Suite *suite, const char *name, bool with_worker)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	if (with_worker)
		tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

const struct golden *worker_golden(const char *name)
{
	size_t count, i = 0;
	const struct golden *vectors = golden_read(&count);

	while (i < count && strcmp(vectors[i].name, name) != 0)
		i++;
	ck_assert_msg(i < count, "no golden vector %s", name);
	return &vectors[i];
}

void worker_temp_name(char path[64])
{
	int fd;

	strcpy(path, "/tmp/check_worker_XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(path);
}

pid_t worker_read_pid(const char *path)
{
	FILE *file = fopen(path, "re");
	int pid = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
	fclose(file);
	unlink(path);
	return pid;
}

/* ---- params strings */

START_TEST(params_say_how_many_arguments)
{
	static const struct {
		const char *params;
		int r;
		unsigned int min, max;
	} cases[] = {
		{NULL, 0, 0, PLUGIN_ARGS_ANY},
		{"", 0, 0, 0},
		{"n", 0, 1, 1},
		{"lo hi", 0, 2, 2},
		{" lo   hi ", 0, 2, 2},
		{"s [label]", 0, 1, 2},
		{"[a] [b]", 0, 0, 2},
		{"x ...", 0, 1, PLUGIN_ARGS_ANY},
		{"...", 0, 0, PLUGIN_ARGS_ANY},
		{"x [y] ...", 0, 1, PLUGIN_ARGS_ANY},
		{"... x", -EINVAL, 0, 0},
		{"... ...", -EINVAL, 0, 0},
		{"[x] y", -EINVAL, 0, 0},
		{"[]", -EINVAL, 0, 0},
		{"[x", -EINVAL, 0, 0},
		{"x]", -EINVAL, 0, 0},
		{"a,b", -EINVAL, 0, 0},
	};
	unsigned int min = 99, max = 99;
	const char *why = NULL;

	ck_assert_int_eq(params_parse(cases[_i].params, &min, &max, &why), cases[_i].r);
	ck_assert_uint_eq(min, cases[_i].r == 0 ? cases[_i].min : 99);
	ck_assert_uint_eq(max, cases[_i].r == 0 ? cases[_i].max : 99);
	ck_assert((why == NULL) == (cases[_i].r == 0));
}
END_TEST

START_TEST(params_have_names)
{
	const char *name;

	ck_assert_uint_eq(params_name("lo [hi] ...", 0, &name), 2);
	ck_assert_mem_eq(name, "lo", 2);
	ck_assert_uint_eq(params_name("lo [hi] ...", 1, &name), 2);
	ck_assert_mem_eq(name, "hi", 2);
	ck_assert_uint_eq(params_name("lo [hi] ...", 2, &name), 0);
	ck_assert_uint_eq(params_name(NULL, 0, &name), 0);
}
END_TEST

/* ---- the fork server */

START_TEST(forkserver_tells_its_functions)
{
	static const char *const names[] = {
		"cube", "echo", "primes.count", "sleep", "square", "sum_squares"};

	rig_start(&rig, tutorial);
	for (size_t i = 0; i < 6; i++) {
		rig_read_link(&rig, &m);
		ck_assert_str_eq(m.method, LINK_FUNCTION);
		ck_assert_uint_eq(m.params->via.array.size, 4);
		ck_assert(rig_text_is(&m.params->via.array.ptr[0], names[i]));
		ck_assert(rig_text_is(&m.params->via.array.ptr[3], RIG_TUTORIAL));
	}
	rig_read_link(&rig, &m);
	ck_assert_str_eq(m.method, LINK_READY);
	ck_assert(rig_text_is(&m.params->via.array.ptr[1], "native"));
	close(rig.link);
	ck_assert_int_eq(rig_reap(rig.forkserver), 0);
}
END_TEST

START_TEST(bad_plugin_is_refused_by_name)
{
	static const struct {
		const char *plugins[3];
		const char *parts[3];
	} cases[] = {
		{{RIG_TEST_PLUGIN("bad_abi"), NULL}, {"bad_abi.so", "ABI 99", "build it again"}},
		{{RIG_TEST_PLUGIN("bad_name"), NULL}, {"bad_name.so", "ruche.nothing", "A-Z"}},
		{{RIG_TEST_PLUGIN("no_symbol"), NULL},
			{"no_symbol.so", "ruche_plugin", "RUCHE_PLUGIN_EXPORT"}},
		{{RIG_TUTORIAL, RIG_TEST_PLUGIN("dup"), NULL}, {"dup.so", "tutorial.so", "cube"}},
		{{RIG_TUTORIAL, RIG_TUTORIAL, NULL}, {"tutorial.so", "already", "only once"}},
		{{"/etc/passwd", NULL}, {"/etc/passwd", "cannot be loaded", "-shared"}},
		{{"/dev/null", NULL}, {"plugin /dev/null", "others may change it", "chmod go-w"}},
		{{"not-there.so", NULL}, {"not-there.so", "No such file", "plugin"}},
	};

	rig_start(&rig, cases[_i].plugins);
	rig_read_link(&rig, &m);
	ck_assert_str_eq(m.method, LINK_FAILED);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(rig_text_has(&m.params->via.array.ptr[0], cases[_i].parts[i]),
			"no \"%s\" in: %.*s", cases[_i].parts[i],
			(int)m.params->via.array.ptr[0].via.str.size,
			m.params->via.array.ptr[0].via.str.ptr);
	ck_assert_int_eq(WEXITSTATUS(rig_reap(rig.forkserver)), 1);
}
END_TEST

START_TEST(init_that_fails_is_told)
{
	static const char *const plugins[] = {RIG_TEST_PLUGIN("init_fails"), NULL};
	char text[256] = "";

	rig_start_ready(&rig, plugins);
	rig_fork_only(&rig, &worker, MESSAGE_FRAME_MAX);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, WORKER_FAILED);
	ck_assert(rig_text_has(&m.params->via.array.ptr[0], "init_fails.so"));
	ck_assert(rig_text_has(&m.params->via.array.ptr[0], "7"));
	ck_assert_int_eq(WEXITSTATUS(rig_reap(worker.pid)), 1);
	ck_assert_int_gt(read(worker.output, text, sizeof(text) - 1), 0);
	ck_assert_ptr_nonnull(strstr(text, "the moon is not full"));
}
END_TEST

START_TEST(init_that_dies_is_seen)
{
	static const char *const plugins[] = {RIG_TEST_PLUGIN("init_dies"), NULL};

	rig_start_ready(&rig, plugins);
	rig_fork_only(&rig, &worker, MESSAGE_FRAME_MAX);
	ck_assert(!rig_read(&worker, &m));
	ck_assert_int_eq(WTERMSIG(rig_reap(worker.pid)), SIGSEGV);
}
END_TEST

START_TEST(worker_is_ours_alone)
{
	ck_assert_int_eq(getpgid(worker.pid), worker.pid);
	ck_assert_int_eq(getsid(worker.pid), worker.pid);
	rig_call(&worker, &m, "test.pid", "");
	ck_assert_int_eq(m.result->via.i64, worker.pid);
	fd_close(&worker.tasks);
	ck_assert_int_eq(rig_reap(worker.pid), 0);
	/* Nothing else of its birth is left to be reaped. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
}
END_TEST

START_TEST(worker_runs_where_it_is_pinned)
{
	rig_call(&worker, &m, "test.core", "");
	ck_assert_uint_eq(m.result->via.array.size, 1);
	ck_assert_int_eq(m.result->via.array.ptr[0].via.i64, 0);
}
END_TEST

START_TEST(worker_has_no_other_descriptor)
{
	char path[64];
	struct stat st;

	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)worker.pid, fd);
		ck_assert_msg((lstat(path, &st) == 0) == (fd <= 5), "descriptor %d", fd);
	}
}
END_TEST

START_TEST(packet_of_rubbish_ends_the_forkserver_not_the_worker)
{
	ck_assert_int_eq(send(rig.link, "\xc1", 1, 0), 1);
	ck_assert_int_eq(WEXITSTATUS(rig_reap(rig.forkserver)), 1);
	rig.forkserver = 0;
	rig_call(&worker, &m, "cube", "i", (int64_t)3);
	ck_assert_int_eq(m.result->via.i64, 27);
	fd_close(&worker.tasks);
	ck_assert_int_eq(rig_reap(worker.pid), 0);
}
END_TEST

/* ---- the supervisor's end */

/* The teardown ends the link and wants everybody dead, whatever they are at. */
START_TEST(link_end_kills_the_busy)
{
	rig_hand(&worker, "test.spin", "d", 1000.0);
	while (!claim_is_started(worker.page, worker.seq))
		;
}
END_TEST

START_TEST(link_end_kills_the_stopped)
{
	rig_hand(&worker, "crash.stop", "");
	usleep(50000);
}
END_TEST

START_TEST(link_end_wakes_a_stopped_forkserver)
{
	kill(rig.forkserver, SIGSTOP);
	/* The supervisor's death would; the test goes on living. */
	fd_close(&rig.link);
	kill(rig.forkserver, SIGCONT);
}
END_TEST

/* A fork server is lost: whom it has forked works on, and dies with the supervisor. */
START_TEST(worker_outlives_its_forkserver)
{
	kill(rig.forkserver, SIGKILL);
	rig_reap(rig.forkserver);
	rig.forkserver = 0;
	rig_call(&worker, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
	fd_close(&worker.tasks);
}
END_TEST

/* A supervisor of its own that is killed; its processes come to the test, its subreaper. */
static void __attribute__((noreturn)) be_killed(int tell, bool guardian_too)
{
	pid_t pids[2];

	setup();
	rig_hand(&worker, "sleep", "d", 1000.0);
	pids[0] = rig.forkserver;
	pids[1] = worker.pid;
	if (guardian_too)
		kill(rig.forkserver, SIGSTOP); /* the workers are on their own at first */
	(void)!write(tell, pids, sizeof(pids));
	kill(getpid(), SIGKILL);
	_exit(1);
}

START_TEST(death_of_the_supervisor_kills_all)
{
	pid_t supervisor, pids[2];
	int tell[2];

	ck_assert_int_eq(pipe(tell), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	supervisor = fork();
	if (supervisor == 0)
		be_killed(tell[1], _i == 1);
	ck_assert_int_eq(read(tell[0], pids, sizeof(pids)), sizeof(pids));
	rig_reap(supervisor);
	rig_wait_gone(pids[1]);
	rig_wait_gone(pids[0]);
	worker_expect_nobody();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *t = worker_case(suite, "params", false);

	tcase_add_loop_test(t, params_say_how_many_arguments, 0, 17);
	tcase_add_test(t, params_have_names);

	t = worker_case(suite, "forkserver", false);
	tcase_add_test(t, forkserver_tells_its_functions);
	tcase_add_loop_test(t, bad_plugin_is_refused_by_name, 0, 8);
	tcase_add_test(t, init_that_fails_is_told);
	tcase_add_test(t, init_that_dies_is_seen);
	tcase_add_loop_test(t, death_of_the_supervisor_kills_all, 0, 2);

	t = worker_case(suite, "worker", true);
	tcase_add_test(t, worker_is_ours_alone);
	tcase_add_test(t, worker_runs_where_it_is_pinned);
	tcase_add_test(t, worker_has_no_other_descriptor);
	tcase_add_test(t, packet_of_rubbish_ends_the_forkserver_not_the_worker);
	tcase_add_test(t, link_end_kills_the_busy);
	tcase_add_test(t, link_end_kills_the_stopped);
	tcase_add_test(t, link_end_wakes_a_stopped_forkserver);
	tcase_add_test(t, worker_outlives_its_forkserver);

	check_worker_calls(suite);
	check_worker_chunks(suite);
	check_worker_held(suite);
	check_worker_commands(suite);
	check_worker_settings(suite);
	check_worker_standby(suite);
	check_worker_streams(suite);
	return check_main(suite);
}
