/* SPDX-License-Identifier: MIT */
/* Looking into packed values without decoding them, and errors as they lie in a response. */
#include "check_supervisor.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "supervisor/errors.h"
#include "supervisor/pieces.h"
#include "supervisor/supervisor.h"
#include "wire/message.h"

/* ---- pieces ------------------------------------------------------------------------------- */

/* [1, "two", {"a": true, "b": [7, 8]}, nil] */
static const uint8_t bytes[] = {
	0x94, 0x01, 0xa3, 't', 'w', 'o', 0x82, 0xa1, 'a', 0xc3, 0xa1, 'b', 0x92, 0x07, 0x08, 0xc0};
static const struct piece whole = {bytes, sizeof(bytes)};

START_TEST(piece_of_an_array_is_found_by_its_place)
{
	ck_assert_ptr_eq(piece_in_array(whole, 0).data, bytes + 1);
	ck_assert(piece_is_str(piece_in_array(whole, 1), "two"));
	ck_assert_uint_eq(piece_in_array(whole, 2).len, 9);
	ck_assert_uint_eq(*piece_in_array(whole, 3).data, 0xc0);
	ck_assert_uint_eq(piece_in_array(whole, 4).len, 0);
}
END_TEST

START_TEST(piece_of_a_map_is_found_by_its_key)
{
	struct piece map = piece_in_array(whole, 2);

	ck_assert(piece_is_true(piece_in_map(map, "a")));
	ck_assert_uint_eq(*piece_in_array(piece_in_map(map, "b"), 1).data, 8);
	ck_assert_uint_eq(piece_in_map(map, "c").len, 0);
	ck_assert_uint_eq(piece_in_map(map, "").len, 0);
}
END_TEST

START_TEST(there_is_nothing_in_what_is_no_container)
{
	ck_assert_uint_eq(piece_in_map(whole, "a").len, 0);
	ck_assert_uint_eq(piece_in_array(piece_in_array(whole, 0), 0).len, 0);
	ck_assert_uint_eq(piece_in_array(piece_in_array(whole, 2), 0).len, 0);
	ck_assert_uint_eq(piece_in_map((struct piece){0}, "a").len, 0);
	ck_assert_uint_eq(piece_in_array((struct piece){0}, 0).len, 0);
	ck_assert(!piece_is_str((struct piece){0}, ""));
	ck_assert(!piece_is_true((struct piece){0}));
}
END_TEST

START_TEST(cut_off_value_has_no_pieces_behind_the_cut)
{
	for (size_t len = 0; len < sizeof(bytes); len++) {
		uint8_t *cut = malloc(len + 1); /* a checker sees what is read behind it */
		struct piece piece = {memcpy(cut, bytes, len), len};

		ck_assert_uint_eq(piece_in_array(piece, 3).len, 0);
		ck_assert_uint_eq(piece_in_array(piece, 1).len, len < 6 ? 0 : 4);
		free(cut);
	}
}
END_TEST

START_TEST(cut_off_map_has_no_pieces_behind_the_cut)
{
	const uint8_t *map = piece_in_array(whole, 2).data;

	for (size_t len = 0; len < 9; len++) {
		uint8_t *cut = malloc(len + 1);
		struct piece piece = {memcpy(cut, map, len), len};

		ck_assert_uint_eq(piece_in_map(piece, "b").len, 0);
		ck_assert_uint_eq(piece_in_map(piece, "a").len, len < 4 ? 0 : 1);
		free(cut);
	}
}
END_TEST

START_TEST(what_stands_behind_a_container_is_not_in_it)
{
	struct piece array = {bytes + 12, 4}, map = {bytes + 6, 10};

	ck_assert_uint_eq(*piece_in_array(array, 1).data, 8);
	ck_assert_uint_eq(piece_in_array(array, 2).len, 0);
	ck_assert_uint_eq(piece_in_map(map, "c").len, 0);
}
END_TEST

START_TEST(text_is_compared_whole)
{
	struct piece two = piece_in_array(whole, 1);

	ck_assert(!piece_is_str(two, "tw"));
	ck_assert(!piece_is_str(two, "twos"));
	ck_assert(!piece_is_str(two, ""));
	ck_assert(!piece_is_str(piece_in_array(whole, 0), "1"));
}
END_TEST

/* ---- errors ------------------------------------------------------------------------------- */

static struct supervisor sup; /* of which errors.c uses the buffer alone */
static msgpack_sbuffer made;

static void set_up(void)
{
	msgpack_sbuffer_init(&sup.body);
	msgpack_sbuffer_init(&made);
}

static void tear_down(void)
{
	msgpack_sbuffer_destroy(&sup.body);
	msgpack_sbuffer_destroy(&made);
}

/* A worker's error with this code and `executed`, as a body. */
static void make_body(const char *code, const char *executed)
{
	msgpack_packer pk;

	msgpack_sbuffer_clear(&made);
	msgpack_packer_init(&pk, &made, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 3);
	message_pack_str(&pk, "code");
	message_pack_str(&pk, code);
	message_pack_str(&pk, "message");
	message_pack_str(&pk, "so it is");
	message_pack_str(&pk, "executed");
	message_pack_str(&pk, executed);
	msgpack_pack_nil(&pk);
}

