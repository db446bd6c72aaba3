/* SPDX-License-Identifier: MIT */

/* Processes: how they are started, and what is made of what the daemon says of them. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <ruche/objects.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake fake;
static struct ruche_child *child;

/* The answer is there before the question. */
static void setup(void)
{
	fake_open(&fake);
	child = NULL;
	fake_answer(&fake, 1, "07");
	ck_assert_int_eq(ruche_process_start(fake.ruche, &child, NULL, "f", "i", (int64_t)5), 0);
	ck_assert_ptr_nonnull(child);
	fake_expect(&fake, "94 00 ce00000001 'ruche.submit' 93 'f' 91 05 81 'process' c3");
}

static void teardown(void)
{
	fake_close(&fake);
}

START_TEST(it_is_a_task_and_what_else_was_set_travels_as_well)
{
	const struct ruche_options options = {.timeout = 2, .detach = true};
	const char *const argv[] = {"ls", NULL};
	const struct ruche_command command = {.argv = argv};
	struct ruche_child *other = NULL;

	ck_assert_uint_eq(ruche_process_task(child), 7);
	fake_answer(&fake, 2, "08");
	ck_assert_int_eq(
		ruche_process_start_packed(fake.ruche, &other, &options, "f", "\x91\x05", 2), 0);
	fake_expect(&fake, "94 00 ce00000002 'ruche.submit' 93 'f' 91 05"
			   "83 'process' c3 'timeout' cb4000000000000000 'detach' c3");
	ruche_process_close(other); /* which says nothing of one that is detached */
	fake_answer(&fake, 3, "09");
	ck_assert_int_eq(ruche_process_start_command(fake.ruche, &other, NULL, &command), 0);
	fake_expect(&fake, "94 00 ce00000003 'ruche.submit' 93 'ruche.run'"
			   "92 91 'ls' 80 81 'process' c3");
	ck_assert_uint_eq(ruche_process_task(other), 9);
}
END_TEST

static const struct {
	const char *error;
	int result;
} refusals[] = {
	{"82 'code' 'busy' 'executed' 'no'", -EAGAIN},
	{"82 'code' 'unavailable' 'executed' 'no'", -EAGAIN},
	{"82 'code' 'denied' 'executed' 'no'", -EACCES},
	{"82 'code' 'bad_arguments' 'executed' 'no'", -EINVAL},
	{"82 'code' 'unknown_function' 'executed' 'no'", -ENOENT},
	{"82 'code' 'shutting_down' 'executed' 'no'", -ECONNRESET},
	{"82 'code' 'protocol' 'executed' 'no'", -EPROTO},
};

