/* SPDX-License-Identifier: MIT */

/* Maps: what is sent for items, and what becomes of each. */

#include "base/fd.h"
#include "check_client.h"
#include "fake_daemon.h"
#include "wire/arena.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CANCEL(id) "93 02 'ruche.cancel' 92 ce000000" id " 00"

static struct fake fake;

/* ---- items: the numbers from 0 to count - 1 */

struct numbers {
	int64_t next, count;
	int end;    /* what comes after them */
	int nap_ms; /* before each, from this one on */
	int64_t nap_from;
	uint8_t packed[18];
};

static struct numbers numbers;

static int next_number(void *user, const void **ret, size_t *ret_len)
{
	struct numbers *from = user;

	if (from->next == from->count)
		return from->end;
	if (from->nap_ms > 0 && from->next >= from->nap_from)
		poll(NULL, 0, from->nap_ms);
	*ret = from->packed;
	*ret_len = ruche_pack_int128(from->next++, from->packed);
	return 1;
}

static const struct ruche_items number_items = {next_number, &numbers};

static void setup(void)
{
	fake_open(&fake);
	numbers = (struct numbers){0};
}

static void teardown(void)
{
	fake_close(&fake);
}

static struct ruche_map *map_numbers(int64_t count, const struct ruche_map_options *options)
{
	struct ruche_map *map = NULL;

	numbers.count = count;
	ck_assert_int_eq(ruche_imap(fake.ruche, &map, options, "f", &number_items), 0);
	return map;
}

/* Has it do what it can without a reply, in particular send; each time it takes items for a slice of time. */
static void push(struct ruche_map *map)
{
	struct ruche_reply *reply;

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ruche_map_next(map, 0, NULL, &reply), 0);
}

/* ---- replies */

static struct ruche_reply *next_reply(struct ruche_map *map, size_t index)
{
	struct ruche_reply *reply = NULL;
	size_t have = SIZE_MAX;

	ck_assert_int_eq(ruche_map_next(map, 5000, &have, &reply), 1);
	ck_assert_uint_eq(have, index);
	ck_assert_uint_eq(ruche_reply_id(reply), 0);
	return reply;
}

static void expect_value(struct ruche_map *map, size_t index, int64_t value)
{
	struct ruche_reply *reply = next_reply(map, index);
	int64_t have = -1;

	ck_assert_int_eq(ruche_reply_int64(reply, &have), 0);
	ck_assert_int_eq(have, value);
	ruche_reply_free(reply);
}

/* For very many: each ck_assert is a write to a file. */
static bool next_is(struct ruche_map *map, size_t index, int64_t value)
{
	struct ruche_reply *reply = NULL;
	size_t have_index = SIZE_MAX;
	int64_t have = -1;
	bool good;

	good = ruche_map_next(map, 5000, &have_index, &reply) == 1 && have_index == index &&
	       ruche_reply_id(reply) == 0 && ruche_reply_int64(reply, &have) == 0 && have == value;
	ruche_reply_free(reply);
	return good;
}

static void expect_error(
	struct ruche_map *map, size_t index, enum ruche_code code, enum ruche_executed executed)
{
	struct ruche_reply *reply = next_reply(map, index);

	ck_assert_int_eq(ruche_reply_code(reply), code);
	ck_assert_int_eq(ruche_reply_error(reply)->executed, executed);
	ck_assert_str_ne(ruche_reply_error(reply)->message, "");
	ruche_reply_free(reply);
}

/* There are no more replies, for this reason. */
static void expect_end(struct ruche_map *map, int reason)
{
	struct ruche_reply *reply = NULL;

	ck_assert_int_eq(ruche_map_next(map, 5000, NULL, &reply), reason);
	ck_assert_int_eq(ruche_map_next(map, 0, NULL, &reply), reason);
	ck_assert_ptr_null(reply);
	ck_assert_int_eq(ruche_map_ready(map), 1);
	ruche_map_free(map);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 0);
}

/* ---- calls of single items */

static const struct ruche_map_options singles = {.chunk = 1};

START_TEST(an_item_is_the_only_argument_of_a_call)
{
	struct ruche_map *map = map_numbers(3, &singles);

	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
	push(map);
	fake_expect(&fake, "94 00 ce00000001 'f' 91 00");
	fake_expect(&fake, "94 00 ce00000002 'f' 91 01");
	fake_expect(&fake, "94 00 ce00000003 'f' 91 02");
	for (uint32_t id = 1; id <= 3; id++)
		fake_answer(&fake, id, "07");
	for (size_t i = 0; i < 3; i++)
		expect_value(map, i, 7);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(results_come_in_the_order_of_the_items)
{
	struct ruche_map *map = map_numbers(3, NULL);

	push(map);
	fake_answer(&fake, 3, "0c");
	fake_refuse(&fake, 2, "82 'code' 'failed' 'executed' 'yes'");
	push(map);
	ck_assert_int_eq(ruche_map_ready(map), 0);
	fake_answer(&fake, 1, "0a");
	expect_value(map, 0, 10);
	ck_assert_int_eq(ruche_map_ready(map), 1);
	expect_error(map, 1, RUCHE_FAILED, RUCHE_EXECUTED_YES);
	expect_value(map, 2, 12);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(results_come_as_they_end_if_that_is_wanted)
{
	const struct ruche_map_options unordered = {.unordered = true};
	struct ruche_map *map = NULL;

	for (int i = 0; i < 2; i++) {
		uint32_t first = (uint32_t)i * 3 + 1;

		numbers = (struct numbers){.count = 3};
		if (i == 0)
			map = map_numbers(3, &unordered);
		else
			ck_assert_int_eq(
				ruche_imap_unordered(fake.ruche, &map, NULL, "f", &number_items),
				0);
		push(map);
		fake_answer(&fake, first + 2, "0c");
		expect_value(map, 2, 12);
		fake_answer(&fake, first, "0a");
		fake_answer(&fake, first + 1, "0b");
		expect_value(map, 0, 10);
		expect_value(map, 1, 11);
		expect_end(map, -ENOENT);
	}
}
END_TEST

START_TEST(options_go_with_each_call)
{
	const struct ruche_options limited = {.timeout = 2, .tag = "t"};
	const struct ruche_map_options options = {.call = &limited};
	struct ruche_map *map = map_numbers(2, &options);

	push(map);
	fake_expect(&fake, "94 00 ce00000001 'ruche.call' 93 'f' 91 00"
			   "82 'timeout' cb4000000000000000 'tag' 't'");
	fake_expect(&fake, "94 00 ce00000002 'ruche.call' 93 'f' 91 01"
			   "82 'timeout' cb4000000000000000 'tag' 't'");
	ruche_map_free(map);
}
END_TEST

START_TEST(the_items_of_a_star_map_are_all_the_arguments)
{
	const struct ruche_map_options star = {.star = true};
	const uint8_t items[] = {0x93, 0x92, 0x01, 0x02, 0x05, 0x90};
	struct ruche_map *map;

	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, &star, "f", items, sizeof(items)), 0);
	fake_expect(&fake, "94 00 ce00000001 'f' 92 01 02");
	fake_expect(&fake, "94 00 ce00000002 'f' 90");
	fake_answer(&fake, 1, "03");
	fake_answer(&fake, 2, "00");
	expect_value(map, 0, 3);
	expect_error(map, 1, RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO);
	expect_value(map, 2, 0);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(no_items_have_no_results)
{
	struct ruche_map *map = map_numbers(0, NULL);

	ck_assert_int_eq(ruche_map_ready(map), 0); /* nobody has asked yet */
	expect_end(map, -ENOENT);
	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, NULL, "f", "\x90", 1), 0);
	ck_assert_int_eq(ruche_map_ready(map), 1);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(time_is_up_and_nothing_is_lost)
{
	struct ruche_map *map = map_numbers(1, NULL);
	struct ruche_reply *reply = NULL;
	size_t index = 77;

	ck_assert_int_eq(ruche_map_next(map, 20, &index, &reply), 0);
	ck_assert_uint_eq(index, 77);
	ck_assert_ptr_null(reply);
	fake_answer(&fake, 1, "07");
	expect_value(map, 0, 7);
	expect_end(map, -ENOENT);
}
END_TEST