static struct errors_gist read_made(void)
{
	return errors_read(made.data, made.size);
}

START_TEST(body_with_a_result_is_no_error)
{
	static const uint8_t body[] = {0xc0, 0x05};

	ck_assert_int_eq(errors_read(body, sizeof(body)).code, RUCHE_OK);
	ck_assert_int_eq(errors_read(body, sizeof(body)).executed, RUCHE_EXECUTED_YES);
}
END_TEST

START_TEST(body_without_a_byte_is_a_failure)
{
	ck_assert_int_eq(errors_read("\xc0", 0).code, RUCHE_FAILED);
}
END_TEST

START_TEST(workers_error_is_read)
{
	for (int e = 0; e < RUCHE_EXECUTED_COUNT; e++) {
		make_body("bad_arguments", message_executed_name((enum ruche_executed)e));
		ck_assert_int_eq(read_made().code, RUCHE_BAD_ARGUMENTS);
		ck_assert_int_eq((int)read_made().executed, e);
	}
}
END_TEST

START_TEST(word_that_is_not_known_is_taken_for_the_worse)
{
	make_body("exploded", "perhaps");
	ck_assert_int_eq(read_made().code, RUCHE_FAILED);
	ck_assert_int_eq(read_made().executed, RUCHE_EXECUTED_MAYBE);
}
END_TEST

START_TEST(foreign_error_is_a_failure_that_ran)
{
	static const uint8_t bodies[][4] = {{0xa2, 'n', 'o', 0xc0}, {0x05, 0xc0}, {0x80, 0xc0}};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct errors_gist gist = errors_read(bodies[i], sizeof(bodies[i]));

		ck_assert_int_eq(gist.code, RUCHE_FAILED);
		ck_assert_int_eq(gist.executed, RUCHE_EXECUTED_YES);
	}
}
END_TEST

/* The error of a body, unpacked; to be destroyed by the caller. */
static struct message_error unpack(struct errors_body body, msgpack_unpacked *unpacked)
{
	struct message_error error;
	size_t off = 0;

	msgpack_unpacked_init(unpacked);
	ck_assert_int_eq(
		msgpack_unpack_next(unpacked, body.data, body.len, &off), MSGPACK_UNPACK_SUCCESS);
	message_get_error(&unpacked->data, &error);
	ck_assert_uint_eq(((const uint8_t *)body.data)[off], 0xc0); /* the result */
	ck_assert_uint_eq(off + 1, body.len);
	return error;
}

static const struct message_error story = {
	.attempts = 3, .has_times = true, .queued = 0.5, .ran = 1.25};

START_TEST(story_is_added_and_nothing_lost)
{
	msgpack_unpacked unpacked;
	struct message_error error;

	make_body("failed", "yes");
	error = unpack(errors_extend(&sup, made.data, made.size, &story), &unpacked);
	ck_assert_int_eq(error.code, RUCHE_FAILED);
	ck_assert_int_eq(error.executed, RUCHE_EXECUTED_YES);
	ck_assert_mem_eq(error.message, "so it is", 8);
	ck_assert_uint_eq(error.attempts, 3);
	ck_assert_double_eq(error.queued, 0.5);
	ck_assert_double_eq(error.ran, 1.25);
	msgpack_unpacked_destroy(&unpacked);
}
END_TEST

static const struct {
	const char *said;
	enum ruche_executed least, told;
} executions[] = {
	{"no", RUCHE_EXECUTED_NO, RUCHE_EXECUTED_NO},
	{"no", RUCHE_EXECUTED_MAYBE, RUCHE_EXECUTED_MAYBE},
	{"maybe", RUCHE_EXECUTED_NO, RUCHE_EXECUTED_MAYBE},
	{"maybe", RUCHE_EXECUTED_MAYBE, RUCHE_EXECUTED_MAYBE},
	{"yes", RUCHE_EXECUTED_MAYBE, RUCHE_EXECUTED_YES},
};

START_TEST(story_of_earlier_runs_can_only_make_it_more_executed)
{
	struct message_error earlier = story, error;
	msgpack_unpacked unpacked;

	make_body("failed", executions[_i].said);
	earlier.executed = executions[_i].least;
	error = unpack(errors_extend(&sup, made.data, made.size, &earlier), &unpacked);
	ck_assert_int_eq(error.executed, executions[_i].told);
	ck_assert_int_eq(error.code, RUCHE_FAILED);
	ck_assert_mem_eq(error.message, "so it is", 8);
	ck_assert_uint_eq(error.attempts, 3);
	msgpack_unpacked_destroy(&unpacked);
}
END_TEST

