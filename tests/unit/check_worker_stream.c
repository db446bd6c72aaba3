/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "check_worker.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"

START_TEST(streamed_output_comes_at_once)
{
	const uint32_t seq = worker_hand_shell("echo one; read x; echo two >&2",
		(struct worker_option[]){{'s', ""}, {'f', ""}}, 2);
	const msgpack_object *p;

	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, RUCHE_INPUT);
	ck_assert_uint_eq(m.params->via.array.ptr[1].via.u64, 65536);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, RUCHE_OUTPUT);
	p = m.params->via.array.ptr;
	ck_assert_uint_eq(p[0].via.u64, seq);
	ck_assert_int_eq(p[1].via.i64, 1);
	ck_assert(rig_text_is(&p[2], "one\n"));
	rig_feed(&worker, seq + 7, "late\n", 5);
	rig_feed(&worker, seq, "go\n", 3);
	ck_assert(rig_read(&worker, &m));
	ck_assert_str_eq(m.method, RUCHE_INPUT); /* the room comes back */
	ck_assert_uint_eq(m.params->via.array.ptr[1].via.u64, 3);
	ck_assert(rig_read(&worker, &m));
	p = m.params->via.array.ptr;
	ck_assert_int_eq(p[1].via.i64, 2);
	ck_assert(rig_text_is(&p[2], "two\n"));
	ck_assert(rig_read(&worker, &m));
	ck_assert_uint_eq(m.id, seq);
	ck_assert_uint_eq(rig_get(m.result, "stdout")->via.bin.size, 0);
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 0);
	rig_feed(&worker, seq, "too late\n", 9);
	rig_call(&worker, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
}
END_TEST

/* Sends as much as there is room for, until all is sent. */
static void feed_within_room(
	uint32_t seq, const char *data, size_t size, size_t *sent, size_t *room)
{
	while (*sent<size && * room> 0) {
		size_t n = size - *sent;

		n = n > *room ? *room : n;
		n = n > 10000 ? 10000 : n;
		rig_feed(&worker, seq, data + *sent, n);
		*sent += n;
		*room -= n;
	}
	if (*sent == size) {
		rig_feed(&worker, seq, NULL, 0);
		*sent += 1;
	}
}

START_TEST(megabytes_stream_through_cat)
{
	const size_t size = 5 << 20;
	const uint32_t seq =
		worker_hand_shell("cat", (struct worker_option[]){{'s', ""}, {'f', ""}}, 2);
	size_t sent = 0, room = 0;
	struct buf got = {0};
	char *data = malloc(size);

	/* This supervisor blocks where a real one does not. */
	ck_assert_int_ge(fcntl(worker.tasks, F_SETPIPE_SZ, 1 << 18), 0);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 7 + i / 1000);
	for (;;) {
		const msgpack_object *p;

		ck_assert(rig_read(&worker, &m));
		if (m.type == SCAN_RESPONSE)
			break;
		p = m.params->via.array.ptr;
		if (strcmp(m.method, RUCHE_INPUT) == 0)
			room += p[1].via.u64;
		else
			buf_append(&got, p[2].via.bin.ptr, p[2].via.bin.size);
		ck_assert_uint_le(room, 65536);
		feed_within_room(seq, data, size, &sent, &room);
	}
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 0);
	ck_assert_uint_eq(buf_len(&got), size);
	ck_assert_mem_eq(buf_data(&got), data, size);
	buf_fini(&got);
	free(data);
}
END_TEST

START_TEST(input_over_the_room_kills_the_command)
{
	static char data[70000];
	const uint32_t seq = worker_hand_shell("sleep 1000", &(struct worker_option){'f', ""}, 1);

	rig_feed(&worker, seq, data, sizeof(data));
	do
		ck_assert(rig_read(&worker, &m));
	while (m.type != SCAN_RESPONSE);
	ck_assert(rig_error_is(&m, "failed", "maybe"));
	rig_call(&worker, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
}
END_TEST

START_TEST(call_among_the_input_waits_its_turn)
{
	const uint32_t seq = worker_hand_shell(
		"read x; sleep 0.1; echo $x", &(struct worker_option){'f', ""}, 1);

	rig_feed(&worker, seq, "wax\n", 4);
	rig_hand(&worker, "cube", "i", (int64_t)2);
	do
		ck_assert(rig_read(&worker, &m));
	while (m.type != SCAN_RESPONSE);
	ck_assert_uint_eq(m.id, seq);
	ck_assert(rig_text_is(rig_get(m.result, "stdout"), "wax\n"));
	ck_assert(rig_read(&worker, &m));
	ck_assert_int_eq(m.result->via.i64, 8);
}
END_TEST

START_TEST(command_is_stopped_by_the_signal_asked_for)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGKILL};
	const uint32_t seq =
		worker_hand_shell("sleep 1000 & echo; wait", &(struct worker_option){'s', ""}, 1);

	ck_assert(rig_read(&worker, &m)); /* it runs */
	rig_stop(&worker, seq, signals[_i]);
	ck_assert(rig_read(&worker, &m));
	ck_assert_uint_eq(m.id, seq);
	ck_assert(rig_error_is(&m, "cancelled", "maybe"));
	ck_assert_int_eq(rig_get(m.error, "signal")->via.i64, signals[_i]);
}
END_TEST

