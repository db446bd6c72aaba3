/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "check_worker.h"
#include "wire/link.h"
#include "wire/message.h"

#define CRASH RIG_TEST_PLUGIN("crash")

static void start(const char *const *options)
{
	rig_start_with(&rig, options);
	rig_expect_ready(&rig);
	rig_fork(&rig, &worker, MESSAGE_FRAME_MAX);
}

static void end(void)
{
	fd_close(&rig.link);
	ck_assert_int_eq(rig_reap(rig.forkserver), 0);
	worker_expect_nobody();
	rig_forget(&worker);
	rig_end();
}

static void expect_output(const char *script, const char *output)
{
	const msgpack_object *got;

	worker_run_shell(script, NULL, 0);
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	got = rig_get(m.result, "stdout");
	ck_assert_msg(rig_text_is(got, output), "%.*s", (int)got->via.bin.size, got->via.bin.ptr);
}

START_TEST(bad_setting_is_refused_by_name)
{
	static const struct {
		const char *options[5];
		const char *part;
	} cases[] = {
		{{"--nice", "20"}, "--nice must be a number from -20 to 19"},
		{{"--nice", "-21"}, "--nice"},
		{{"--nice", "--5"}, "--nice"},
		{{"--nice", ""}, "--nice"},
		{{"--umask", "8"}, "--umask must be an octal number"},
		{{"--umask", "1000"}, "--umask"},
		{{"--rlimit", "bees=3"}, "there is no limit \"bees\""},
		{{"--rlimit", "nofile"}, "nofile must be given as SOFT or SOFT:HARD"},
		{{"--rlimit", "nofile=many"}, "nofile must be given"},
		{{"--rlimit", "nofile=9:3"}, "nofile must be given"},
		{{"--rlimit", "nofile=9:"}, "nofile must be given"},
		{{"--env", "X"}, "--env must be given as NAME=VALUE"},
		{{"--env", "=x"}, "--env"},
		{{"--max-memory", "1G"}, "--max-memory must be a number of bytes"},
		{{"--init", "nope"}, "the init function nope is in no plugin"},
		{{"--plugin", RIG_TUTORIAL, "--init", "cube"}, "cube takes arguments"},
		{{"--no-new-privs", "no"}, "--no-new-privs must be \"yes\""},
		{{"--deny-syscalls", "mount bees"}, "deny_syscalls: "},
		{{"--writable", "tmp"}, "--writable must be a path that begins with /"},
		{{"--writable", "/nowhere/at/all"}, "writable"},
		{{"--user", "no-such-bee"}, "there is no user \"no-such-bee\""},
		{{"--user", "4242424242"}, "there is no user \"4242424242\""},
		{{"--bees", "3"}, "usage: ruche-forkserver"},
		{{"honey"}, "usage: ruche-forkserver"},
		{{"--plugin"}, "usage: ruche-forkserver"},
	};
	const msgpack_object *text;

	rig_start_with(&rig, cases[_i].options);
	rig_read_link(&rig, &m);
	ck_assert_str_eq(m.method, LINK_FAILED);
	text = &m.params->via.array.ptr[0];
	ck_assert_msg(rig_text_has(text, cases[_i].part), "%.*s", (int)text->via.str.size,
		text->via.str.ptr);
	ck_assert_int_eq(WEXITSTATUS(rig_reap(rig.forkserver)), 1);
}
END_TEST

START_TEST(settings_reach_functions_and_commands)
{
	start((const char *const[]){"--env", "BEE=queen", "--env", "EMPTY=", "--umask", "027",
		"--nice", "3", "--rlimit", "nofile=70:80", "--rlimit", "core=0", "--plugin", CRASH,
		NULL});
	expect_output("echo $BEE-$EMPTY-; umask; nice; ulimit -n; ulimit -Hn; ulimit -c",
		"queen--\n0027\n3\n70\n80\n0\n");
	rig_call(&worker, &m, "test.env", "s", "BEE");
	ck_assert(rig_text_is(m.result, "queen"));
	end();
}
END_TEST

START_TEST(no_new_privs_hold_in_forkserver_and_workers)
{
	char text[4096] = "", path[64];
	FILE *file;

	start((const char *const[]){"--no-new-privs", "yes", NULL});
	expect_output("sed -n 's/^NoNewPrivs:.//p' /proc/self/status", "1\n");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)rig.forkserver);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(text, "NoNewPrivs:\t1"));
	end();
}
END_TEST