/* {"code": "failed", "x": [1, 2]} [3]: what we do not know, and a result that is not nil */
START_TEST(story_stands_behind_what_the_worker_said_byte_by_byte)
{
	static const char body[] = "\x82\xa4"
				   "code"
				   "\xa6"
				   "failed"
				   "\xa1x\x92\x01\x02\x91\x03";
	size_t head = 1, result = 2, len = sizeof(body) - 1;
	struct errors_body longer = errors_extend(&sup, body, len, &story);
	const uint8_t *data = longer.data;

	ck_assert_uint_eq(data[0], 0x85); /* three pairs more */
	ck_assert_mem_eq(data + 1, body + head, len - head - result);
	ck_assert_mem_eq(data + len - result,
		"\xa8"
		"attempts",
		9);
	ck_assert_mem_eq(data + longer.len - result, "\x91\x03", result);
	ck_assert(
		piece_is_str(piece_in_map(piece_at(data, data + longer.len, 0), "code"), "failed"));
}
END_TEST

START_TEST(foreign_error_stays_as_it_is)
{
	static const uint8_t body[] = {0xa2, 'n', 'o', 0xc0};
	struct errors_body same = errors_extend(&sup, body, sizeof(body), &story);

	ck_assert_ptr_eq(same.data, body);
	ck_assert_uint_eq(same.len, sizeof(body));
}
END_TEST

START_TEST(story_that_is_there_is_not_told_twice)
{
	struct errors_body once, twice;
	msgpack_sbuffer copy;

	make_body("failed", "yes");
	once = errors_extend(&sup, made.data, made.size, &story);
	msgpack_sbuffer_init(&copy);
	msgpack_sbuffer_write(&copy, once.data, once.len);
	twice = errors_extend(&sup, copy.data, copy.size, &story);
	ck_assert_ptr_eq(twice.data, copy.data);
	msgpack_sbuffer_destroy(&copy);
}
END_TEST

START_TEST(own_error_is_a_body)
{
	const struct message_error error = {.code = RUCHE_CRASHED,
		.executed = RUCHE_EXECUTED_MAYBE,
		.exit_status = -1,
		.signal = 9,
		.message = "gone",
		.message_len = 4,
		.has_times = true,
		.attempts = 2};
	struct errors_body body = errors_pack(&sup, &error);
	struct errors_gist gist = errors_read(body.data, body.len);
	msgpack_unpacked unpacked;
	struct message_error got = unpack(body, &unpacked);

	ck_assert_int_eq(gist.code, RUCHE_CRASHED);
	ck_assert_int_eq(gist.executed, RUCHE_EXECUTED_MAYBE);
	ck_assert_int_eq(got.signal, 9);
	ck_assert_uint_eq(got.attempts, 2);
	msgpack_unpacked_destroy(&unpacked);
}
END_TEST

START_TEST(quarantine_says_how_often_why_and_what_to_do)
{
	struct records records = {0};
	struct record *record = records_get(&records, "cube", 4);
	char message[640];

	record_on_crash(record, "killed by a bee", 1, 0);
	errors_quarantined(record, message, sizeof(message));
	ck_assert_ptr_nonnull(strstr(message, "1 times"));
	ck_assert_ptr_nonnull(strstr(message, "killed by a bee"));
	ck_assert_ptr_nonnull(strstr(message, "ruche quarantine --release cube"));
	records_fini(&records);
}
END_TEST

static void add_pieces(Suite *suite)
{
	TCase *tc = tcase_create("pieces");

	tcase_add_test(tc, piece_of_an_array_is_found_by_its_place);
	tcase_add_test(tc, piece_of_a_map_is_found_by_its_key);
	tcase_add_test(tc, there_is_nothing_in_what_is_no_container);
	tcase_add_test(tc, cut_off_value_has_no_pieces_behind_the_cut);
	tcase_add_test(tc, cut_off_map_has_no_pieces_behind_the_cut);
	tcase_add_test(tc, what_stands_behind_a_container_is_not_in_it);
	tcase_add_test(tc, text_is_compared_whole);
	suite_add_tcase(suite, tc);
}

void add_supervisor_errors(Suite *suite)
{
	TCase *tc = tcase_create("errors");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, body_with_a_result_is_no_error);
	tcase_add_test(tc, body_without_a_byte_is_a_failure);
	tcase_add_test(tc, workers_error_is_read);
	tcase_add_test(tc, word_that_is_not_known_is_taken_for_the_worse);
	tcase_add_test(tc, foreign_error_is_a_failure_that_ran);
	tcase_add_test(tc, story_is_added_and_nothing_lost);
	tcase_add_loop_test(
		tc, story_of_earlier_runs_can_only_make_it_more_executed, 0, COUNT(executions));
	tcase_add_test(tc, story_stands_behind_what_the_worker_said_byte_by_byte);
	tcase_add_test(tc, foreign_error_stays_as_it_is);
	tcase_add_test(tc, story_that_is_there_is_not_told_twice);
	tcase_add_test(tc, own_error_is_a_body);
	tcase_add_test(tc, quarantine_says_how_often_why_and_what_to_do);
	suite_add_tcase(suite, tc);
	add_pieces(suite);
}
