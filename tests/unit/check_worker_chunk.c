/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "check_worker.h"
#include "wire/message.h"

/* ---- items, and what came of them */

static msgpack_sbuffer items;
static msgpack_packer pk;

static void begin_items(size_t count)
{
	msgpack_sbuffer_destroy(&items);
	msgpack_sbuffer_init(&items);
	msgpack_packer_init(&pk, &items, msgpack_sbuffer_write);
	msgpack_pack_array(&pk, count);
}

static void pack_ints(size_t count, const int64_t *values)
{
	begin_items(count);
	for (size_t i = 0; i < count; i++)
		msgpack_pack_int64(&pk, values[i]);
}

static void pack_same(size_t count, int64_t value)
{
	begin_items(count);
	for (size_t i = 0; i < count; i++)
		msgpack_pack_int64(&pk, value);
}

static void call_map(const char *function, bool star)
{
	rig_call(&worker, &m, "ruche.map", "svb", function, &items, (int)star);
}

static const msgpack_object *pair(const msgpack_object *pairs, uint32_t i)
{
	ck_assert_int_eq(pairs->type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_lt(i, pairs->via.array.size);
	ck_assert_int_eq(pairs->via.array.ptr[i].type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(pairs->via.array.ptr[i].via.array.size, 2);
	return pairs->via.array.ptr[i].via.array.ptr;
}

static void expect_count(uint32_t count)
{
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	ck_assert_int_eq(m.result->type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(m.result->via.array.size, count);
}

static const msgpack_object *result_of(uint32_t i)
{
	ck_assert_int_eq(pair(m.result, i)[0].type, MSGPACK_OBJECT_NIL);
	return &pair(m.result, i)[1];
}

static const msgpack_object *error_of(uint32_t i, const char *code, const char *executed)
{
	const msgpack_object *error = &pair(m.result, i)[0];

	ck_assert_int_eq(error->type, MSGPACK_OBJECT_MAP);
	ck_assert(rig_text_is(rig_get(error, "code"), code));
	ck_assert(rig_text_is(rig_get(error, "executed"), executed));
	ck_assert_int_eq(pair(m.result, i)[1].type, MSGPACK_OBJECT_NIL);
	return error;
}

/* How many pairs the claim page has of the last call; all of them must be whole. */
static uint32_t kept_pairs(void)
{
	size_t len = 0, off = 0;
	const uint8_t *bytes = claim_partial(worker.page, worker.seq, &len);
	uint32_t count = 0;

	while (bytes != NULL && off < len) {
		msgpack_unpacked unpacked;

		msgpack_unpacked_init(&unpacked);
		ck_assert_int_eq(msgpack_unpack_next(&unpacked, (const char *)bytes, len, &off),
			MSGPACK_UNPACK_SUCCESS);
		ck_assert_int_eq(unpacked.data.type, MSGPACK_OBJECT_ARRAY);
		ck_assert_uint_eq(unpacked.data.via.array.size, 2);
		msgpack_unpacked_destroy(&unpacked);
		count++;
	}
	return count;
}

/* ---- results */

START_TEST(chunk_calls_the_function_for_each_item)
{
	pack_ints(4, (int64_t[]){1, -2, 3, 4});
	call_map("cube", false);
	expect_count(4);
	ck_assert_int_eq(result_of(0)->via.i64, 1);
	ck_assert_int_eq(result_of(1)->via.i64, -8);
	ck_assert_int_eq(result_of(3)->via.i64, 64);
	ck_assert_uint_eq(kept_pairs(), 4);
	pack_same(1000, 2);
	call_map("default/square", false);
	ck_assert_int_eq(result_of(0)->via.i64, 4);
	begin_items(0);
	call_map("cube", false);
	expect_count(0);
	ck_assert_uint_eq(kept_pairs(), 0);
}
END_TEST

START_TEST(star_gives_each_item_as_the_arguments)
{
	begin_items(3);
	msgpack_pack_array(&pk, 2);
	msgpack_pack_int(&pk, 0);
	msgpack_pack_int(&pk, 10);
	msgpack_pack_int(&pk, 5);
	msgpack_pack_array(&pk, 1);
	msgpack_pack_int(&pk, 5);
	call_map("primes.count", true);
	expect_count(3);
	ck_assert_int_eq(result_of(0)->via.i64, 4);
	ck_assert(rig_text_has(
		rig_get(error_of(1, "bad_arguments", "no"), "message"), "array of arguments"));
	ck_assert(rig_text_has(rig_get(error_of(2, "bad_arguments", "no"), "message"),
		"takes 2 arguments (lo hi), not 1"));
}
END_TEST

START_TEST(golden_chunk_is_answered_as_the_golden_one)
{
	const struct golden *request = worker_golden("worker.chunk");
	const struct golden *answer = worker_golden("worker.chunk-answer");
	msgpack_unpacked expected;
	size_t off = 0;

	claim_offer(worker.page, 2);
	ck_assert_int_eq(fd_write_all(worker.tasks, request->bytes, request->len), 0);
	ck_assert(rig_read(&worker, &m));
	ck_assert_uint_eq(m.id, 2);
	msgpack_unpacked_init(&expected);
	ck_assert_int_eq(
		msgpack_unpack_next(&expected, (const char *)answer->bytes, answer->len, &off),
		MSGPACK_UNPACK_SUCCESS);
	ck_assert(msgpack_object_equal(*m.result, expected.data.via.array.ptr[3]));
	msgpack_unpacked_destroy(&expected);
}
END_TEST

START_TEST(item_that_fails_harms_no_other)
{
	const msgpack_object *error;

	begin_items(3);
	message_pack_str(&pk, "no wax");
	msgpack_pack_int(&pk, 5);
	message_pack_str(&pk, "no honey");
	call_map("test.fail", false);
	expect_count(3);
	error = error_of(0, "failed", "yes");
	ck_assert(rig_text_is(rig_get(error, "message"), "no wax"));
	ck_assert_uint_gt(rig_get(error, "peak_memory")->via.u64, 100000);
	ck_assert_ptr_null(message_map_get(error_of(1, "bad_arguments", "no"), "peak_memory"));
	error_of(2, "failed", "yes");
	pack_ints(4, (int64_t[]){1, 2, 3, 0});
	call_map("test.pack", false);
	expect_count(4);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert(rig_text_has(rig_get(error_of(i, "failed", "yes"), "message"),
			"not one MessagePack value"));
}
END_TEST

START_TEST(bad_chunks_are_refused)
{
	static const struct {
		const char *types, *code, *part;
	} cases[] = {
		{"", "bad_arguments", "ruche.map takes 2 to 3 arguments"},
		{"s", "bad_arguments", "ruche.map takes 2 to 3 arguments"},
		{"ss", "bad_arguments", "items must be an array"},
		{"svi", "bad_arguments", "star must be a boolean"},
		{"iv", "bad_arguments", "function must be a string"},
	};

	pack_ints(1, (int64_t[]){1});
	switch (_i) {
	case 2:
		rig_call(&worker, &m, "ruche.map", "ss", "cube", "x");
		break;
	case 3:
		rig_call(&worker, &m, "ruche.map", "svi", "cube", &items, (int64_t)1);
		break;
	case 4:
		rig_call(&worker, &m, "ruche.map", "iv", (int64_t)1, &items);
		break;
	default:
		rig_call(&worker, &m, "ruche.map", cases[_i].types, "cube");
	}
	ck_assert(rig_error_is(&m, cases[_i].code, "no"));
	ck_assert(rig_text_has(rig_get(m.error, "message"), cases[_i].part));
}
END_TEST

START_TEST(chunk_of_an_unknown_function_is_refused)
{
	pack_ints(2, (int64_t[]){1, 2});
	call_map("nope", false);
	ck_assert(rig_error_is(&m, "unknown_function", "no"));
	ck_assert(rig_text_has(rig_get(m.error, "message"), "nope"));
	call_map("ruche.map", false);
	ck_assert(rig_error_is(&m, "bad_arguments", "no"));
}
END_TEST

static void pack_deep(int depth)
{
	for (int i = 1; i < depth; i++)
		msgpack_pack_array(&pk, 1);
	msgpack_pack_array(&pk, 0);
}

START_TEST(result_is_as_deep_as_an_error_has_room_for)
{
	begin_items(3);
	pack_deep(28);
	pack_deep(29);
	msgpack_pack_int(&pk, 3);
	call_map("echo", false);
	expect_count(3);
	ck_assert_int_eq(result_of(0)->type, MSGPACK_OBJECT_ARRAY);
	ck_assert(rig_text_has(
		rig_get(error_of(1, "failed", "yes"), "message"), "nested too deeply"));
	ck_assert_int_eq(result_of(2)->via.i64, 3);
}
END_TEST

/* ---- its end */

START_TEST(chunk_ends_when_it_has_taken_its_time)
{
	begin_items(3);
	msgpack_pack_double(&pk, 0.03);
	msgpack_pack_double(&pk, 0.0);
	msgpack_pack_double(&pk, 0.0);
	call_map("sleep", false);
	expect_count(1);
	ck_assert_uint_eq(kept_pairs(), 1);
	pack_same(100, 5000);
	call_map("test.busy", false);
	ck_assert_uint_ge(m.result->via.array.size, 1);
	ck_assert_uint_le(m.result->via.array.size, 4);
}
END_TEST

START_TEST(chunk_ends_when_its_results_are_large)
{
	pack_same(5, 100000);
	call_map("test.big", false);
	ck_assert_uint_ge(m.result->via.array.size, 1);
	ck_assert_uint_le(m.result->via.array.size, 3); /* it may have run out of time first */
	ck_assert_uint_eq(result_of(0)->via.bin.size, 100000);
	pack_ints(3, (int64_t[]){CLAIM_PARTIAL_MAX, 10, 10});
	call_map("test.big", false);
	expect_count(1);
	ck_assert_uint_eq(result_of(0)->via.bin.size, CLAIM_PARTIAL_MAX);
	ck_assert_uint_eq(kept_pairs(), 0);
	/* With the seven bytes around it this fits to the last one; then the chunk is full. */
	pack_ints(3, (int64_t[]){CLAIM_PARTIAL_MAX - 7, 10, 10});
	call_map("test.big", false);
	expect_count(1);
	ck_assert_uint_eq(kept_pairs(), 1);
}
END_TEST

START_TEST(what_has_run_fits_into_a_frame)
{
	struct rig_worker big = worker;

	rig_fork(&rig, &worker, 100000);
	pack_ints(4, (int64_t[]){24000, 74900, 10, 10});
	call_map("test.big", false);
	expect_count(2);
	ck_assert_uint_eq(result_of(1)->via.bin.size, 74900);
	pack_ints(2, (int64_t[]){75000, 10});
	call_map("test.big", false);
	expect_count(2);
	error_of(0, "too_large", "yes");
	ck_assert_uint_eq(result_of(1)->via.bin.size, 10);
	rig_forget(&worker);
	worker = big;
}
END_TEST

START_TEST(chunk_that_is_stopped_tells_what_has_ended)
{
	uint32_t seq;

	begin_items(4);
	msgpack_pack_int(&pk, 0);
	msgpack_pack_int(&pk, 0);
	msgpack_pack_int(&pk, 1000);
	msgpack_pack_int(&pk, 0);
	seq = rig_hand(&worker, "ruche.map", "sv", "sleep", &items);
	while (kept_pairs() < 2)
		usleep(1000);
	rig_stop(&worker, seq, SIGTERM);
	ck_assert(rig_read(&worker, &m));
	expect_count(3);
	result_of(1);
	error_of(2, "cancelled", "maybe");
	rig_call(&worker, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
}
END_TEST

START_TEST(chunk_that_is_stopped_at_once_has_run_nothing)
{
	pack_same(10, 1);
	claim_request_stop(worker.page, claim_next_seq(worker.seq), SIGTERM);
	call_map("cube", false);
	ck_assert(rig_error_is(&m, "cancelled", "no"));
	ck_assert_uint_eq(kept_pairs(), 0);
}
END_TEST

/* ---- crashes and what is left behind */

static void pack_mixed(const char *path, int n, const char *mode)
{
	msgpack_pack_array(&pk, 3);
	message_pack_str(&pk, path);
	msgpack_pack_int(&pk, n);
	message_pack_str(&pk, mode);
}

START_TEST(crash_leaves_the_results_of_the_items_before)
{
	static const char *const modes[] = {
		"segv", "abort", "exit0", "kill9", "half", "close", "overflow"};
	const uint8_t *bytes;
	char path[64], text[64] = "";
	size_t len = 0;
	FILE *file;

	worker_temp_name(path);
	begin_items(4);
	pack_mixed(path, 1, "ok");
	pack_mixed(path, 2, "ok");
	pack_mixed(path, 3, modes[_i]);
	pack_mixed(path, 4, "ok");
	rig_hand(&worker, "ruche.map", "svb", "test.mixed", &items, 1);
	rig_reap(worker.pid);
	/* With its pipes closed a worker goes on until it has to answer. */
	ck_assert_uint_eq(kept_pairs(), strcmp(modes[_i], "close") == 0 ? 4 : 2);
	bytes = claim_partial(worker.page, worker.seq, &len);
	ck_assert_uint_ge(len, 6);
	ck_assert_mem_eq(bytes, "\x92\xc0\x01\x92\xc0\x02", 6);
	ck_assert_ptr_null(claim_partial(worker.page, worker.seq + 1, &len));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_ge(fread(text, 1, sizeof(text) - 1, file), 6);
	fclose(file);
	unlink(path);
	ck_assert_int_eq(strncmp(text, "1\n2\n3\n", 6), 0);
}
END_TEST

START_TEST(lies_about_the_results_are_not_believed)
{
	struct claim_partial *partial = claim_partial_of(worker.page);
	size_t len = 7;

	atomic_store(&partial->done, (uint64_t)5 << 32 | (CLAIM_PARTIAL_MAX + 1));
	ck_assert_ptr_null(claim_partial(worker.page, 5, &len));
	atomic_store(&partial->done, (uint64_t)5 << 32 | UINT32_MAX);
	ck_assert_ptr_null(claim_partial(worker.page, 5, &len));
	ck_assert_uint_eq(len, 7);
	atomic_store(&partial->done, (uint64_t)5 << 32 | CLAIM_PARTIAL_MAX);
	ck_assert_ptr_eq(claim_partial(worker.page, 5, &len), partial->bytes);
	ck_assert_uint_eq(len, CLAIM_PARTIAL_MAX);
	ck_assert_ptr_null(claim_partial(worker.page, 4, &len));
}
END_TEST

START_TEST(chunk_leaves_no_process_behind)
{
	char path[64];

	worker_temp_name(path);
	begin_items(2);
	message_pack_str(&pk, path);
	message_pack_str(&pk, path);
	call_map("crash.orphan", false);
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	ck_assert_int_eq(kill(worker_read_pid(path), 0), -1);
}
END_TEST

START_TEST(child_that_comes_back_from_an_item_goes_no_further)
{
	begin_items(2);
	msgpack_pack_array(&pk, 0);
	msgpack_pack_array(&pk, 0);
	call_map("crash.fork", true);
	ck_assert_uint_le(m.result->via.array.size, 2);
	rig_call(&worker, &m, "cube", "i", (int64_t)3);
	ck_assert_int_eq(m.result->via.i64, 27);
}
END_TEST

/* ---- commands */

static void pack_command(const char *script, const char *option)
{
	msgpack_pack_array(&pk, option == NULL ? 1 : 2);
	msgpack_pack_array(&pk, 3);
	message_pack_str(&pk, "sh");
	message_pack_str(&pk, "-c");
	message_pack_str(&pk, script);
	if (option != NULL) {
		msgpack_pack_map(&pk, 1);
		message_pack_str(&pk, option);
		msgpack_pack_true(&pk);
	}
}

START_TEST(commands_are_run_in_a_chunk_but_cannot_stream)
{
	static const char *const scripts[] = {"echo wax", "exit 3"};
	static const char *const options[] = {"stream", "stream_input"};

	for (int i = 0; i < 2; i++) {
		begin_items(1);
		pack_command(scripts[i], NULL);
		call_map("ruche.run", true);
		expect_count(1);
		ck_assert_int_eq(rig_get(result_of(0), "exit_status")->via.i64, i == 0 ? 0 : 3);
		ck_assert(rig_text_is(rig_get(result_of(0), "stdout"), i == 0 ? "wax\n" : ""));
		begin_items(1);
		pack_command(scripts[i], options[i]);
		call_map("ruche.run", true);
		expect_count(1);
		error_of(0, "bad_arguments", "no");
	}
}
END_TEST

static void free_items(void)
{
	msgpack_sbuffer_destroy(&items);
	msgpack_sbuffer_init(&items);
}

void check_worker_chunks(Suite *suite)
{
	TCase *t = worker_case(suite, "chunks", true);

	tcase_add_checked_fixture(t, NULL, free_items);
	tcase_add_test(t, chunk_calls_the_function_for_each_item);
	tcase_add_test(t, star_gives_each_item_as_the_arguments);
	tcase_add_test(t, golden_chunk_is_answered_as_the_golden_one);
	tcase_add_test(t, item_that_fails_harms_no_other);
	tcase_add_loop_test(t, bad_chunks_are_refused, 0, 5);
	tcase_add_test(t, chunk_of_an_unknown_function_is_refused);
	tcase_add_test(t, result_is_as_deep_as_an_error_has_room_for);
	tcase_add_test(t, chunk_ends_when_it_has_taken_its_time);
	tcase_add_test(t, chunk_ends_when_its_results_are_large);
	tcase_add_test(t, what_has_run_fits_into_a_frame);
	tcase_add_test(t, chunk_that_is_stopped_tells_what_has_ended);
	tcase_add_test(t, chunk_that_is_stopped_at_once_has_run_nothing);
	tcase_add_loop_test(t, crash_leaves_the_results_of_the_items_before, 0, 7);
	tcase_add_test(t, lies_about_the_results_are_not_believed);
	tcase_add_test(t, chunk_leaves_no_process_behind);
	tcase_add_test(t, child_that_comes_back_from_an_item_goes_no_further);
	tcase_add_test(t, commands_are_run_in_a_chunk_but_cannot_stream);
}
