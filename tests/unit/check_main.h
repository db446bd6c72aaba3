/* SPDX-License-Identifier: MIT */
#ifndef CHECK_MAIN_H
#define CHECK_MAIN_H

/* What every unit test ends with: runs the suite and gives main() its exit status. */

#include <check.h>
#include <stdlib.h>

static inline int check_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
