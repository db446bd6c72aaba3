/* SPDX-License-Identifier: MIT */
/* The supervisor's parts that need no event loop. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/functions.h"
#include "supervisor/tail.h"

#include "check_main.h"
#include "check_supervisor.h"

static void assert_lines(const struct tail *tail, const char *expected)
{
	size_t len;
	const char *lines = tail_lines(tail, &len);

	ck_assert_uint_eq(len, strlen(expected));
	ck_assert_mem_eq(lines, expected, len);
}

START_TEST(tail_keeps_short_text_whole)
{
	struct tail tail = {.len = 0};

	assert_lines(&tail, "");
	tail_add(&tail, "one\ntw", 6);
	tail_add(&tail, "o\n", 2);
	assert_lines(&tail, "one\ntwo\n");
}
END_TEST

START_TEST(tail_keeps_the_last_lines)
{
	struct tail tail = {.len = 0};
	char line[16], expected[512] = "";

	for (int i = 0; i < 100; i++) {
		int n = snprintf(line, sizeof(line), "line %d\n", i);

		tail_add(&tail, line, (size_t)n);
		if (i >= 100 - TAIL_LINES)
			strcat(expected, line);
	}
	assert_lines(&tail, expected);
}
END_TEST

START_TEST(tail_keeps_the_end_of_a_line_without_end)
{
	struct tail tail = {.len = 0};
	char piece[1000];
	size_t len;

	memset(piece, 'a', sizeof(piece));
	for (int i = 0; i < 10; i++)
		tail_add(&tail, piece, sizeof(piece));
	tail_add(&tail, "b", 1);
	ck_assert_int_eq(tail_lines(&tail, &len)[TAIL_SIZE - 1], 'b');
	ck_assert_uint_eq(len, TAIL_SIZE);
}
END_TEST

START_TEST(tail_takes_more_at_once_than_it_holds)
{
	struct tail tail = {.len = 0};
	char piece[2 * TAIL_SIZE];
	size_t len;

	memset(piece, 'x', sizeof(piece));
	piece[sizeof(piece) - 1] = '\n';
	tail_add(&tail, piece, sizeof(piece));
	ck_assert_int_eq(tail_lines(&tail, &len)[len - 1], '\n');
	ck_assert_uint_eq(len, TAIL_SIZE);
}
END_TEST

START_TEST(function_is_found_by_its_whole_name_alone)
{
	static const char *const names[] = {"square", "cube", "a", "cubes", "primes.count"};
	struct functions functions = {0};

	ck_assert_ptr_null(functions_find(&functions, "cube", 4));
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(
			functions_add(&functions, &(struct function){.name = (char *)names[i]}), 0);
	functions_sort(&functions);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(
			functions_find(&functions, names[i], strlen(names[i]))->name, names[i]);
	ck_assert_ptr_null(functions_find(&functions, "cub", 3));
	ck_assert_ptr_null(functions_find(&functions, "cubesx", 6));
	ck_assert_ptr_null(functions_find(&functions, "", 0));
	ck_assert_ptr_null(functions_find(&functions, "cube\0", 5));
	ck_assert_ptr_nonnull(functions_find(&functions, "cubesx", 4));
	functions_fini(&functions);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("supervisor");
	TCase *tc = tcase_create("parts");

	tcase_add_test(tc, tail_keeps_short_text_whole);
	tcase_add_test(tc, tail_keeps_the_last_lines);
	tcase_add_test(tc, tail_keeps_the_end_of_a_line_without_end);
	tcase_add_test(tc, tail_takes_more_at_once_than_it_holds);
	tcase_add_test(tc, function_is_found_by_its_whole_name_alone);
	suite_add_tcase(suite, tc);
	add_supervisor_terms(suite);
	add_supervisor_health(suite);
	add_supervisor_notice(suite);
	add_supervisor_plan(suite);
	add_supervisor_errors(suite);
	add_supervisor_session(suite);
	add_supervisor_state(suite);
	add_supervisor_cgroup(suite);
	return check_main(suite);
}
