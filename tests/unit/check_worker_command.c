/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "check_worker.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"

static void pack_env(msgpack_packer *pk, const struct worker_option *option)
{
	msgpack_pack_map(pk, option->letter == 'e' ? 2 : 1);
	message_pack_str(pk, "PATH");
	message_pack_str(pk, option->letter == 'e' ? "/usr/bin:/bin" : option->value);
	if (option->letter == 'e') {
		message_pack_str(pk, "X");
		message_pack_str(pk, option->value);
	}
}

static void pack_option(msgpack_packer *pk, const struct worker_option *option)
{
	static const struct {
		char letter;
		const char *name;
	} names[] = {{'i', "stdin"}, {'c', "cwd"}, {'p', "env"}, {'e', "env"}, {'s', "stream"},
		{'f', "stream_input"}, {'?', "shell"}};
	size_t n = 0;

	while (names[n].letter != option->letter)
		n++;
	message_pack_str(pk, names[n].name);
	if (option->letter == 'p' || option->letter == 'e')
		pack_env(pk, option);
	else if (option->letter == 's' || option->letter == 'f')
		msgpack_pack_true(pk);
	else
		message_pack_str(pk, option->value);
}

uint32_t worker_hand_command(
	const char *const *argv, const struct worker_option *options, uint32_t count)
{
	msgpack_sbuffer av, map;
	msgpack_packer pk;
	uint32_t argc = 0, seq;

	while (argv[argc] != NULL)
		argc++;
	msgpack_sbuffer_init(&av);
	msgpack_packer_init(&pk, &av, msgpack_sbuffer_write);
	msgpack_pack_array(&pk, argc);
	for (uint32_t i = 0; i < argc; i++)
		message_pack_str(&pk, argv[i]);
	msgpack_sbuffer_init(&map);
	msgpack_packer_init(&pk, &map, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, count);
	for (uint32_t i = 0; i < count; i++)
		pack_option(&pk, &options[i]);
	seq = rig_hand(&worker, "ruche.run", "vv", &av, &map);
	msgpack_sbuffer_destroy(&av);
	msgpack_sbuffer_destroy(&map);
	return seq;
}

uint32_t worker_hand_shell(const char *script, const struct worker_option *options, uint32_t count)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return worker_hand_command(argv, options, count);
}

void worker_run_shell(const char *script, const struct worker_option *options, uint32_t count)
{
	const uint32_t seq = worker_hand_shell(script, options, count);

	ck_assert(rig_read(&worker, &m));
	ck_assert_int_eq(m.type, SCAN_RESPONSE);
	ck_assert_uint_eq(m.id, seq);
}

static const char *message_of(void)
{
	static char text[1100];
	const msgpack_object *o = rig_get(m.error, "message");

	snprintf(text, sizeof(text), "%.*s", (int)o->via.str.size, o->via.str.ptr);
	return text;
}

static bool is_nil(const char *key)
{
	return rig_get(m.result, key)->type == MSGPACK_OBJECT_NIL;
}

START_TEST(command_says_how_it_ended)
{
	worker_run_shell("echo out; echo err >&2; exit 7", NULL, 0);
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 7);
	ck_assert(is_nil("signal"));
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), "out\n"));
	ck_assert(rig_text_is(rig_get(m.result, "stderr"), "err\n"));
	ck_assert(!rig_get(m.result, "truncated")->via.boolean);
	worker_run_shell("kill -9 $$", NULL, 0);
	ck_assert_int_eq(rig_get(m.result, "signal")->via.i64, SIGKILL);
	ck_assert(is_nil("exit_status"));
}
END_TEST

START_TEST(command_gets_what_it_was_given)
{
	worker_run_shell("cat; pwd; tty", &(struct worker_option){'i', "nectar\n"}, 1);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), "nectar\n/\nnot a tty\n"));
	worker_run_shell("pwd; wc -c", &(struct worker_option){'c', "/usr"}, 1);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), "/usr\n0\n"));
	worker_run_shell("/usr/bin/env | grep -v -e ^PWD -e ^OLDPWD -e ^_ -e ^SHLVL | sort",
		&(struct worker_option){'e', "clover"}, 1);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), "PATH=/usr/bin:/bin\nX=clover\n"));
	worker_run_shell(
		"ls /proc/self/fd | wc -l; cat /proc/self/status | grep -e SigBlk -e SigIgn | "
		"sed s/0000000180000000/0000000000000000/",
		NULL, 0);
	/*
	 * 0, 1, 2 and the directory that ls reads.  glibc's posix_spawn() leaves its own two
	 * signals, 32 and 33, ignored, and lets nobody change that.
	 */
	ck_assert(rig_text_is(rig_get(m.result, "stdout"),
		"4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
}
END_TEST

START_TEST(large_input_goes_through)
{
	const size_t size = 3 << 20;
	char *text = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 23);
	text[size] = '\0';
	worker_run_shell("cat", &(struct worker_option){'i', text}, 1);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), text));
	/* And a command that does not want it is no trouble. */
	worker_run_shell("exec true", &(struct worker_option){'i', text}, 1);
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 0);
	free(text);
}
END_TEST

START_TEST(output_is_bounded)
{
	static const char mark[] = "[... 3222796 bytes cut ...]\n";
	const size_t half = 4 << 20;
	const msgpack_object_bin *bin;

	worker_run_shell("yes nectar | head -n 1658772; echo end >&2", NULL, 0);
	bin = &rig_get(m.result, "stdout")->via.bin;
	ck_assert_uint_eq(bin->size, 2 * half + 1 + sizeof(mark) - 1);
	ck_assert_mem_eq(bin->ptr, "nectar\n", 7);
	ck_assert_mem_eq(bin->ptr + half + 1, mark, sizeof(mark) - 1);
	ck_assert_mem_eq(bin->ptr + bin->size - 8, "\nnectar\n", 8);
	ck_assert(rig_text_is(rig_get(m.result, "stderr"), "end\n"));
	ck_assert(rig_get(m.result, "truncated")->via.boolean);
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 0);
}
END_TEST

