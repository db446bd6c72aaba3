/* SPDX-License-Identifier: MIT */

/* Private daemons, played by shell scripts. */

#include "check_client.h"

#include <errno.h>
#include <fcntl.h>
#include <ruche/ruche.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static char dir[32], script[64], notes[64];

static void setup(void)
{
	strcpy(dir, "/tmp/check-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(script, sizeof(script), "%s/ruched", dir);
	snprintf(notes, sizeof(notes), "%s/notes", dir);
	setenv("NOTES", notes, 1);
}

static void teardown(void)
{
	unlink(script);
	unlink(notes);
	rmdir(dir);
}

static void write_script(const char *text)
{
	FILE *file = fopen(script, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(script, 0755), 0);
}

/* What the script has written to $NOTES. */
static const char *read_notes(void)
{
	static char text[4096];
	FILE *file = fopen(notes, "re");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void expect_no_child(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(daemon_is_told_what_was_asked_for)
{
	const char *const plugins[] = {"a.so", "b c.so", NULL};
	struct ruche_private options = {.workers = 3, .plugins = plugins, .daemon = script};
	struct ruche *ruche;

	write_script("for i; do echo \"[$i]\"; done > $NOTES; cat <&3 >/dev/null");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ruche_close(ruche);
	ck_assert_str_eq(read_notes(), "[--session-fd]\n[3]\n[--workers]\n[3]\n"
				       "[--plugin]\n[a.so]\n[--plugin]\n[b c.so]\n");
	expect_no_child();
}
END_TEST

START_TEST(environment_names_the_private_daemon)
{
	struct ruche *ruche;

	write_script("echo \"$*\" > $NOTES; cat <&3 >/dev/null");
	setenv("RUCHE_DAEMON", script, 1);
	ck_assert_int_eq(ruche_open_private(NULL, &ruche), 0);
	ruche_close(ruche);
	ck_assert_str_eq(read_notes(), "--session-fd 3\n");
}
END_TEST

START_TEST(daemon_inherits_its_socket_and_stderr_alone)
{
	struct ruche_private options = {.daemon = script};
	int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
	struct ruche *ruche;

	ck_assert_int_ge(leak, 0);
	write_script("{ readlink /proc/$$/fd/0 /proc/$$/fd/1;"
		     " readlink /proc/$$/fd/3 | cut -d: -f1;"
		     " for i in 4 5 6 7 8 9; do readlink /proc/$$/fd/$i; done;"
		     " } 2>/dev/null | grep -v ruched > $NOTES; cat <&3 >/dev/null");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ruche_close(ruche);
	close(leak);
	ck_assert_str_eq(read_notes(), "/dev/null\n/dev/null\nsocket\n");
}
END_TEST

/* The C library keeps 32 and 33 for itself. */
#define STANDARD_SIGNALS 0x7fffffffULL

START_TEST(daemon_has_the_default_signals_and_a_session_of_its_own)
{
	struct ruche_private options = {.daemon = script};
	unsigned long long blocked, ignored;
	struct ruche *ruche;
	const char *text;
	sigset_t set;

	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	write_script("grep -E 'SigBlk|SigIgn' /proc/self/status > $NOTES;"
		     "test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo alone >> $NOTES;"
		     "cat <&3 >/dev/null");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ruche_close(ruche);
	text = read_notes();
	ck_assert_int_eq(sscanf(text, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	ck_assert_uint_eq(blocked & STANDARD_SIGNALS, 0);
	ck_assert_uint_eq(ignored & STANDARD_SIGNALS, 0);
	ck_assert_msg(strstr(text, "alone") != NULL, "%s", text);
}
END_TEST

/* There posix_spawn() cannot tell that exec() failed. */
static bool is_under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

START_TEST(no_daemon_is_an_error)
{
	struct ruche_private options = {.daemon = script};
	struct ruche *ruche = NULL;

	if (is_under_valgrind())
		return;
	ck_assert_int_eq(ruche_open_private(&options, &ruche), -ENOENT);
	write_script("");
	chmod(script, 0644);
	ck_assert_int_eq(ruche_open_private(&options, &ruche), -EACCES);
	ck_assert_ptr_null(ruche);
	expect_no_child();
}
END_TEST

START_TEST(daemon_that_ends_at_once_answers_the_call)
{
	struct ruche_private options = {.daemon = script};
	struct ruche_reply *reply;
	struct ruche *ruche;
	int r;

	write_script("exit 1");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	r = ruche_call(ruche, &reply, "f", "");
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_DISCONNECTED);
	ruche_reply_free(reply);
	ruche_close(ruche);
	expect_no_child();
}
END_TEST

START_TEST(answer_comes_over_the_nameless_socket)
{
	struct ruche_private options = {.daemon = script};
	struct ruche_reply *reply;
	struct ruche *ruche;
	int64_t value;

	write_script("printf '\\224\\001\\001\\300\\052' >&3; cat <&3 >/dev/null");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ck_assert_int_eq(ruche_call(ruche, &reply, "f", ""), 0);
	ck_assert_int_eq(ruche_reply_int64(reply, &value), 0);
	ck_assert_int_eq(value, 42);
	ruche_reply_free(reply);
	ruche_close(ruche);
	expect_no_child();
}
END_TEST

START_TEST(other_children_are_left_alone)
{
	struct ruche_private options = {.daemon = script};
	struct ruche *ruche;
	pid_t mine = fork();

	if (mine == 0)
		_exit(7);
	write_script("cat <&3 >/dev/null");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ruche_close(ruche);
	ck_assert_int_eq(waitpid(mine, NULL, 0), mine);
	expect_no_child();
}
END_TEST

START_TEST(ignored_sigchld_does_no_harm)
{
	struct ruche_private options = {.daemon = script};
	struct ruche *ruche;

	signal(SIGCHLD, SIG_IGN);
	write_script("cat <&3 >/dev/null");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ruche_close(ruche);
	expect_no_child();
}
END_TEST

START_TEST(stubborn_daemon_is_killed)
{
	struct ruche_private options = {.daemon = script};
	uint64_t start = clock_now();
	struct ruche *ruche;

	write_script("trap '' TERM HUP INT; exec sleep 600");
	ck_assert_int_eq(ruche_open_private(&options, &ruche), 0);
	ruche_close(ruche);
	ck_assert_uint_lt(clock_now() - start, 20 * CLOCK_S);
	expect_no_child();
}
END_TEST

TCase *client_private_case(void)
{
	TCase *tcase = tcase_create("private");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, daemon_is_told_what_was_asked_for);
	tcase_add_test(tcase, environment_names_the_private_daemon);
	tcase_add_test(tcase, daemon_inherits_its_socket_and_stderr_alone);
	tcase_add_test(tcase, daemon_has_the_default_signals_and_a_session_of_its_own);
	tcase_add_test(tcase, no_daemon_is_an_error);
	tcase_add_test(tcase, daemon_that_ends_at_once_answers_the_call);
	tcase_add_test(tcase, answer_comes_over_the_nameless_socket);
	tcase_add_test(tcase, other_children_are_left_alone);
	tcase_add_test(tcase, ignored_sigchld_does_no_harm);
	tcase_add_test(tcase, stubborn_daemon_is_killed);
	return tcase;
}
