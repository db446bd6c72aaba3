/* SPDX-License-Identifier: MIT */

/* libruche through its public interface, against a fake daemon. */

#include "check_client.h"

#include <stdlib.h>

#include "client/call.h"

START_TEST(ids_wrap_past_zero_and_past_those_open)
{
	struct calls calls;

	calls_init(&calls);
	ck_assert_uint_eq(calls_next_id(&calls), 1);
	ck_assert_ptr_nonnull(calls_add(&calls, 1, 0));
	calls.last_id = UINT32_MAX - 1;
	ck_assert_uint_eq(calls_next_id(&calls), UINT32_MAX);
	ck_assert_ptr_nonnull(calls_add(&calls, UINT32_MAX, 0));
	ck_assert_uint_eq(calls_next_id(&calls), 2);
	calls_fini(&calls);
}
END_TEST

START_TEST(calls_are_found_however_many)
{
	enum { MANY = 5000 };
	struct calls calls;

	calls_init(&calls);
	for (uint32_t id = 1; id <= MANY; id++)
		ck_assert_ptr_nonnull(calls_add(&calls, id, 0));
	for (uint32_t id = 2; id <= MANY; id += 2)
		calls_remove(&calls, calls_find(&calls, id));
	for (uint32_t id = 1; id <= MANY; id++)
		ck_assert_int_eq(calls_find(&calls, id) != NULL, id % 2 == 1);
	ck_assert_uint_eq(calls.count, MANY / 2);
	calls_fini(&calls);
}
END_TEST

static TCase *calls_case(void)
{
	TCase *tcase = tcase_create("calls");

	tcase_add_test(tcase, ids_wrap_past_zero_and_past_those_open);
	tcase_add_test(tcase, calls_are_found_however_many);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("client");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, calls_case());
	suite_add_tcase(suite, client_args_case());
	suite_add_tcase(suite, client_replies_case());
	suite_add_tcase(suite, client_connection_case());
	suite_add_tcase(suite, client_streams_case());
	suite_add_tcase(suite, client_notes_case());
	suite_add_tcase(suite, client_options_case());
	suite_add_tcase(suite, client_tasks_case());
	suite_add_tcase(suite, client_objects_case());
	suite_add_tcase(suite, client_pipes_case());
	suite_add_tcase(suite, client_one_way_pipes_case());
	suite_add_tcase(suite, client_shared_case());
	suite_add_tcase(suite, client_processes_case());
	suite_add_tcase(suite, client_pace_case());
	suite_add_tcase(suite, client_maps_case());
	suite_add_tcase(suite, client_private_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
