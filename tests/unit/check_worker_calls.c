/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_worker.h"
#include "wire/link.h"
#include "wire/message.h"

/* ---- calls */

START_TEST(functions_are_called)
{
	static const uint8_t wide[] = {
		0, 0, 0, 0, 0, 0, 0, 0x12, 0x11, 0xed, 0xb7, 0x1d, 0xc2, 0x11, 0xa3, 0xc0};

	rig_call(&worker, &m, "cube", "i", (int64_t)-3);
	ck_assert_int_eq(m.result->via.i64, -27);
	rig_call(&worker, &m, "default/square", "i", (int64_t)7);
	ck_assert_int_eq(m.result->via.i64, 49);
	rig_call(&worker, &m, "primes.count", "ii", (int64_t)-5, (int64_t)100);
	ck_assert_int_eq(m.result->via.i64, 25);
	rig_call(&worker, &m, "echo", "s", "honey");
	ck_assert(rig_text_is(m.result, "honey"));
	rig_call(&worker, &m, "sum_squares", "i", (int64_t)10000000);
	ck_assert_int_eq(m.result->type, MSGPACK_OBJECT_EXT);
	ck_assert_int_eq(m.result->via.ext.type, MESSAGE_WIDE_TYPE);
	ck_assert_uint_eq(m.result->via.ext.size, 16);
	ck_assert_mem_eq(m.result->via.ext.ptr, wide, 16);
	rig_call(&worker, &m, "sum_squares", "i", (int64_t)3810778);
	ck_assert_int_eq(m.result->type, MSGPACK_OBJECT_POSITIVE_INTEGER);
	rig_call(&worker, &m, "sum_squares", "i", (int64_t)3810779);
	ck_assert_int_eq(m.result->type, MSGPACK_OBJECT_EXT);
}
END_TEST