/* It holds a descriptor for each worker, and forks for longer than any of them lives. */
START_TEST(forkserver_does_not_meet_the_limits_of_its_workers)
{
	struct rlimit limit = {0};

	start((const char *const[]){
		"--plugin", CRASH, "--rlimit", "nofile=12", "--rlimit", "cpu=5", NULL});
	ck_assert_int_eq(prlimit(rig.forkserver, RLIMIT_NOFILE, NULL, &limit), 0);
	ck_assert_uint_gt(limit.rlim_cur, 12);
	ck_assert_int_eq(prlimit(worker.pid, RLIMIT_NOFILE, NULL, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 12);
	ck_assert_int_eq(prlimit(worker.pid, RLIMIT_CPU, NULL, &limit), 0);
	ck_assert_uint_eq(limit.rlim_max, 5);
	end();
}
END_TEST

START_TEST(workers_run_as_the_user_of_their_pool)
{
	const struct passwd *nobody = getpwnam("nobody");
	char uid[16], expected[128];

	if (geteuid() != 0 || nobody == NULL)
		return;
	snprintf(uid, sizeof(uid), "%u", nobody->pw_uid);
	snprintf(expected, sizeof(expected), "%u %u %u\nnobody %s 500\n", nobody->pw_uid,
		nobody->pw_gid, nobody->pw_gid, nobody->pw_dir);
	/* A limit may be raised and yet the user change. */
	start((const char *const[]){"--user", _i == 0 ? "nobody" : uid, "--rlimit",
		"nofile=500:1000", "--nice", "-1", NULL});
	expect_output("echo $(id -u) $(id -g) $(id -G); echo $USER $HOME $(ulimit -n)", expected);
	/* What kills workers when the supervisor has gone must have the right to. */
	worker_hand_shell("setsid sleep 1000 & sleep 1000", NULL, 0);
	while (!claim_is_started(worker.page, worker.seq))
		;
	end();
}
END_TEST

START_TEST(only_root_runs_workers_as_somebody_else)
{
	const char *program = getenv("RUCHE_FORKSERVER");

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return;
	if (access(program != NULL ? program : "./ruche-forkserver", X_OK) < 0)
		return;
	rig_start_with(&rig, (const char *const[]){"--user", "root", NULL});
	rig_read_link(&rig, &m);
	ck_assert_str_eq(m.method, LINK_FAILED);
	ck_assert(rig_text_has(&m.params->via.array.ptr[0], "only root"));
	rig_reap(rig.forkserver);
}
END_TEST

/* ---- the init function */

START_TEST(init_function_is_called_once_in_each_worker)
{
	start((const char *const[]){"--init", "test.init", "--plugin", CRASH, NULL});
	for (int i = 0; i < 2; i++) {
		rig_call(&worker, &m, "test.inits", "");
		ck_assert_int_eq(m.result->via.i64, 1);
	}
	fd_close(&worker.tasks);
	rig_reap(worker.pid);
	rig_forget(&worker);
	rig_fork(&rig, &worker, MESSAGE_FRAME_MAX);
	rig_call(&worker, &m, "test.inits", "");
	ck_assert_int_eq(m.result->via.i64, 1);
	end();
}
END_TEST

START_TEST(init_function_that_fails_is_told)
{
	rig_start_with(
		&rig, (const char *const[]){"--init", "test.init_fails", "--plugin", CRASH, NULL});
	rig_expect_ready(&rig);
	rig_fork_only(&rig, &worker, MESSAGE_FRAME_MAX);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, WORKER_FAILED);
	ck_assert(rig_text_is(&m.params->via.array.ptr[0],
		"the init function test.init_fails failed: the hive is full"));
	ck_assert_int_eq(WEXITSTATUS(rig_reap(worker.pid)), 1);
	fd_close(&rig.link);
	rig_reap(rig.forkserver);
}
END_TEST

/* ---- memory */

START_TEST(worker_that_has_grown_asks_to_be_replaced_once)
{
	start((const char *const[]){"--max-memory", "104857600", "--plugin", CRASH, NULL});
	rig_call(&worker, &m, "test.inits", "");
	rig_call(&worker, &m, "test.grow", "i", (int64_t)120 << 20);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, WORKER_RETIRE);
	ck_assert(rig_text_has(&m.params->via.array.ptr[0], "MiB, over max_memory"));
	/* It works on, and says no more. */
	for (int i = 0; i < 3; i++) {
		const uint32_t seq = rig_hand(&worker, "test.inits", "");

		ck_assert(rig_read(&worker, &m));
		ck_assert_uint_eq(m.id, seq);
	}
	fd_close(&worker.tasks);
	ck_assert(!rig_read(&worker, &m));
	end();
}
END_TEST

START_TEST(worker_that_is_too_large_from_the_start_is_told)
{
	rig_start_with(&rig, (const char *const[]){"--max-memory", "4096", NULL});
	rig_expect_ready(&rig);
	rig_fork_only(&rig, &worker, MESSAGE_FRAME_MAX);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, WORKER_FAILED);
	ck_assert(rig_text_has(&m.params->via.array.ptr[0], "before its first task"));
	end();
}
END_TEST