/* ---- chunks */

static const struct ruche_map_options threes = {.chunk = 3};

START_TEST(a_chunk_is_one_call_for_many_items)
{
	struct ruche_map *map = map_numbers(7, &threes);

	push(map);
	fake_expect(&fake, "94 00 ce00000001 'ruche.map' 93 'f' 93 00 01 02 c2");
	fake_expect(&fake, "94 00 ce00000002 'ruche.map' 93 'f' 93 03 04 05 c2");
	fake_expect(&fake, "94 00 ce00000003 'f' 91 06");
	fake_answer(&fake, 2, "93 92c003 9282'code' 'failed' 'executed' 'yes' c0 92c005");
	fake_answer(&fake, 3, "06");
	push(map);
	fake_answer(&fake, 1, "93 92c000 92c001 92c002");
	for (int i = 0; i < 4; i++)
		expect_value(map, (size_t)i, i);
	expect_error(map, 4, RUCHE_FAILED, RUCHE_EXECUTED_YES);
	expect_value(map, 5, 5);
	expect_value(map, 6, 6);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(a_chunk_takes_star_options_and_pool_along)
{
	const struct ruche_options urgent = {.priority = 3};
	const struct ruche_map_options options = {.call = &urgent, .chunk = 9, .star = true};
	const uint8_t items[] = {0x93, 0x91, 0x01, 0x91, 0x02, 0x90};
	struct ruche_map *map;

	ck_assert_int_eq(
		ruche_map_async(fake.ruche, &map, &options, "gpu/f", items, sizeof(items)), 0);
	fake_expect(&fake, "94 00 ce00000001 'ruche.call' 93 'gpu/ruche.map'"
			   "93 'f' 93 9101 9102 90 c3 81 'priority' 03");
	ruche_map_free(map);
	ck_assert_int_eq(
		ruche_map_async(fake.ruche, &map, &threes, "gpu/f", items, sizeof(items)), 0);
	fake_expect(&fake, CANCEL("01"));
	fake_expect(&fake, "94 00 ce00000002 'gpu/ruche.map' 93 'f' 93 9101 9102 90 c2");
	ruche_map_free(map);
}
END_TEST

START_TEST(a_chunk_that_ends_early_is_sent_again_for_the_rest)
{
	struct ruche_map *map = map_numbers(4, &(struct ruche_map_options){.chunk = 4});

	push(map);
	fake_expect(&fake, "94 00 ce00000001 'ruche.map' 93 'f' 94 00 01 02 03 c2");
	fake_answer(&fake, 1, "91 92c00a");
	expect_value(map, 0, 10);
	fake_expect(&fake, "94 00 ce00000002 'ruche.map' 93 'f' 93 01 02 03 c2");
	fake_answer(&fake, 2, "92 92c00b 92c00c");
	expect_value(map, 1, 11);
	expect_value(map, 2, 12);
	fake_expect(&fake, "94 00 ce00000003 'f' 91 03");
	fake_answer(&fake, 3, "0d");
	expect_value(map, 3, 13);
	expect_end(map, -ENOENT);
}
END_TEST

#define CRASHED "'code' 'crashed' 'message' 'boo' 'executed' 'maybe'"

START_TEST(a_crash_costs_the_item_that_ran)
{
	struct ruche_map *map = map_numbers(4, &(struct ruche_map_options){.chunk = 4});
	struct ruche_reply *reply;

	push(map);
	fake_skip(&fake, -1);
	fake_refuse(&fake, 1, "84" CRASHED "'partial' 91 92c00a");
	expect_value(map, 0, 10);
	reply = next_reply(map, 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_CRASHED);
	ck_assert_str_eq(ruche_reply_error(reply)->message, "boo");
	ruche_reply_free(reply);
	fake_expect(&fake, "94 00 ce00000002 'ruche.map' 93 'f' 92 02 03 c2");
	fake_refuse(&fake, 2, "84 'partial' 90" CRASHED);
	expect_error(map, 2, RUCHE_CRASHED, RUCHE_EXECUTED_MAYBE);
	fake_expect(&fake, "94 00 ce00000003 'f' 91 03");
	fake_refuse(&fake, 3, "83" CRASHED);
	expect_error(map, 3, RUCHE_CRASHED, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(a_crash_after_the_last_item_costs_none)
{
	struct ruche_map *map = map_numbers(2, &threes);

	push(map);
	fake_refuse(&fake, 1, "84" CRASHED "'partial' 92 92c00a 92c00b");
	expect_value(map, 0, 10);
	expect_value(map, 1, 11);
	expect_end(map, -ENOENT);
}
END_TEST

/* The results of a partial answer may be longer than any error is read otherwise. */
START_TEST(a_long_partial_answer_is_understood)
{
	enum { LEN = 2 * 1000 * 1000 };
	struct ruche_map *map = map_numbers(2, &threes);
	uint8_t *frame = calloc(1, LEN + 100);
	size_t len, end;
	struct ruche_reply *reply;
	const char *bytes;

	push(map);
	len = bytes_of("94 01 ce00000001 84" CRASHED "'partial' 91 92c0 c6001e8480", frame, 100);
	end = len + LEN;
	frame[end++] = 0xc0;
	for (size_t at = 0; at < end; at += 50000) {
		fake_send(&fake, frame + at, end - at < 50000 ? end - at : 50000);
		ck_assert_int_eq(ruche_process(fake.ruche), 0);
	}
	free(frame);
	reply = next_reply(map, 0);
	ck_assert_int_eq(ruche_reply_bytes(reply, &bytes, &len), 0);
	ck_assert_uint_eq(len, LEN);
	ruche_reply_free(reply);
	expect_error(map, 1, RUCHE_CRASHED, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ENOENT);
}
END_TEST

/* Errors that do not tell which items have run are the error of each. */
static const struct {
	const char *hex;
	enum ruche_code code;
	enum ruche_executed executed;
} whole_errors[] = {
	{"82 'code' 'busy' 'executed' 'no'", RUCHE_BUSY, RUCHE_EXECUTED_NO},
	{"83" CRASHED, RUCHE_CRASHED, RUCHE_EXECUTED_MAYBE},
	{"84" CRASHED "'partial' c0", RUCHE_CRASHED, RUCHE_EXECUTED_MAYBE},
	{"84" CRASHED "'partial' 94 92c001 92c001 92c001 92c001", RUCHE_CRASHED,
		RUCHE_EXECUTED_MAYBE},
	{"82 'code' 'unknown_function' 'executed' 'maybe'", RUCHE_UNKNOWN_FUNCTION,
		RUCHE_EXECUTED_MAYBE},
	{"'boo'", RUCHE_FAILED, RUCHE_EXECUTED_MAYBE},
	{"05", RUCHE_FAILED, RUCHE_EXECUTED_MAYBE},
};

START_TEST(an_error_of_the_whole_chunk_is_that_of_each_item)
{
	struct ruche_map *map = map_numbers(3, &threes);

	push(map);
	fake_skip(&fake, -1);
	fake_refuse(&fake, 1, whole_errors[_i].hex);
	for (size_t i = 0; i < 3; i++)
		expect_error(map, i, whole_errors[_i].code, whole_errors[_i].executed);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(a_pool_without_chunks_gets_single_items)
{
	struct ruche_map *map = map_numbers(5, &(struct ruche_map_options){.chunk = 2});

	push(map);
	fake_expect(&fake, "94 00 ce00000001 'ruche.map' 93 'f' 92 00 01 c2");
	fake_expect(&fake, "94 00 ce00000002 'ruche.map' 93 'f' 92 02 03 c2");
	fake_expect(&fake, "94 00 ce00000003 'f' 91 04");
	fake_refuse(&fake, 1, "82 'code' 'unknown_function' 'executed' 'no'");
	push(map);
	fake_expect(&fake, "94 00 ce00000004 'f' 91 00");
	fake_expect(&fake, "94 00 ce00000005 'f' 91 01");
	fake_refuse(&fake, 2, "82 'code' 'unknown_function' 'executed' 'no'");
	push(map);
	fake_expect(&fake, "94 00 ce00000006 'f' 91 02");
	fake_expect(&fake, "94 00 ce00000007 'f' 91 03");
	for (uint32_t id = 3; id <= 7; id++)
		fake_answer(&fake, id, "07");
	for (size_t i = 0; i < 5; i++)
		expect_value(map, i, 7);
	expect_end(map, -ENOENT);
}
END_TEST

static const char *const nonsense[] = {"c0", "90", "05", "80", "94 92c001 92c001 92c001 92c001"};

START_TEST(an_answer_that_is_no_array_of_pairs_is_an_error_of_each_item)
{
	struct ruche_map *map = map_numbers(3, &threes);

	push(map);
	fake_answer(&fake, 1, nonsense[_i]);
	for (size_t i = 0; i < 3; i++)
		expect_error(map, i, RUCHE_PROTOCOL, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ENOENT);
}
END_TEST

static const char *const no_pairs[] = {"05", "c0", "90", "91c0", "80"};

START_TEST(what_is_behind_a_pair_that_is_none_is_not_believed)
{
	struct ruche_map *map = map_numbers(3, &threes);
	char hex[64];

	push(map);
	snprintf(hex, sizeof(hex), "93 92c00a %s 92c00c", no_pairs[_i]);
	fake_answer(&fake, 1, hex);
	expect_value(map, 0, 10);
	expect_error(map, 1, RUCHE_PROTOCOL, RUCHE_EXECUTED_MAYBE);
	expect_error(map, 2, RUCHE_PROTOCOL, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ENOENT);
}
END_TEST

/* ---- chunks whose pairs lie in memory that is shared */

enum { ARENA_LARGE = 4 << 20 };

static struct arena arena;

/* A large result has it asked for. */
static void open_arena(void)
{
	const uint64_t size = arena_size(ARENA_LARGE, 1);
	static char large[3 + ARENA_MIN] = {(char)0xc5, (char)(ARENA_MIN >> 8)};
	struct ruche_reply *reply;
	char hex[64];
	int fd = fd_memory("arena", (off_t)size);

	ck_assert_uint_eq(fake_submit(&fake), 1);
	fake_send_hex(&fake, "94 01 ce00000001 c0");
	fake_send(&fake, large, sizeof(large));
	ck_assert_int_eq(ruche_wait(fake.ruche, 1, -1, &reply), 1);
	ruche_reply_free(reply);
	fake_skip(&fake, -1);
	snprintf(hex, sizeof(hex), "92 ce%08x ce%08x", (unsigned int)size,
		(unsigned int)ARENA_LARGE);
	fake_answer_fd(&fake, 2, hex, fd);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(arena_map(&arena, fd, size, ARENA_LARGE), 0);
	fd_close(&fd);
}

/* Answers call `id` by a reference to these bytes, as a worker would; the lane. */
static int answer_in_arena(uint32_t id, const char *hex)
{
	uint8_t bytes[256],
		frame[8 + ARENA_REF_SIZE] = {0x94, 0x01, 0xce, 0, 0, 0, (uint8_t)id, 0xc0};
	size_t len = bytes_of(hex, bytes, sizeof(bytes));
	struct arena_ref ref;
	int lane = arena_put_value(&arena, 1, bytes, len, &ref);

	ck_assert_int_ge(lane, 0);
	frame[8] = 0xd8;
	frame[9] = ARENA_EXT;
	arena_write_ref(frame + 10, &ref);
	fake_send(&fake, frame, sizeof(frame));
	return lane;
}

START_TEST(pairs_in_shared_memory_are_those_of_a_chunk)
{
	struct ruche_map *map;
	int lane;

	open_arena();
	map = map_numbers(3, &threes);
	push(map);
	lane = answer_in_arena(3, "93 92c00a 92c091c0 92c0cd0100");
	expect_value(map, 0, 10);
	/* It is a copy that is looked at: the lane is free again. */
	ck_assert_int_eq(arena_take(&arena, 100, 1), lane);
	ruche_reply_free(next_reply(map, 1));
	expect_value(map, 2, 256);
	expect_end(map, -ENOENT);
	arena_unmap(&arena);
}
END_TEST

/* Nobody has looked at all of it before: it is followed as far as it makes sense. */
static const struct {
	const char *hex;
	size_t good; /* pairs */
} bad_memory[] = {
	{"93 92c00a 92c00b", 2}, /* short of a pair */
	{"93 92c00a 92c0", 1},   /* of a result */
	{"93 92c00a 92", 1},
	{"93", 0},
	{"93 92c00a 92c0cd01", 1},       /* of a byte */
	{"93 92c00a 92c0db7fffffff", 1}, /* of very many */
	{"93 92c00a 92c0c1 92c00c", 1},
	{"93 92c00a 92c0ddffffffff", 1},
	{"dc", 0},
	{"94 92c00a 92c00b 92c00c 92c00d", 0}, /* more than there were items */
	{"05", 0},
};

START_TEST(pairs_in_shared_memory_are_never_read_past_their_end)
{
	struct ruche_map *map;

	open_arena();
	map = map_numbers(3, &threes);
	push(map);
	answer_in_arena(3, bad_memory[_i].hex);
	for (size_t i = 0; i < 3; i++)
		if (i < bad_memory[_i].good)
			expect_value(map, i, 10 + (int64_t)i);
		else
			expect_error(map, i, RUCHE_PROTOCOL, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ENOENT);
	arena_unmap(&arena);
}
END_TEST

/* ---- items that cannot be sent */

/* An array of arrays of ..., `depth` deep. */
static size_t put_deep(uint8_t *to, size_t depth)
{
	memset(to, 0x91, depth - 1);
	to[depth - 1] = 0x90;
	return depth;
}

START_TEST(what_is_too_deep_for_a_chunk_goes_alone)
{
	uint8_t items[128] = {0x94, 0x05};
	size_t len = 2;
	struct ruche_map *map;

	len += put_deep(items + len, 30);
	items[len++] = 0x06;
	len += put_deep(items + len, 31);
	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, &threes, "f", items, len), 0);
	fake_expect(&fake, "94 00 ce00000001 'f' 91 05");
	fake_expect(&fake, "94 00 ce00000002 'f' 91");
	fake_skip(&fake, 30);
	fake_expect(&fake, "94 00 ce00000003 'f' 91 06");
	for (uint32_t id = 1; id <= 3; id++)
		fake_answer(&fake, id, "07");
	for (size_t i = 0; i < 3; i++)
		expect_value(map, i, 7);
	expect_error(map, 3, RUCHE_BAD_ARGUMENTS, RUCHE_EXECUTED_NO);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(what_is_too_long_is_told_so)
{
	size_t size = ruche_frame_max();
	uint8_t *items = calloc(1, size + 7);
	struct ruche_map *map;

	ck_assert_ptr_nonnull(items);
	ck_assert_uint_eq(size, 64 * 1024 * 1024);
	memcpy(items, "\x92\xc6\x04\0\0\0", 6); /* 64 MiB */
	items[size + 6] = 0x05;
	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, NULL, "f", items, size + 7), 0);
	expect_error(map, 0, RUCHE_TOO_LARGE, RUCHE_EXECUTED_NO);
	fake_answer(&fake, 1, "07");
	expect_value(map, 1, 7);
	expect_end(map, -ENOENT);
	free(items);
}
END_TEST

START_TEST(a_chunk_is_bounded_in_bytes)
{
	enum { ITEM = 300 * 1000, COUNT = 5 };
	uint8_t *items = calloc(1 + COUNT, ITEM + 5);
	struct ruche_map *map;
	size_t len = 1;

	ck_assert_ptr_nonnull(items);
	items[0] = 0x90 | COUNT;
	for (int i = 0; i < COUNT; i++, len += ITEM + 5)
		memcpy(items + len, "\xc6\x00\x04\x93\xe0", 5);
	fake_start_mapper(&fake, 0);
	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, &(struct ruche_map_options){.chunk = 9},
				 "f", items, len),
		0);
	for (size_t i = 0; i < COUNT; i++)
		ruche_reply_free(next_reply(map, i));
	expect_end(map, -ENOENT);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
	ck_assert_uint_eq(fake.chunks, 2);
	free(items);
}
END_TEST