START_TEST(command_that_ends_by_itself_has_its_result)
{
	const uint32_t seq =
		worker_hand_shell("trap 'exit 5' INT; echo; while :; do sleep 0.01; done",
			&(struct worker_option){'s', ""}, 1);

	ck_assert(rig_read(&worker, &m));
	rig_stop(&worker, seq, SIGINT);
	ck_assert(rig_read(&worker, &m));
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 5);
}
END_TEST

START_TEST(stop_at_any_moment_of_a_start_is_not_lost)
{
	for (int i = 0; i < 100; i++) {
		const uint32_t seq = worker_hand_shell("exec sleep 1000", NULL, 0);

		usleep((useconds_t)i * 20);
		rig_stop(&worker, seq, SIGTERM);
		ck_assert(rig_read(&worker, &m));
		ck_assert_uint_eq(m.id, seq);
		ck_assert(rig_text_is(rig_get(m.error, "code"), "cancelled"));
	}
}
END_TEST

START_TEST(command_leaves_no_process_behind)
{
	static const char *const scripts[] = {
		"setsid sh -c 'sleep 1000 & echo $! > $F; wait' &",
		"(setsid sh -c 'echo $$ > $F; exec yes' &);",
	};
	char path[64], script[256];

	worker_temp_name(path);
	snprintf(script, sizeof(script), "export F=%s; %s while ! test -s $F; do :; done", path,
		scripts[_i]);
	worker_run_shell(script, NULL, 0);
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	ck_assert_int_eq(rig_get(m.result, "exit_status")->via.i64, 0);
	ck_assert_int_eq(kill(worker_read_pid(path), 0), -1);
}
END_TEST

/* The link ends in the teardown, or the worker is killed: then its command dies at once too. */
START_TEST(command_and_its_session_die_with_the_link)
{
	char path[64], script[256];
	pid_t pid;

	worker_temp_name(path);
	snprintf(script, sizeof(script),
		"setsid sh -c 'sleep 1000 & echo $! > %s; wait' & while ! test -s %s; do :; done; "
		"echo; sleep 1000",
		path, path);
	worker_hand_shell(script, &(struct worker_option){'s', ""}, 1);
	ck_assert(rig_read(&worker, &m));
	pid = worker_read_pid(path);
	ck_assert_int_eq(kill(pid, 0), 0);
	fd_close(&rig.link);
	rig_wait_gone(worker.pid);
	rig_wait_gone(pid);
}
END_TEST

START_TEST(command_dies_with_its_worker)
{
	pid_t pid;

	worker_hand_shell("echo $$; exec sleep 1000", &(struct worker_option){'s', ""}, 1);
	ck_assert(rig_read(&worker, &m));
	pid = (pid_t)strtol(m.params->via.array.ptr[2].via.bin.ptr, NULL, 10);
	kill(worker.pid, SIGKILL);
	rig_wait_gone(pid);
}
END_TEST

START_TEST(task_pipe_end_ends_a_command_that_takes_input)
{
	worker_hand_shell("echo; sleep 1000", (struct worker_option[]){{'s', ""}, {'f', ""}}, 2);
	ck_assert(rig_read(&worker, &m));
	ck_assert(rig_read(&worker, &m));
	fd_close(&worker.tasks);
	ck_assert_int_eq(rig_reap(worker.pid), 0);
}
END_TEST

/* The checkers of memory look at it when it ends. */
START_TEST(worker_ends_clean_after_all_that)
{
	worker_run_shell("cat; exit 3", &(struct worker_option){'i', "x"}, 1);
	worker_run_shell("head -c 1000000 /dev/zero", NULL, 0);
	worker_run_shell("true", &(struct worker_option){'?', "x"}, 1);
	worker_hand_command((const char *const[]){"no-such-bee", NULL}, NULL, 0);
	ck_assert(rig_read(&worker, &m));
	rig_call(&worker, &m, "echo", "s", "x");
	rig_call(&worker, &m, "test.big", "i", (int64_t)1000000);
	rig_call(&worker, &m, "test.fail", "s", "x");
	rig_call(&worker, &m, "cube", "s", "x");
	rig_call(&worker, &m, "test.progress", "i", (int64_t)3);
	rig_call(&worker, &m, "nope", "");
	fd_close(&worker.tasks);
	ck_assert_int_eq(rig_reap(worker.pid), 0);
}
END_TEST

void check_worker_streams(Suite *suite)
{
	TCase *t = worker_case(suite, "streams", true);
	tcase_add_test(t, streamed_output_comes_at_once);
	tcase_add_test(t, megabytes_stream_through_cat);
	tcase_add_test(t, input_over_the_room_kills_the_command);
	tcase_add_test(t, call_among_the_input_waits_its_turn);
	tcase_add_test(t, task_pipe_end_ends_a_command_that_takes_input);

	t = worker_case(suite, "ends", true);
	tcase_add_loop_test(t, command_is_stopped_by_the_signal_asked_for, 0, 3);
	tcase_add_test(t, command_that_ends_by_itself_has_its_result);
	tcase_add_test(t, stop_at_any_moment_of_a_start_is_not_lost);
	tcase_add_loop_test(t, command_leaves_no_process_behind, 0, 2);
	tcase_add_test(t, command_and_its_session_die_with_the_link);
	tcase_add_test(t, command_dies_with_its_worker);
	tcase_add_test(t, worker_ends_clean_after_all_that);
}