/* ---- the token */

START_TEST(token_is_in_the_environment_of_functions_and_commands)
{
	rig.token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	start((const char *const[]){"--env", "RUCHE_SOCKET=/hive", "--plugin", CRASH, NULL});
	rig_call(&worker, &m, "test.env", "s", "RUCHE_TASK");
	ck_assert(rig_text_is(m.result, rig.token));
	expect_output("echo $RUCHE_TASK | wc -c; echo $RUCHE_SOCKET", "65\n/hive\n");
	end();
}
END_TEST

START_TEST(golden_fork_request_makes_a_worker_with_its_token)
{
	const struct golden *golden = worker_golden(_i == 0 ? "link.fork" : "link.fork-unpinned");

	rig_start_with(&rig, (const char *const[]){"--plugin", CRASH, NULL});
	rig_expect_ready(&rig);
	rig.next_id = _i == 0 ? 1 : 2;
	rig_fork_by(&rig, &worker, golden->bytes, golden->len);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, WORKER_READY);
	rig_call(&worker, &m, "test.env", "s", "RUCHE_TASK");
	if (_i == 0)
		ck_assert(rig_text_is(m.result, "5e1f0c"));
	else
		ck_assert_int_eq(m.result->type, MSGPACK_OBJECT_NIL);
	end();
}
END_TEST

START_TEST(without_a_token_there_is_none)
{
	setenv("RUCHE_TASK", "of somebody else", 1);
	start((const char *const[]){"--plugin", CRASH, NULL});
	rig_call(&worker, &m, "test.env", "s", "RUCHE_TASK");
	ck_assert_int_eq(m.result->type, MSGPACK_OBJECT_NIL);
	end();
}
END_TEST

/* What the caller's environment says of both is not for the command. */
START_TEST(token_takes_the_place_of_the_callers)
{
	static const char *const names[] = {"RUCHE_TASK", "PATH", "RUCHE_SOCKET"};
	static const char *const values[] = {"theirs", "/usr/bin:/bin", "/theirs"};
	static const char *const with[] = {"/hive ours\n", " \n"};
	msgpack_sbuffer argv, options;
	msgpack_packer pk;

	rig.token = _i == 0 ? "ours" : "";
	unsetenv("RUCHE_SOCKET");
	start(_i == 0 ? (const char *const[]){"--env", "RUCHE_SOCKET=/hive", NULL}
		      : (const char *const[]){NULL});
	msgpack_sbuffer_init(&argv);
	msgpack_packer_init(&pk, &argv, msgpack_sbuffer_write);
	msgpack_pack_array(&pk, 3);
	message_pack_str(&pk, "sh");
	message_pack_str(&pk, "-c");
	message_pack_str(&pk, "echo \"$RUCHE_SOCKET $RUCHE_TASK\"");
	msgpack_sbuffer_init(&options);
	msgpack_packer_init(&pk, &options, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 1);
	message_pack_str(&pk, "env");
	msgpack_pack_map(&pk, 3);
	for (int i = 0; i < 3; i++) {
		message_pack_str(&pk, names[i]);
		message_pack_str(&pk, values[i]);
	}
	rig_call(&worker, &m, "ruche.run", "vv", &argv, &options);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), with[_i]));
	msgpack_sbuffer_destroy(&argv);
	msgpack_sbuffer_destroy(&options);
	end();
}
END_TEST

void check_worker_settings(Suite *suite)
{
	TCase *t = worker_case(suite, "settings", false);

	tcase_add_loop_test(t, bad_setting_is_refused_by_name, 0, 25);
	tcase_add_test(t, settings_reach_functions_and_commands);
	tcase_add_test(t, no_new_privs_hold_in_forkserver_and_workers);
	tcase_add_test(t, forkserver_does_not_meet_the_limits_of_its_workers);
	tcase_add_loop_test(t, workers_run_as_the_user_of_their_pool, 0, 2);
	tcase_add_test(t, only_root_runs_workers_as_somebody_else);
	tcase_add_test(t, init_function_is_called_once_in_each_worker);
	tcase_add_test(t, init_function_that_fails_is_told);
	tcase_add_test(t, worker_that_has_grown_asks_to_be_replaced_once);
	tcase_add_test(t, worker_that_is_too_large_from_the_start_is_told);
	tcase_add_test(t, token_is_in_the_environment_of_functions_and_commands);
	tcase_add_loop_test(t, golden_fork_request_makes_a_worker_with_its_token, 0, 2);
	tcase_add_test(t, without_a_token_there_is_none);
	tcase_add_loop_test(t, token_takes_the_place_of_the_callers, 0, 2);
}