/* ---- where items come from */

START_TEST(no_more_items_are_taken_in_than_the_window_has_room_for)
{
	struct ruche_map *map = map_numbers(100, &(struct ruche_map_options){.window = 4});

	push(map);
	ck_assert_int_eq(numbers.next, 4);
	fake_answer(&fake, 2, "0b");
	fake_answer(&fake, 3, "0c");
	push(map);
	ck_assert_int_eq(numbers.next, 4);
	fake_answer(&fake, 1, "0a");
	expect_value(map, 0, 10);
	ck_assert_int_eq(numbers.next, 4);
	expect_value(map, 1, 11);
	ck_assert_int_eq(numbers.next, 5);
	expect_value(map, 2, 12);
	push(map);
	ck_assert_int_eq(numbers.next, 7);
	ruche_map_free(map);
}
END_TEST

START_TEST(a_window_is_larger_than_no_chunk)
{
	struct ruche_map *map =
		map_numbers(100, &(struct ruche_map_options){.window = 2, .chunk = 3});

	push(map);
	ck_assert_int_eq(numbers.next, 2);
	fake_expect(&fake, "94 00 ce00000001 'ruche.map' 93 'f' 92 00 01 c2");
	ruche_map_free(map);
}
END_TEST

START_TEST(by_default_a_thousand_items_are_ahead)
{
	struct ruche_map *map = map_numbers(100000, NULL);

	push(map);
	for (int i = 0; i < 100 && numbers.next < 1024; i++)
		push(map);
	ck_assert_int_eq(numbers.next, 1024);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ruche_map_free(map);
}
END_TEST