START_TEST(one_that_is_refused_is_none)
{
	struct ruche_child *other = NULL;

	fake_refuse(&fake, 2, refusals[_i].error);
	ck_assert_int_eq(
		ruche_process_start(fake.ruche, &other, NULL, "f", ""), refusals[_i].result);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(an_answer_that_is_no_id_starts_none)
{
	struct ruche_child *other = NULL;

	fake_answer(&fake, 2, "c0");
	ck_assert_int_eq(ruche_process_start(fake.ruche, &other, NULL, "f", ""), -EPROTO);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(it_is_alive_until_its_end_is_known_which_is_asked_for_once)
{
	const struct ruche_reply *reply = NULL;
	int64_t value = 0;
	int code = 5;

	fake_refuse(&fake, 2, "82 'code' 'pending' 'executed' 'maybe'");
	ck_assert_int_eq(ruche_process_is_alive(child), 1);
	ck_assert_ptr_null(ruche_last_error(fake.ruche));
	fake_expect(&fake, "94 00 ce00000002 'ruche.result' 92 07 81 'timeout' cb0000000000000000");
	fake_refuse(&fake, 3, "82 'code' 'pending' 'executed' 'maybe'");
	ck_assert_int_eq(ruche_process_exitcode(child, &code), -EAGAIN);
	ck_assert_int_eq(code, 5);
	fake_refuse(&fake, 4, "82 'code' 'pending' 'executed' 'maybe'");
	ck_assert_int_eq(ruche_process_join(child, 500, &reply), -ETIMEDOUT);
	ck_assert_ptr_null(reply);
	ck_assert_int_eq(ruche_last_error(fake.ruche)->code, RUCHE_PENDING);
	fake_answer(&fake, 5, "2a");
	ck_assert_int_eq(ruche_process_join(child, -1, &reply), 0);
	ck_assert_ptr_null(ruche_last_error(fake.ruche));
	ck_assert_int_eq(ruche_reply_int64(reply, &value), 0);
	ck_assert_int_eq(value, 42);
	ck_assert_int_eq(ruche_process_is_alive(child), 0);
	ck_assert_int_eq(ruche_process_exitcode(child, &code), 0);
	ck_assert_int_eq(code, 0);
	ck_assert_int_eq(ruche_process_terminate(child), 0);
	ck_assert_int_eq(ruche_process_kill(child), 0);
}
END_TEST

static const struct {
	const char *error;
	int code;
} ends[] = {
	{"82 'code' 'failed' 'executed' 'maybe'", 1},
	{"83 'code' 'crashed' 'executed' 'maybe' 'signal' 0b", -SIGSEGV},
	{"83 'code' 'crashed' 'executed' 'maybe' 'exit_status' 03", 3},
	{"83 'code' 'crashed' 'executed' 'maybe' 'exit_status' 00", 1},
	{"83 'code' 'cancelled' 'executed' 'maybe' 'signal' 09", -SIGKILL},
	{"82 'code' 'cancelled' 'executed' 'maybe'", -SIGTERM},
	{"83 'code' 'cancelled' 'executed' 'no' 'signal' 0f", -SIGTERM},
	{"82 'code' 'timeout' 'executed' 'maybe'", -SIGTERM},
	{"82 'code' 'timeout' 'executed' 'no'", 1},
	{"82 'code' 'unknown_task' 'executed' 'no'", 1},
};

START_TEST(how_it_ended_has_a_number)
{
	int code = 5;

	fake_refuse(&fake, 2, ends[_i].error);
	ck_assert_int_eq(ruche_process_exitcode(child, &code), 0);
	ck_assert_int_eq(code, ends[_i].code);
}
END_TEST

static const struct {
	const char *result;
	int code;
} commands[] = {
	{"82 'exit_status' 00 'signal' c0", 0},
	{"82 'exit_status' 07 'signal' c0", 7},
	{"82 'exit_status' c0 'signal' 0a", -SIGUSR1},
};

START_TEST(a_command_has_its_own)
{
	const char *const argv[] = {"ls", NULL};
	const struct ruche_command command = {.argv = argv};
	struct ruche_child *other = NULL;
	int code = 5;

	fake_answer(&fake, 2, "08");
	ck_assert_int_eq(ruche_process_start_command(fake.ruche, &other, NULL, &command), 0);
	fake_answer(&fake, 3, commands[_i].result);
	ck_assert_int_eq(ruche_process_exitcode(other, &code), 0);
	ck_assert_int_eq(code, commands[_i].code);
}
END_TEST

START_TEST(its_pid_is_asked_for_until_it_is_known)
{
	pid_t pid = 5;

	fake_answer(&fake, 2, "81 'pid' c0");
	ck_assert_int_eq(ruche_process_pid(child, &pid), -EAGAIN);
	fake_expect(&fake, "94 00 ce00000002 'ruche.task' 91 07");
	fake_answer(&fake, 3, "81 'pid' ff");
	ck_assert_int_eq(ruche_process_pid(child, &pid), -EAGAIN);
	fake_answer(&fake, 4, "80");
	ck_assert_int_eq(ruche_process_pid(child, &pid), -EAGAIN);
	ck_assert_int_eq(pid, 5);
	fake_answer(&fake, 5, "81 'pid' cd1000");
	ck_assert_int_eq(ruche_process_pid(child, &pid), 0);
	ck_assert_int_eq(pid, 4096);
	ck_assert_int_eq(ruche_process_pid(child, &pid), 0);
}
END_TEST

START_TEST(it_is_stopped_by_a_signal)
{
	fake_answer(&fake, 2, "'stopping'");
	ck_assert_int_eq(ruche_process_terminate(child), 0);
	fake_expect(&fake, "94 00 ce00000002 'ruche.cancel_task' 92 07 0f");
	fake_refuse(&fake, 3, "82 'code' 'unknown_task' 'executed' 'no'");
	ck_assert_int_eq(ruche_process_kill(child), 0); /* there is nothing to do */
	fake_expect(&fake, "94 00 ce00000003 'ruche.cancel_task' 92 07 09");
}
END_TEST

START_TEST(closed_it_is_stopped_and_nobody_asks_how_it_ended)
{
	ruche_process_close(child);
	fake_expect(&fake, "93 02 'ruche.cancel_task' 91 07"
			   "94 00 ce00000002 'ruche.result' 92 07 81 'forget' c3");
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	fake_answer(&fake, 2, "2a");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}
END_TEST

/* It would stop what its parent has started. */
START_TEST(copy_in_a_fork_asks_nothing_and_stops_nothing)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		bool refused = ruche_process_is_alive(child) == -EINVAL &&
			       ruche_process_kill(child) == -EINVAL &&
			       ruche_process_pid(child, &pid) == -EINVAL;

		ruche_process_close(child);
		ruche_close(fake.ruche);
		_exit(!refused);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
	fake_answer(&fake, 2, "2a");
	ck_assert_int_eq(ruche_process_join(child, -1, NULL), 0);
}
END_TEST

START_TEST(without_the_daemon_nothing_is_known_of_it)
{
	pid_t pid;
	int code;

	fake_hang_up(&fake);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ruche_process_join(child, -1, NULL), -ECONNRESET);
		ck_assert_int_eq(ruche_last_error(fake.ruche)->code, RUCHE_DISCONNECTED);
	}
	ck_assert_int_eq(ruche_process_is_alive(child), -ECONNRESET);
	ck_assert_int_eq(ruche_process_exitcode(child, &code), -ECONNRESET);
	ck_assert_int_eq(ruche_process_pid(child, &pid), -ECONNRESET);
	ck_assert_int_eq(ruche_process_terminate(child), -ECONNRESET);
	ruche_process_close(child);
}
END_TEST

