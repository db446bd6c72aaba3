/* SPDX-License-Identifier: MIT */
/* wire/arena.h: the memory for large values. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check_main.h"
#include "wire/arena.h"

enum { LARGE = 4 * 1024 * 1024, LARGE_LANES = 3, LANES = ARENA_SMALL_LANES + LARGE_LANES };

static struct arena arena;

static int make_memory(uint64_t size)
{
	int fd = memfd_create("arena", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void set_up(void)
{
	const uint64_t size = arena_size(LARGE, LARGE_LANES);
	int fd = make_memory(size);

	ck_assert_int_eq(arena_map(&arena, fd, size, LARGE), 0);
	close(fd);
}

static void tear_down(void)
{
	arena_unmap(&arena);
}

START_TEST(lowest_free_lane_is_the_next)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(arena_take(&arena, 1000, 0), i);
	arena_give(arena.head, 3);
	arena_give(arena.head, 1);
	ck_assert_int_eq(arena_take(&arena, 1000, 0), 1);
	ck_assert_int_eq(arena_take(&arena, 1000, 0), 3);
	ck_assert_int_eq(arena_take(&arena, 1000, 0), 5);
}
END_TEST

START_TEST(large_value_gets_a_large_lane)
{
	ck_assert_int_eq(arena_take(&arena, ARENA_SMALL_SIZE, 0), 0);
	ck_assert_int_eq(arena_take(&arena, ARENA_SMALL_SIZE + 1, 0), ARENA_SMALL_LANES);
	ck_assert_int_eq(arena_take(&arena, LARGE, 0), ARENA_SMALL_LANES + 1);
	ck_assert_int_lt(arena_take(&arena, LARGE + 1, 0), 0);
}
END_TEST

START_TEST(when_all_lanes_are_taken_there_is_none)
{
	for (int i = 0; i < LANES; i++)
		ck_assert_int_eq(arena_take(&arena, 1, 0), i);
	ck_assert_int_lt(arena_take(&arena, 1, 0), 0);
	arena_give(arena.head, 7);
	ck_assert_int_eq(arena_take(&arena, 1, 0), 7);
}
END_TEST

START_TEST(what_a_dead_worker_had_is_given_back_and_nothing_else)
{
	ck_assert_int_eq(arena_take(&arena, 1, arena_owner(1, 5)), 0);
	ck_assert_int_eq(arena_take(&arena, 1, arena_owner(2, 5)), 1);
	ck_assert_int_eq(arena_take(&arena, 1, 0), 2);
	arena_reclaim(arena.head, arena_owner(1, 5));
	ck_assert_uint_eq(atomic_load(&arena.head->taken), 6);
}
END_TEST

START_TEST(bytes_come_back_as_they_were_and_aligned)
{
	static uint8_t data[100000];
	struct arena_ref ref;
	const uint8_t *at;

	memset(data, 'x', sizeof(data));
	ck_assert_int_eq(arena_put_bytes(&arena, 0, false, data, sizeof(data), &ref), 0);
	at = arena_value(&arena, &ref);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(ref.len, 5 + sizeof(data));
	ck_assert_int_eq(at[0], 0xc6); /* bin 32 */
	ck_assert_mem_eq(at + 1, "\x00\x01\x86\xa0", 4);
	ck_assert_uint_eq((uintptr_t)(at + 5) % ARENA_ALIGN, 0);
	ck_assert_mem_eq(at + 5, data, sizeof(data));
}
END_TEST

START_TEST(packed_reference_is_read_as_it_was_written)
{
	const struct arena_ref ref = {50, 59, UINT64_C(0x123456789)};
	uint8_t packed[ARENA_REF_SIZE] = {0xd8, ARENA_EXT};
	struct arena_ref read;

	arena_write_ref(packed + 2, &ref);
	ck_assert_mem_eq(packed, "\xd8\x02\0\0\0\x32\0\0\0\x3b\0\0\0\x01\x23\x45\x67\x89", 18);
	ck_assert(arena_is_ref(packed, sizeof(packed), &read));
	ck_assert_uint_eq(read.lane, 50);
	ck_assert_uint_eq(read.off, 59);
	ck_assert_uint_eq(read.len, ref.len);
	packed[1] = 1;
	ck_assert(!arena_is_ref(packed, sizeof(packed), &read));
	ck_assert(!arena_is_ref(packed, 1, &read));
}
END_TEST

static const struct arena_ref bad_refs[] = {
	{0, 0, 0},
	{0, 0, ARENA_SMALL_SIZE + 1},
	{0, ARENA_SMALL_SIZE, 1},
	{0, ARENA_SMALL_SIZE + 1, 1},
	{0, UINT32_MAX, 1},
	{0, 1, UINT64_MAX},
	{0, 2, UINT64_MAX - 1},
	{ARENA_SMALL_LANES, 0, LARGE + 1},
	{ARENA_SMALL_LANES, LARGE, 1},
	{LANES, 0, 1},
	{ARENA_LANES, 0, 1},
	{UINT32_MAX, 0, 1},
};

START_TEST(reference_out_of_bounds_refers_to_nothing)
{
	ck_assert_ptr_null(arena_value(&arena, &bad_refs[_i]));
}
END_TEST

START_TEST(last_byte_of_each_lane_can_be_referred_to)
{
	ck_assert_ptr_nonnull(arena_value(&arena, &(struct arena_ref){0, ARENA_SMALL_SIZE - 1, 1}));
	ck_assert_ptr_nonnull(arena_value(&arena, &(struct arena_ref){LANES - 1, 0, LARGE}));
}
END_TEST

START_TEST(memory_of_another_size_is_not_mapped)
{
	const uint64_t size = arena_size(LARGE, 1);
	int fd = make_memory(size);
	struct arena other = {0};

	ck_assert_int_eq(arena_map(&other, fd, size + LARGE, LARGE), -EINVAL);
	ck_assert_int_eq(arena_map(&other, fd, 4096, LARGE), -EINVAL);
	ck_assert_int_lt(arena_map(&other, -1, size, LARGE), 0);
	ck_assert_int_eq(arena_map(&other, fd, size, LARGE), 0);
	arena_unmap(&other);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tc = tcase_create("arena");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, lowest_free_lane_is_the_next);
	tcase_add_test(tc, large_value_gets_a_large_lane);
	tcase_add_test(tc, when_all_lanes_are_taken_there_is_none);
	tcase_add_test(tc, what_a_dead_worker_had_is_given_back_and_nothing_else);
	tcase_add_test(tc, bytes_come_back_as_they_were_and_aligned);
	tcase_add_test(tc, packed_reference_is_read_as_it_was_written);
	tcase_add_loop_test(tc, reference_out_of_bounds_refers_to_nothing, 0,
		(int)(sizeof(bad_refs) / sizeof(bad_refs[0])));
	tcase_add_test(tc, last_byte_of_each_lane_can_be_referred_to);
	tcase_add_test(tc, memory_of_another_size_is_not_mapped);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