START_TEST(an_error_of_the_source_ends_the_map)
{
	struct ruche_map *map;

	numbers.end = -EIO;
	map = map_numbers(2, NULL);
	push(map);
	fake_answer(&fake, 1, "0a");
	fake_answer(&fake, 2, "0b");
	expect_value(map, 0, 10);
	expect_value(map, 1, 11);
	expect_end(map, -EIO);
}
END_TEST

static int next_bad(void *user, const void **ret, size_t *ret_len)
{
	const char *hex = user;
	static uint8_t bytes[16];

	*ret_len = bytes_of(hex, bytes, sizeof(bytes));
	*ret = *ret_len == 0 ? NULL : bytes;
	return 1;
}

static char bad_items[][16] = {"", "05 05", "92 01", "c1"};

START_TEST(an_item_that_is_not_one_value_ends_the_map)
{
	const struct ruche_items items = {next_bad, bad_items[_i]};
	struct ruche_map *map;

	ck_assert_int_eq(ruche_imap(fake.ruche, &map, NULL, "f", &items), 0);
	expect_end(map, -EINVAL);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

/* The first results are there long before the window is full. */
START_TEST(a_slow_source_keeps_no_result_waiting)
{
	struct ruche_map *map;

	fake_start_mapper(&fake, 0);
	numbers.nap_ms = 5;
	map = map_numbers(100, NULL);
	for (int i = 0; i < 20; i++) {
		expect_value(map, (size_t)i, i);
		ck_assert_int_le(numbers.next, i + 10);
	}
	ruche_map_free(map);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
}
END_TEST

/* Of quick ones the clock is looked at less often. */
START_TEST(nor_does_one_that_was_quick_before)
{
	enum { QUICK = 5000, LEARNT = 10 };
	struct ruche_map *map;

	fake_start_mapper(&fake, 0);
	numbers.nap_ms = 5;
	numbers.nap_from = QUICK;
	map = map_numbers(QUICK + 50, NULL);
	for (int64_t i = 0; i < QUICK + LEARNT + 20; i++) {
		ck_assert(next_is(map, (size_t)i, i));
		if (i >= QUICK + LEARNT)
			ck_assert_int_le(numbers.next, i + 4);
	}
	ruche_map_free(map);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
}
END_TEST

START_TEST(a_given_chunk_is_filled_however_slow_the_source)
{
	struct ruche_map *map;

	numbers.nap_ms = 2;
	map = map_numbers(3, &threes);
	push(map);
	fake_expect(&fake, "94 00 ce00000001 'ruche.map' 93 'f' 93 00 01 02 c2");
	ruche_map_free(map);
}
END_TEST

START_TEST(a_source_without_an_item_is_asked_again)
{
	struct ruche_reply *reply;
	struct ruche_map *map;

	numbers.end = -EAGAIN;
	map = map_numbers(1, NULL);
	push(map);
	fake_expect(&fake, "94 00 ce00000001 'f' 91 00");
	/* A reply is on its way: it is waited for. */
	ck_assert_int_eq(ruche_map_next(map, 20, NULL, &reply), 0);
	fake_answer(&fake, 1, "07");
	expect_value(map, 0, 7);
	/* Nothing is: only the caller can go on. */
	ck_assert_int_eq(ruche_map_next(map, -1, NULL, &reply), 0);
	ck_assert_int_eq(ruche_map_ready(map), 0);
	numbers.count = 2;
	push(map);
	fake_expect(&fake, "94 00 ce00000002 'f' 91 01");
	numbers.end = 0;
	fake_answer(&fake, 2, "08");
	expect_value(map, 1, 8);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(a_source_without_an_item_notices_the_end_of_the_connection)
{
	struct ruche_map *map;

	numbers.end = -EAGAIN;
	map = map_numbers(1, NULL);
	push(map);
	fake_hang_up(&fake);
	expect_error(map, 0, RUCHE_DISCONNECTED, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ECONNRESET);
}
END_TEST

static int next_misuse(void *user, const void **ret, size_t *ret_len)
{
	struct ruche_map **map = user;
	struct ruche_reply *reply;

	(void)ret;
	(void)ret_len;
	ck_assert_int_eq(ruche_map_next(*map, 0, NULL, &reply), -EBUSY);
	return 0;
}

START_TEST(a_source_may_not_ask_its_own_map)
{
	struct ruche_map *map;
	const struct ruche_items items = {next_misuse, &map};

	ck_assert_int_eq(ruche_imap(fake.ruche, &map, NULL, "f", &items), 0);
	expect_end(map, -ENOENT);
}
END_TEST

static int next_cancels(void *user, const void **ret, size_t *ret_len)
{
	ruche_map_cancel(*(struct ruche_map **)user);
	*ret = "\x05";
	*ret_len = 1;
	return 1;
}

START_TEST(a_source_may_cancel_its_map)
{
	struct ruche_map *map;
	const struct ruche_items items = {next_cancels, &map};

	ck_assert_int_eq(ruche_imap(fake.ruche, &map, NULL, "f", &items), 0);
	expect_error(map, 0, RUCHE_CANCELLED, RUCHE_EXECUTED_NO);
	expect_end(map, -ENOENT);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

/* ---- the end of the connection */

START_TEST(a_daemon_that_goes_away_answers_every_item)
{
	struct ruche_map *map =
		map_numbers(100, &(struct ruche_map_options){.chunk = 2, .window = 4});

	push(map);
	fake_answer(&fake, 1, "91 92c00a");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_hang_up(&fake);
	expect_value(map, 0, 10);
	for (size_t i = 1; i < 4; i++)
		expect_error(map, i, RUCHE_DISCONNECTED, RUCHE_EXECUTED_MAYBE);
	expect_end(map, -ECONNRESET);
	ck_assert_int_eq(numbers.next, 4);
	ck_assert_int_eq(ruche_imap(fake.ruche, &map, NULL, "f", &number_items), -ECONNRESET);
	ck_assert_int_eq(ruche_process(fake.ruche), -ECONNRESET);
}
END_TEST

START_TEST(of_an_array_even_the_items_that_were_not_sent_are_answered)
{
	enum { COUNT = 5000 };
	uint8_t items[3 + COUNT] = {0xdc, COUNT >> 8, COUNT & 0xff};
	struct ruche_reply **replies = NULL;
	size_t count = 0, no = 0;

	fake_hang_up(&fake);
	ck_assert_int_eq(
		ruche_map(fake.ruche, &replies, &count, NULL, "f", items, sizeof(items)), 0);
	ck_assert_uint_eq(count, COUNT);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(ruche_reply_code(replies[i]), RUCHE_DISCONNECTED);
		no += ruche_reply_error(replies[i])->executed == RUCHE_EXECUTED_NO;
	}
	ck_assert_uint_ge(no, COUNT - 1024);
	ruche_replies_free(replies, count);
}
END_TEST

START_TEST(what_was_to_be_sent_again_has_not_run)
{
	static const uint8_t large[200 * 1000];
	struct ruche_map *map = map_numbers(2, &threes);
	uint32_t id;

	push(map);
	fake_skip(&fake, -1);
	/* Fills the socket, so that what comes after stays here. */
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", "y", large, sizeof(large)), 0);
	fake_answer(&fake, 1, "91 92c00a");
	fake_hang_up(&fake);
	expect_value(map, 0, 10);
	expect_error(map, 1, RUCHE_DISCONNECTED, RUCHE_EXECUTED_NO);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 10);
	ruche_map_free(map);
}
END_TEST

/* ---- stopping */

START_TEST(cancelling_a_map_asks_for_each_call_to_be_stopped)
{
	struct ruche_map *map =
		map_numbers(100, &(struct ruche_map_options){.chunk = 2, .window = 4});

	push(map);
	fake_skip(&fake, -1);
	ruche_map_cancel(map);
	fake_expect(&fake, CANCEL("01") CANCEL("02"));
	ruche_map_cancel(map);
	ck_assert_int_eq(ruche_map_ready(map), 0);
	fake_answer(&fake, 1, "91 92c00a"); /* it was asked to stop, and did */
	fake_refuse(&fake, 2, "82 'code' 'cancelled' 'executed' 'no'");
	expect_value(map, 0, 10);
	expect_error(map, 1, RUCHE_CANCELLED, RUCHE_EXECUTED_NO);
	expect_error(map, 2, RUCHE_CANCELLED, RUCHE_EXECUTED_NO);
	expect_error(map, 3, RUCHE_CANCELLED, RUCHE_EXECUTED_NO);
	ck_assert_int_eq(numbers.next, 4);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(a_map_that_is_freed_leaves_nothing_behind)
{
	struct ruche_map *map = map_numbers(2, &singles);
	struct ruche_reply *reply;
	uint32_t id;

	push(map);
	fake_skip(&fake, -1);
	ruche_map_free(map);
	fake_expect(&fake, CANCEL("01") CANCEL("02"));
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, -1, &reply), -ENOENT);
	fake_answer(&fake, 2, "07");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 0);
	id = fake_submit(&fake);
	fake_refuse(&fake, 1, "82 'code' 'cancelled' 'executed' 'maybe'");
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, 5000, &reply), 1);
	ck_assert_uint_eq(ruche_reply_id(reply), id);
	ruche_reply_free(reply);
	ruche_map_free(NULL);
	ruche_map_cancel(NULL);
}
END_TEST