/* Of a frame of 100000 bytes the output may have 95904, and each of the two a half: 47952. */
START_TEST(output_is_cut_to_fit_a_frame)
{
	static const struct {
		const char *script, *mark;
		size_t mark_at, size;
	} cases[] = {
		{"head -c 47952 /dev/zero", "", 0, 47952},
		{"head -c 47953 /dev/zero", "\n[... 1 bytes cut ...]\n", 23976, 47952 + 23},
		{"head -c 23975 /dev/zero; echo; head -c 90000 /dev/zero",
			"\n[... 66024 bytes cut ...]\n", 23975, 47952 + 26},
	};
	struct rig_worker big = worker;
	const msgpack_object_bin *bin;

	rig_fork(&rig, &worker, 100000);
	worker_run_shell(cases[_i].script, NULL, 0);
	bin = &rig_get(m.result, "stdout")->via.bin;
	ck_assert_uint_eq(bin->size, cases[_i].size);
	ck_assert_mem_eq(bin->ptr + cases[_i].mark_at, cases[_i].mark, strlen(cases[_i].mark));
	ck_assert(rig_get(m.result, "truncated")->via.boolean == (_i > 0));
	worker_run_shell("head -c 90000 /dev/zero; head -c 90000 /dev/zero >&2", NULL, 0);
	ck_assert(rig_get(m.result, "truncated")->via.boolean);
	rig_forget(&worker);
	worker = big;
}
END_TEST

START_TEST(cancelled_command_tells_its_memory)
{
	const uint32_t seq =
		worker_hand_shell("x=x; while [ ${#x} -lt 60000000 ]; do x=$x$x; done; "
				  "echo; sleep 1000",
			&(struct worker_option){'s', ""}, 1);

	ck_assert(rig_read(&worker, &m));
	rig_stop(&worker, seq, SIGTERM);
	ck_assert(rig_read(&worker, &m));
	ck_assert(rig_error_is(&m, "cancelled", "maybe"));
	ck_assert_uint_ge(rig_get(m.error, "peak_memory")->via.u64, 60000000);
}
END_TEST

START_TEST(command_that_cannot_start_has_not_run)
{
	static const struct {
		const char *argv0;
		struct worker_option option;
		int64_t exit_status;
		const char *message;
	} cases[] = {
		{"no-such-bee", {'s', ""}, 127,
			"cannot run 'no-such-bee': No such file or directory"},
		{"/no/such/bee", {'s', ""}, 127,
			"cannot run '/no/such/bee': No such file or directory"},
		{"", {'s', ""}, 127, "cannot run '': No such file or directory"},
		{"sh", {'p', "/nowhere"}, 127, "cannot run 'sh': No such file or directory"},
		{"/etc/passwd", {'s', ""}, 126, "cannot run '/etc/passwd': Permission denied"},
		{"/etc", {'s', ""}, 126, "cannot run '/etc': Permission denied"},
		{"true", {'c', "/no/dir"}, 126,
			"cannot run 'true': cannot enter '/no/dir': No such file or directory"},
	};
	const char *const argv[] = {cases[_i].argv0, NULL};

	worker_hand_command(argv, &cases[_i].option, 1);
	ck_assert(rig_read(&worker, &m));
	ck_assert(rig_error_is(&m, "failed", "no"));
	ck_assert_str_eq(message_of(), cases[_i].message);
	ck_assert_int_eq(rig_get(m.error, "exit_status")->via.i64, cases[_i].exit_status);
}
END_TEST

START_TEST(script_without_interpreter_is_run_by_the_shell)
{
	const char *argv[] = {NULL, "a", "b", NULL};
	char path[64];
	FILE *file;

	worker_temp_name(path);
	argv[0] = path;
	file = fopen(path, "we");
	fputs("echo $# $2\n", file);
	fchmod(fileno(file), 0700);
	fclose(file);
	worker_hand_command(argv, NULL, 0);
	ck_assert(rig_read(&worker, &m));
	unlink(path);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), "2 b\n"));
}
END_TEST

START_TEST(bad_options_are_refused)
{
	worker_run_shell("true", &(struct worker_option){'?', "x"}, 1);
	ck_assert(rig_error_is(&m, "bad_arguments", "no"));
	ck_assert_ptr_nonnull(strstr(message_of(), "\"shell\""));
	worker_run_shell("true", (struct worker_option[]){{'i', "x"}, {'f', ""}}, 2);
	ck_assert(rig_error_is(&m, "bad_arguments", "no"));
	worker_hand_command((const char *const[]){NULL}, NULL, 0);
	ck_assert(rig_read(&worker, &m));
	ck_assert(rig_error_is(&m, "bad_arguments", "no"));
}
END_TEST

void check_worker_commands(Suite *suite)
{
	TCase *t = worker_case(suite, "commands", true);

	tcase_add_test(t, command_says_how_it_ended);
	tcase_add_test(t, command_gets_what_it_was_given);
	tcase_add_test(t, large_input_goes_through);
	tcase_add_test(t, output_is_bounded);
	tcase_add_loop_test(t, output_is_cut_to_fit_a_frame, 0, 3);
	tcase_add_test(t, cancelled_command_tells_its_memory);
	tcase_add_loop_test(t, command_that_cannot_start_has_not_run, 0, 7);
	tcase_add_test(t, script_without_interpreter_is_run_by_the_shell);
	tcase_add_test(t, bad_options_are_refused);
}
