/* SPDX-License-Identifier: MIT */
/* wire/value.h: what lies in the memory of a shared value. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "check_main.h"
#include "wire/value.h"

static _Alignas(64) char memory[VALUE_DATA_OFF + 64];

static void set_up(void)
{
	memset(memory, 0, sizeof(memory));
}

static const struct {
	const char *name;
	size_t size;
} types[] = {{NULL, 0}, {"int8", 1}, {"uint8", 1}, {"int16", 2}, {"uint16", 2}, {"int32", 4},
	{"uint32", 4}, {"int64", 8}, {"uint64", 8}, {"float", 4}, {"double", 8}, {NULL, 0}};

START_TEST(type_has_its_number_name_and_size)
{
	uint32_t type = (uint32_t)_i;

	ck_assert_uint_eq(value_type_size(type), types[_i].size);
	ck_assert_uint_eq(value_memory_size(type, 3),
		types[_i].size == 0 ? 0 : VALUE_DATA_OFF + 3 * types[_i].size);
	if (types[_i].name == NULL) {
		ck_assert_ptr_null(value_type_name(type));
		return;
	}
	ck_assert_str_eq(value_type_name(type), types[_i].name);
	ck_assert_uint_eq(value_type_from_name(types[_i].name, strlen(types[_i].name)), type);
	ck_assert_uint_eq(value_type_from_name(types[_i].name, strlen(types[_i].name) - 1), 0);
}
END_TEST

START_TEST(no_size_overflows)
{
	ck_assert_uint_eq(value_memory_size(8, 0), 0);
	ck_assert_uint_eq(value_memory_size(8, UINT64_MAX), 0);
	ck_assert_uint_eq(value_memory_size(8, UINT64_MAX / 8), 0);
	ck_assert_uint_eq(value_memory_size(8, UINT64_MAX / 8 + 2), 0);
	ck_assert_uint_eq(value_memory_size(1, PTRDIFF_MAX), 0);
	ck_assert_uint_eq(value_memory_size(1, PTRDIFF_MAX - VALUE_DATA_OFF), PTRDIFF_MAX);
}
END_TEST

START_TEST(head_lies_where_others_look_for_it)
{
	static const unsigned char expected[32] = {'r', 'u', 'c', 'h', 'e', 'v', '1', 0, 7, 0, 0, 0,
		0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 16};
	uint64_t count;
	uint32_t type;

	ck_assert_int_eq(value_init(memory, 7, 8), 0);
	ck_assert_mem_eq(memory, expected, sizeof(expected));
	ck_assert_int_eq(value_read_head(memory, sizeof(memory), &type, &count), 0);
	ck_assert_uint_eq(type, 7);
	ck_assert_uint_eq(count, 8);
}
END_TEST

START_TEST(head_that_does_not_fit_its_memory_is_none)
{
	struct value_head *head = (struct value_head *)memory, good;
	uint64_t count;
	uint32_t type;

	ck_assert_int_eq(value_init(memory, 7, 8), 0);
	good = *head;
	ck_assert_int_eq(value_read_head(memory, sizeof(memory) - 8, &type, &count), -EPROTO);
	ck_assert_int_eq(value_read_head(memory, 31, &type, &count), -EPROTO);
	head->count = 9;
	ck_assert_int_eq(value_read_head(memory, sizeof(memory), &type, &count), -EPROTO);
	head->count = UINT64_MAX / 8 + 2;
	ck_assert_int_eq(value_read_head(memory, VALUE_DATA_OFF + 8, &type, &count), -EPROTO);
	*head = good;
	head->type = 11;
	ck_assert_int_eq(value_read_head(memory, sizeof(memory), &type, &count), -EPROTO);
	*head = good;
	head->data_off = 64;
	ck_assert_int_eq(value_read_head(memory, sizeof(memory), &type, &count), -EPROTO);
	*head = good;
	head->magic[6] = '2';
	ck_assert_int_eq(value_read_head(memory, sizeof(memory), &type, &count), -EPROTO);
	ck_assert_int_eq(value_init(memory, 0, 1), -EINVAL);
	ck_assert_int_eq(value_init(memory, 1, 0), -EINVAL);
}
END_TEST

START_TEST(lock_checks_for_errors)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(void *)(memory + VALUE_LOCK_OFF);

	ck_assert_int_eq(value_init(memory, 1, 64), 0);
	ck_assert_int_eq(pthread_mutex_unlock(lock), EPERM);
	ck_assert_int_eq(pthread_mutex_lock(lock), 0);
	ck_assert_int_eq(pthread_mutex_lock(lock), EDEADLK);
	ck_assert_int_eq(pthread_mutex_unlock(lock), 0);
}
END_TEST

static void *lock_and_end(void *lock)
{
	return pthread_mutex_lock(lock) == 0 ? lock : NULL;
}

START_TEST(lock_outlives_its_holder)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(void *)(memory + VALUE_LOCK_OFF);
	pthread_t thread;

	ck_assert_int_eq(value_init(memory, 1, 64), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, lock_and_end, lock), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(pthread_mutex_lock(lock), EOWNERDEAD);
	ck_assert_int_eq(pthread_mutex_consistent(lock), 0);
	ck_assert_int_eq(pthread_mutex_unlock(lock), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *tc = tcase_create("memory");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(
		tc, type_has_its_number_name_and_size, 0, sizeof(types) / sizeof(types[0]));
	tcase_add_test(tc, no_size_overflows);
	tcase_add_test(tc, head_lies_where_others_look_for_it);
	tcase_add_test(tc, head_that_does_not_fit_its_memory_is_none);
	tcase_add_test(tc, lock_checks_for_errors);
	tcase_add_test(tc, lock_outlives_its_holder);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