START_TEST(a_map_may_be_freed_after_the_end_of_the_connection)
{
	struct ruche_map *map = map_numbers(100, NULL), *other;

	push(map);
	numbers = (struct numbers){0};
	other = map_numbers(100, &threes);
	push(other);
	ruche_map_free(other);
	fake_hang_up(&fake);
	ck_assert_int_eq(ruche_process(fake.ruche), -ECONNRESET);
	ruche_map_free(map);
}
END_TEST

/* ---- beside other calls */

START_TEST(a_maps_calls_are_nobody_elses)
{
	struct ruche_map *map = map_numbers(1, NULL);
	struct ruche_reply *reply;
	uint32_t id = 1;
	size_t index;

	push(map);
	fake_skip(&fake, -1);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, 0, &reply), -ENOENT);
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), -ENOENT);
	ck_assert_int_eq(ruche_wait_any(fake.ruche, &id, 1, 0, &index), -ENOENT);
	ck_assert_int_eq(ruche_ready(fake.ruche, id), -ENOENT);
	ck_assert_int_eq(ruche_successful(fake.ruche, id), -ENOENT);
	ck_assert_int_eq(ruche_cancel(fake.ruche, id, 0), -ENOENT);
	ck_assert_int_eq(ruche_send_input(fake.ruche, id, "x", 1), -ENOENT);
	fake_answer(&fake, id, "07");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 0);
	ck_assert_int_eq(ruche_map_ready(map), 1);
	expect_value(map, 0, 7);
	expect_end(map, -ENOENT);
}
END_TEST