START_TEST(bad_calls_are_refused)
{
	static const struct {
		const char *method, *types, *code, *executed, *part;
		int64_t arg;
	} cases[] = {
		{"nope", "", "unknown_function", "no", "nope", 0},
		{"cube\n", "i", "unknown_function", "no", "cube", 0},
		{"cub", "i", "unknown_function", "no", "cub", 0},
		{"cubee", "i", "unknown_function", "no", "cubee", 0},
		{"cube", "", "bad_arguments", "no", "cube takes 1 argument (n), not 0", 0},
		{"primes.count", "i", "bad_arguments", "no", "takes 2 arguments (lo hi), not 1", 0},
		{"test.pid", "i", "bad_arguments", "no", "takes 0 arguments, not 1", 0},
		{"ruche.run", "", "bad_arguments", "no", "1 to 2 arguments", 0},
		{"cube", "d", "bad_arguments", "no", "cube: n must be an integer, not a float", 0},
		{"sum_squares", "i", "bad_arguments", "no", "n is out of range", -1},
		{"cube", "i", "failed", "yes", "128 bits", INT64_MAX},
		{"test.pack", "i", "failed", "yes", "not one MessagePack value", 1},
		{"test.pack", "i", "failed", "yes", "not one MessagePack value", 2},
		{"test.pack", "i", "failed", "yes", "not one MessagePack value", 3},
	};

	rig_call(&worker, &m, cases[_i].method, cases[_i].types, cases[_i].arg);
	ck_assert_msg(rig_error_is(&m, cases[_i].code, cases[_i].executed), "%s", cases[_i].method);
	ck_assert_msg(rig_text_has(rig_get(m.error, "message"), cases[_i].part), "%.*s",
		(int)rig_get(m.error, "message")->via.str.size,
		rig_get(m.error, "message")->via.str.ptr);
	/* And it is as good as before. */
	rig_call(&worker, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
}
END_TEST

START_TEST(failure_is_told_in_its_words)
{
	rig_call(&worker, &m, "test.fail", "s", "no wax");
	ck_assert(rig_error_is(&m, "failed", "yes"));
	ck_assert(rig_text_is(rig_get(m.error, "message"), "no wax"));
}
END_TEST

START_TEST(failure_tells_the_memory_that_was_used)
{
	uint64_t before;

	rig_call(&worker, &m, "test.fail", "s", "no wax");
	before = rig_get(m.error, "peak_memory")->via.u64;
	ck_assert_uint_gt(before, 100000);
	rig_call(&worker, &m, "test.grow", "i", (int64_t)20 << 20);
	rig_call(&worker, &m, "test.fail", "s", "no wax");
	ck_assert_uint_gt(rig_get(m.error, "peak_memory")->via.u64, before + (15 << 20));
	/* Where nothing ran there is nothing to tell. */
	rig_call(&worker, &m, "cube", "");
	ck_assert_ptr_null(message_map_get(m.error, "peak_memory"));
}
END_TEST

START_TEST(result_over_the_limit_is_refused)
{
	struct rig_worker small;

	rig_fork(&rig, &small, 100000);
	rig_call(&small, &m, "test.big", "i", (int64_t)1000000);
	ck_assert(rig_error_is(&m, "too_large", "yes"));
	ck_assert(rig_text_has(rig_get(m.error, "message"), "1000013"));
	ck_assert(rig_text_has(rig_get(m.error, "message"), "100000"));
	rig_call(&small, &m, "test.big", "i", (int64_t)100000 - 13);
	ck_assert_uint_eq(m.result->via.bin.size, 100000 - 13);
	rig_call(&small, &m, "test.big", "i", (int64_t)100000 - 12);
	ck_assert(rig_error_is(&m, "too_large", "yes"));
	rig_forget(&small);
}
END_TEST

START_TEST(large_arguments_and_results_travel)
{
	const size_t size = 20 << 20;
	char *text = malloc(size + 1);

	memset(text, 'h', size);
	text[size] = '\0';
	rig_call(&worker, &m, "echo", "s", text);
	ck_assert(rig_text_is(m.result, text));
	free(text);
}
END_TEST

START_TEST(deep_values_travel)
{
	msgpack_sbuffer deep;
	msgpack_packer pk;

	msgpack_sbuffer_init(&deep);
	msgpack_packer_init(&pk, &deep, msgpack_sbuffer_write);
	for (int i = 0; i < 29; i++)
		msgpack_pack_array(&pk, 1);
	msgpack_pack_nil(&pk);
	rig_call(&worker, &m, "echo", "v", &deep);
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	msgpack_sbuffer_destroy(&deep);
}
END_TEST

START_TEST(progress_comes_before_the_result)
{
	const uint32_t seq = rig_hand(&worker, "test.progress", "i", (int64_t)4);

	for (int i = 1; i <= 4; i++) {
		ck_assert(rig_read(&worker, &m));
		ck_assert_str_eq(m.method, RUCHE_PROGRESS);
		ck_assert_uint_eq(m.params->via.array.ptr[0].via.u64, seq);
		ck_assert_double_eq(m.params->via.array.ptr[1].via.f64, i / 4.0);
	}
	ck_assert(rig_read(&worker, &m));
	ck_assert_int_eq(m.result->via.i64, 4);
}
END_TEST

START_TEST(task_taken_back_is_not_run)
{
	uint32_t first, taken = 0;
	bool was_taken;

	first = rig_hand(&worker, "sleep", "d", 0.2);
	for (int i = 1; i < 10; i++) {
		uint32_t seq = rig_hand(&worker, "echo", "i", (int64_t)i);

		if (i == 5)
			taken = seq;
	}
	was_taken = claim_take(worker.page, taken);
	ck_assert(was_taken);
	for (uint32_t seq = first; seq < first + 10; seq++) {
		if (seq == taken)
			continue;
		ck_assert(rig_read(&worker, &m));
		ck_assert_uint_eq(m.id, seq);
		ck_assert(claim_is_started(worker.page, seq));
	}
	/* Nor can one that ran be taken. */
	ck_assert(!claim_take(worker.page, first + 9));
	rig_call(&worker, &m, "echo", "i", (int64_t)77);
	ck_assert_int_eq(m.result->via.i64, 77);
}
END_TEST

/* The word of a later task in the same place says that this one was taken back, long ago; all else is rubbish. */
START_TEST(worker_whose_words_are_spoilt_ends)
{
	static const struct {
		uint32_t value;
		bool is_good;
	} cases[] = {{0, false}, {UINT32_MAX, false}, {CLAIM_RING << 2, false}, {0, true}};
	uint32_t value = cases[_i].value, seq;
	int status;

	kill(worker.pid, SIGSTOP);
	seq = rig_hand(&worker, "square", "i", (int64_t)3);
	if (cases[_i].is_good)
		value = claim_value(seq + CLAIM_RING, CLAIM_OFFERED);
	atomic_store(&worker.page->word[seq % CLAIM_RING], value);
	kill(worker.pid, SIGCONT);
	if (cases[_i].is_good) {
		rig_call(&worker, &m, "square", "i", (int64_t)3);
		ck_assert_int_eq(m.result->via.i64, 9);
		return;
	}
	status = rig_reap(worker.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}
END_TEST

/* ---- deaths */

START_TEST(worker_dies_as_it_is_told)
{
	static const struct {
		const char *function, *types;
		int signal, exit_status;
		int64_t arg;
	} cases[] = {
		{"crash.segv", "", SIGSEGV, 0, 0},
		{"crash.abort", "", SIGABRT, 0, 0},
		{"crash.kill", "", SIGKILL, 0, 0},
		{"crash.stack", "", SIGSEGV, 0, 0},
		{"crash.oom", "", SIGABRT, 0, 0},
		{"crash.exit", "i", 0, 42, 42},
		{"crash.half", "", 0, 0, 0},
		{"crash.close", "", 0, 1, 0},
	};
	int status;

	rig_hand(&worker, cases[_i].function, cases[_i].types, cases[_i].arg);
	status = rig_reap(worker.pid);
	if (cases[_i].signal != 0)
		ck_assert_int_eq(WTERMSIG(status), cases[_i].signal);
	else
		ck_assert_int_eq(WEXITSTATUS(status), cases[_i].exit_status);
	ck_assert(WIFSIGNALED(status) == (cases[_i].signal != 0));
	ck_assert(claim_is_started(worker.page, worker.seq));
	rig_forget(&worker);
	/* The next one is not concerned. */
	rig_fork(&rig, &worker, MESSAGE_FRAME_MAX);
	rig_call(&worker, &m, "cube", "i", (int64_t)5);
	ck_assert_int_eq(m.result->via.i64, 125);
}
END_TEST

START_TEST(last_words_are_on_the_output_pipe)
{
	char text[64] = "";

	rig_hand(&worker, "crash.stderr", "s", "what a day");
	rig_reap(worker.pid);
	ck_assert_int_gt(read(worker.output, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "what a day\n");
}
END_TEST

START_TEST(task_leaves_no_process_behind)
{
	char path[64];

	worker_temp_name(path);
	rig_call(&worker, &m, "crash.orphan", "s", path);
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	ck_assert_int_eq(kill(worker_read_pid(path), 0), -1);
	rig_call(&worker, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
}
END_TEST

START_TEST(orphan_of_a_dead_worker_comes_to_the_supervisor)
{
	char path[64];
	pid_t orphan;

	worker_temp_name(path);
	rig_hand(&worker, "crash.orphan_die", "s", path);
	ck_assert_int_eq(WTERMSIG(rig_reap(worker.pid)), SIGSEGV);
	orphan = worker_read_pid(path);
	ck_assert_int_eq(kill(orphan, SIGKILL), 0);
	ck_assert_int_eq(WTERMSIG(rig_reap(orphan)), SIGKILL);
}
END_TEST

/* ---- stopping */

START_TEST(sleeping_task_is_stopped)
{
	uint32_t seq = rig_hand(&worker, "sleep", "d", 1000.0);

	while (!claim_is_started(worker.page, seq))
		;
	rig_stop(&worker, seq, SIGTERM);
	ck_assert(rig_read(&worker, &m));
	ck_assert_uint_eq(m.id, seq);
	ck_assert(rig_error_is(&m, "cancelled", "maybe"));
}
END_TEST

START_TEST(stop_before_the_task_starts_is_not_lost)
{
	for (int i = 0; i < 50; i++) {
		uint32_t seq = rig_hand(&worker, "sleep", "d", 1000.0);

		rig_stop(&worker, seq, SIGTERM);
		ck_assert(rig_read(&worker, &m));
		ck_assert(rig_error_is(&m, "cancelled", "maybe"));
	}
}
END_TEST

START_TEST(stop_of_another_task_is_ignored)
{
	uint32_t seq = rig_hand(&worker, "sleep", "d", 0.2);

	while (!claim_is_started(worker.page, seq))
		;
	rig_stop(&worker, seq - 1, SIGTERM);
	kill(worker.pid, SIGHUP);
	ck_assert(rig_read(&worker, &m));
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
}
END_TEST

void check_worker_calls(Suite *suite)
{
	TCase *t = worker_case(suite, "calls", true);
	tcase_add_test(t, functions_are_called);
	tcase_add_loop_test(t, bad_calls_are_refused, 0, 14);
	tcase_add_test(t, failure_is_told_in_its_words);
	tcase_add_test(t, failure_tells_the_memory_that_was_used);
	tcase_add_test(t, result_over_the_limit_is_refused);
	tcase_add_test(t, large_arguments_and_results_travel);
	tcase_add_test(t, deep_values_travel);
	tcase_add_test(t, progress_comes_before_the_result);
	tcase_add_test(t, task_taken_back_is_not_run);
	tcase_add_loop_test(t, worker_whose_words_are_spoilt_ends, 0, 4);

	t = worker_case(suite, "deaths", true);
	tcase_add_loop_test(t, worker_dies_as_it_is_told, 0, 8);
	tcase_add_test(t, last_words_are_on_the_output_pipe);
	tcase_add_test(t, task_leaves_no_process_behind);
	tcase_add_test(t, orphan_of_a_dead_worker_comes_to_the_supervisor);

	t = worker_case(suite, "stopping", true);
	tcase_add_test(t, sleeping_task_is_stopped);
	tcase_add_test(t, stop_before_the_task_starts_is_not_lost);
	tcase_add_test(t, stop_of_another_task_is_ignored);
}