START_TEST(null_is_refused)
{
	struct ruche_child *other;
	unsigned int count;
	pid_t pid;
	int code;

	ck_assert_int_eq(ruche_process_start(NULL, &other, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_process_start(fake.ruche, NULL, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_process_start(fake.ruche, &other, NULL, NULL, ""), -EINVAL);
	ck_assert_int_eq(ruche_process_start(fake.ruche, &other, NULL, "f", NULL), -EINVAL);
	ck_assert_int_eq(
		ruche_process_start_packed(fake.ruche, &other, NULL, "f", NULL, 0), -EINVAL);
	ck_assert_int_eq(ruche_process_start_command(fake.ruche, &other, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ruche_process_join(NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_process_is_alive(NULL), -EINVAL);
	ck_assert_int_eq(ruche_process_pid(NULL, &pid), -EINVAL);
	ck_assert_int_eq(ruche_process_pid(child, NULL), -EINVAL);
	ck_assert_int_eq(ruche_process_exitcode(NULL, &code), -EINVAL);
	ck_assert_int_eq(ruche_process_exitcode(child, NULL), -EINVAL);
	ck_assert_int_eq(ruche_process_terminate(NULL), -EINVAL);
	ck_assert_int_eq(ruche_process_kill(NULL), -EINVAL);
	ck_assert_uint_eq(ruche_process_task(NULL), 0);
	ruche_process_close(NULL);
	ck_assert_int_eq(ruche_cpu_count(NULL, NULL, &count), -EINVAL);
	ck_assert_int_eq(ruche_cpu_count(fake.ruche, NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(cores_are_asked_for_by_pool)
{
	unsigned int count = 0;

	fake_answer(&fake, 2, "04");
	ck_assert_int_eq(ruche_cpu_count(fake.ruche, NULL, &count), 0);
	ck_assert_uint_eq(count, 4);
	fake_expect(&fake, "94 00 ce00000002 'ruche.cpu_count' 90");
	fake_refuse(&fake, 3, "82 'code' 'bad_arguments' 'executed' 'no'");
	ck_assert_int_eq(ruche_cpu_count(fake.ruche, "p", &count), -EINVAL);
	fake_expect(&fake, "94 00 ce00000003 'ruche.cpu_count' 91 'p'");
	fake_answer(&fake, 4, "'four'");
	ck_assert_int_eq(ruche_cpu_count(fake.ruche, "p", &count), -EPROTO);
	ck_assert_uint_eq(count, 4);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_processes_case(void)
{
	TCase *tcase = tcase_create("processes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, it_is_a_task_and_what_else_was_set_travels_as_well);
	tcase_add_loop_test(tcase, one_that_is_refused_is_none, 0, COUNT(refusals));
	tcase_add_test(tcase, an_answer_that_is_no_id_starts_none);
	tcase_add_test(tcase, it_is_alive_until_its_end_is_known_which_is_asked_for_once);
	tcase_add_loop_test(tcase, how_it_ended_has_a_number, 0, COUNT(ends));
	tcase_add_loop_test(tcase, a_command_has_its_own, 0, COUNT(commands));
	tcase_add_test(tcase, its_pid_is_asked_for_until_it_is_known);
	tcase_add_test(tcase, it_is_stopped_by_a_signal);
	tcase_add_test(tcase, closed_it_is_stopped_and_nobody_asks_how_it_ended);
	tcase_add_test(tcase, copy_in_a_fork_asks_nothing_and_stops_nothing);
	tcase_add_test(tcase, without_the_daemon_nothing_is_known_of_it);
	tcase_add_test(tcase, null_is_refused);
	tcase_add_test(tcase, cores_are_asked_for_by_pool);
	return tcase;
}