START_TEST(other_calls_and_maps_go_on_beside_a_map)
{
	struct ruche_map *map = map_numbers(2, NULL), *other;
	struct ruche_reply *reply;
	uint32_t id;

	push(map);
	id = fake_submit(&fake);
	numbers = (struct numbers){0};
	other = map_numbers(1, NULL);
	push(other);
	fake_answer(&fake, 1, "0a");
	fake_answer(&fake, 4, "63");
	fake_answer(&fake, id, "05");
	fake_answer(&fake, 2, "0b");
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, 5000, &reply), 1);
	ck_assert_uint_eq(ruche_reply_id(reply), id);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, -1, &reply), -ENOENT);
	expect_value(map, 0, 10);
	expect_value(other, 0, 99);
	expect_value(map, 1, 11);
	expect_end(other, -ENOENT);
	expect_end(map, -ENOENT);
}
END_TEST

static void count_progress(void *user, uint32_t id, double value)
{
	struct ruche_reply **replies = NULL;
	size_t count;

	(void)id;
	(void)value;
	ck_assert_int_eq(ruche_map(fake.ruche, &replies, &count, NULL, "f", "\x91\x05", 2), -EBUSY);
	++*(int *)user;
}

START_TEST(callbacks_hear_nothing_of_a_maps_calls)
{
	struct ruche_map *map = map_numbers(1, NULL);
	int called = 0;

	push(map);
	fake_submit(&fake);
	ruche_on_progress(fake.ruche, count_progress, &called);
	fake_send_hex(&fake, "93 02 'ruche.progress' 92 ce00000001 05");
	fake_send_hex(&fake, "93 02 'ruche.progress' 92 ce00000002 05");
	fake_answer(&fake, 1, "07");
	expect_value(map, 0, 7);
	ck_assert_int_eq(called, 1);
	ruche_map_free(map);
}
END_TEST

/* ---- maps that go on by themselves, and at once */

START_TEST(an_asynchronous_map_needs_nobody_to_ask_for_replies)
{
	enum { COUNT = 20000 };
	uint8_t items[3 + COUNT] = {0xdc, COUNT >> 8, COUNT & 0xff};
	struct ruche_map *map;

	for (int i = 0; i < COUNT; i++)
		items[3 + i] = (uint8_t)i & 0x7f;
	fake_start_mapper(&fake, 7);
	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, NULL, "f", items, sizeof(items)), 0);
	ck_assert_int_eq(ruche_map_ready(map), 0);
	while (ruche_map_ready(map) == 0) {
		struct pollfd pollfd = {
			.fd = ruche_fd(fake.ruche), .events = ruche_events(fake.ruche)};

		ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
		ck_assert_int_eq(ruche_process(fake.ruche), 0);
	}
	for (int i = 0; i < COUNT; i++)
		expect_value(map, (size_t)i, i & 0x7f);
	expect_end(map, -ENOENT);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
}
END_TEST

static void map_all_of(bool is_star, unsigned int per_answer, size_t chunk)
{
	enum { COUNT = 3000 };
	const struct ruche_map_options options = {.chunk = chunk};
	uint8_t items[3 + 2 * COUNT] = {0xdc, COUNT >> 8, COUNT & 0xff};
	size_t len = 3, count = 0;
	struct ruche_reply **replies;

	for (int i = 0; i < COUNT; i++) {
		if (is_star)
			items[len++] = 0x91;
		items[len++] = (uint8_t)i & 0x7f;
	}
	fake_start_mapper(&fake, per_answer);
	ck_assert_int_eq((is_star ? ruche_starmap : ruche_map)(
				 fake.ruche, &replies, &count, &options, "f", items, len),
		0);
	ck_assert_uint_eq(count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		uint8_t want[2] = {0x91, (uint8_t)i & 0x7f};
		const void *have;

		/* A chunk gives back the item, a single call its first argument. */
		ck_assert_int_eq(ruche_reply_packed(replies[i], &have, &len), 0);
		ck_assert_mem_eq(have, want + 2 - len, len);
	}
	ruche_replies_free(replies, count);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
}

static const struct {
	bool is_star;
	unsigned int per_answer;
	size_t chunk;
} wholes[] = {
	{false, 0, 0},
	{false, 0, 1},
	{false, 0, 50},
	{false, 0, 100000},
	{false, 3, 50},
	{true, 0, 0},
	{true, 7, 50},
};

START_TEST(a_map_at_once_has_a_reply_for_each_item)
{
	map_all_of(wholes[_i].is_star, wholes[_i].per_answer, wholes[_i].chunk);
}
END_TEST

START_TEST(a_map_of_nothing_has_no_replies)
{
	struct ruche_reply **replies = NULL;
	size_t count = 77;

	ck_assert_int_eq(ruche_map(fake.ruche, &replies, &count, NULL, "f", "\x90", 1), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_ptr_nonnull(replies);
	ruche_replies_free(replies, count);
	ruche_replies_free(NULL, 0);
	ruche_replies_free(NULL, 5);
}
END_TEST

/* Automatic chunks, in order, from a source, on a connection that works. */
START_TEST(many_tiny_items_travel_in_chunks)
{
	enum { MANY = 200000 };
	struct ruche_map *map;

	fake_start_mapper(&fake, _i == 0 ? 0 : 100);
	map = map_numbers(MANY, NULL);
	for (int i = 0; i < MANY; i++)
		if (!next_is(map, (size_t)i, i))
			ck_abort_msg("item %d", i);
	expect_end(map, -ENOENT);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_join_echo(&fake);
	ck_assert_uint_gt(fake.chunks, 10);
	ck_assert_uint_lt(fake.calls + fake.chunks, MANY / 2);
}
END_TEST

/* ---- NULL, and what is not an array */

static const char *const no_arrays[] = {"", "05", "91", "90 90", "80", "c1"};

START_TEST(what_is_no_array_of_items_is_refused)
{
	uint8_t bytes[16];
	size_t len = bytes_of(no_arrays[_i], bytes, sizeof(bytes)), count = 77;
	struct ruche_reply **replies;
	struct ruche_map *map;

	ck_assert_int_eq(ruche_map_async(fake.ruche, &map, NULL, "f", bytes, len), -EINVAL);
	ck_assert_int_eq(ruche_map(fake.ruche, &replies, &count, NULL, "f", bytes, len), -EINVAL);
	ck_assert_uint_eq(count, 77);
}
END_TEST

START_TEST(null_is_refused)
{
	const struct ruche_items none = {NULL, NULL};
	struct ruche *r = fake.ruche;
	struct ruche_reply **replies;
	struct ruche_reply *reply;
	struct ruche_map *map;
	char name[257];
	size_t count;

	memset(name, 'n', 256);
	name[256] = '\0';
	ck_assert_int_eq(ruche_imap(NULL, &map, NULL, "f", &number_items), -EINVAL);
	ck_assert_int_eq(ruche_imap(r, NULL, NULL, "f", &number_items), -EINVAL);
	ck_assert_int_eq(ruche_imap(r, &map, NULL, NULL, &number_items), -EINVAL);
	ck_assert_int_eq(ruche_imap(r, &map, NULL, "", &number_items), -EINVAL);
	ck_assert_int_eq(ruche_imap(r, &map, NULL, name, &number_items), -EINVAL);
	ck_assert_int_eq(ruche_imap(r, &map, NULL, "f", NULL), -EINVAL);
	ck_assert_int_eq(ruche_imap(r, &map, NULL, "f", &none), -EINVAL);
	ck_assert_int_eq(ruche_imap_unordered(r, NULL, NULL, "f", &number_items), -EINVAL);
	ck_assert_int_eq(ruche_map_async(r, &map, NULL, "f", NULL, 0), -EINVAL);
	ck_assert_int_eq(ruche_map_async(r, NULL, NULL, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_map(r, NULL, &count, NULL, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_map(r, &replies, NULL, NULL, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_starmap(r, &replies, &count, NULL, NULL, "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_map_next(NULL, 0, NULL, &reply), -EINVAL);
	ck_assert_int_eq(ruche_map_ready(NULL), -EINVAL);
	map = map_numbers(0, NULL);
	ck_assert_int_eq(ruche_map_next(map, 0, NULL, NULL), -EINVAL);
	ruche_map_free(map);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void add_single_tests(TCase *tcase)
{
	tcase_add_test(tcase, an_item_is_the_only_argument_of_a_call);
	tcase_add_test(tcase, results_come_in_the_order_of_the_items);
	tcase_add_test(tcase, results_come_as_they_end_if_that_is_wanted);
	tcase_add_test(tcase, options_go_with_each_call);
	tcase_add_test(tcase, the_items_of_a_star_map_are_all_the_arguments);
	tcase_add_test(tcase, no_items_have_no_results);
	tcase_add_test(tcase, time_is_up_and_nothing_is_lost);
}

static void add_chunk_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_chunk_is_one_call_for_many_items);
	tcase_add_test(tcase, a_chunk_takes_star_options_and_pool_along);
	tcase_add_test(tcase, a_chunk_that_ends_early_is_sent_again_for_the_rest);
	tcase_add_test(tcase, a_crash_costs_the_item_that_ran);
	tcase_add_test(tcase, a_crash_after_the_last_item_costs_none);
	tcase_add_test(tcase, a_long_partial_answer_is_understood);
	tcase_add_loop_test(
		tcase, an_error_of_the_whole_chunk_is_that_of_each_item, 0, COUNT(whole_errors));
	tcase_add_test(tcase, a_pool_without_chunks_gets_single_items);
	tcase_add_loop_test(tcase, an_answer_that_is_no_array_of_pairs_is_an_error_of_each_item, 0,
		COUNT(nonsense));
	tcase_add_loop_test(
		tcase, what_is_behind_a_pair_that_is_none_is_not_believed, 0, COUNT(no_pairs));
	tcase_add_test(tcase, pairs_in_shared_memory_are_those_of_a_chunk);
	tcase_add_loop_test(
		tcase, pairs_in_shared_memory_are_never_read_past_their_end, 0, COUNT(bad_memory));
	tcase_add_test(tcase, what_is_too_deep_for_a_chunk_goes_alone);
	tcase_add_test(tcase, what_is_too_long_is_told_so);
	tcase_add_test(tcase, a_chunk_is_bounded_in_bytes);
}

static void add_source_tests(TCase *tcase)
{
	tcase_add_test(tcase, no_more_items_are_taken_in_than_the_window_has_room_for);
	tcase_add_test(tcase, a_window_is_larger_than_no_chunk);
	tcase_add_test(tcase, by_default_a_thousand_items_are_ahead);
	tcase_add_test(tcase, an_error_of_the_source_ends_the_map);
	tcase_add_loop_test(tcase, an_item_that_is_not_one_value_ends_the_map, 0, COUNT(bad_items));
	tcase_add_test(tcase, a_slow_source_keeps_no_result_waiting);
	tcase_add_test(tcase, nor_does_one_that_was_quick_before);
	tcase_add_test(tcase, a_given_chunk_is_filled_however_slow_the_source);
	tcase_add_test(tcase, a_source_without_an_item_is_asked_again);
	tcase_add_test(tcase, a_source_without_an_item_notices_the_end_of_the_connection);
	tcase_add_test(tcase, a_source_may_not_ask_its_own_map);
	tcase_add_test(tcase, a_source_may_cancel_its_map);
}

static void add_end_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_daemon_that_goes_away_answers_every_item);
	tcase_add_test(tcase, of_an_array_even_the_items_that_were_not_sent_are_answered);
	tcase_add_test(tcase, what_was_to_be_sent_again_has_not_run);
	tcase_add_test(tcase, cancelling_a_map_asks_for_each_call_to_be_stopped);
	tcase_add_test(tcase, a_map_that_is_freed_leaves_nothing_behind);
	tcase_add_test(tcase, a_map_may_be_freed_after_the_end_of_the_connection);
	tcase_add_test(tcase, a_maps_calls_are_nobody_elses);
	tcase_add_test(tcase, other_calls_and_maps_go_on_beside_a_map);
	tcase_add_test(tcase, callbacks_hear_nothing_of_a_maps_calls);
}

TCase *client_maps_case(void)
{
	TCase *tcase = tcase_create("maps");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	add_single_tests(tcase);
	add_chunk_tests(tcase);
	add_source_tests(tcase);
	add_end_tests(tcase);
	tcase_add_test(tcase, an_asynchronous_map_needs_nobody_to_ask_for_replies);
	tcase_add_loop_test(tcase, a_map_at_once_has_a_reply_for_each_item, 0, COUNT(wholes));
	tcase_add_test(tcase, a_map_of_nothing_has_no_replies);
	tcase_add_loop_test(tcase, many_tiny_items_travel_in_chunks, 0, 2);
	tcase_add_loop_test(tcase, what_is_no_array_of_items_is_refused, 0, COUNT(no_arrays));
	tcase_add_test(tcase, null_is_refused);
	return tcase;
}
