/* SPDX-License-Identifier: MIT */
/* The policy of the pool, without processes, pipes or sleeps; here: what is small in it. */
#include <check.h>

#include "core/cores.h"
#include "core/restart.h"

#include "check_core.h"
#include "check_main.h"

/* ---- restarts --------------------------------------------------------------------------- */

START_TEST(useful_worker_is_replaced_at_once_for_ever)
{
	struct restart restart = {0};
	uint64_t delay;

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(restart_decide(&restart, RESTART_USEFUL, &delay), RESTART_NOW);
}
END_TEST

START_TEST(stillborn_worker_backs_off_then_is_given_up)
{
	struct restart restart = {0};
	uint64_t delay, expected = RESTART_DELAY_FIRST;

	ck_assert_int_eq(restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_NOW);
	for (int i = 2; i < RESTART_TRIES; i++, expected *= 2) {
		ck_assert_int_eq(
			restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_LATER);
		ck_assert_uint_eq(delay, expected);
	}
	ck_assert_int_eq(restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_GIVE_UP);
}
END_TEST

START_TEST(useless_worker_waits_longer_up_to_the_limit_but_is_not_given_up)
{
	struct restart restart = {0};
	uint64_t delay = 0;

	for (int i = 0; i < 100; i++)
		ck_assert_int_ne(
			restart_decide(&restart, RESTART_USELESS, &delay), RESTART_GIVE_UP);
	ck_assert_uint_eq(delay, RESTART_DELAY_MAX);
}
END_TEST

START_TEST(one_useful_life_forgives_all)
{
	struct restart restart = {0};
	uint64_t delay;

	for (int i = 1; i < RESTART_TRIES; i++)
		restart_decide(&restart, RESTART_NEVER_READY, &delay);
	restart_decide(&restart, RESTART_USEFUL, &delay);
	ck_assert_int_eq(restart_decide(&restart, RESTART_NEVER_READY, &delay), RESTART_NOW);
}
END_TEST

/* ---- cores ------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	double cores;
} quotas[] = {
	{"max 100000\n", CORES_UNLIMITED},
	{"150000 100000\n", 1.5},
	{"-1 100000", CORES_UNLIMITED},
	{"50000\n 100000\n", 0.5},
	{"", CORES_UNLIMITED},
	{"what", CORES_UNLIMITED},
	{"100000 0", CORES_UNLIMITED},
};

START_TEST(quota_is_read)
{
	ck_assert_double_eq_tol(cores_parse_quota(quotas[_i].text), quotas[_i].cores, 1e-9);
}
END_TEST

START_TEST(quota_is_rounded_up_and_never_zero)
{
	ck_assert_uint_eq(cores_count(8, CORES_UNLIMITED), 8);
	ck_assert_uint_eq(cores_count(8, 1.5), 2);
	ck_assert_uint_eq(cores_count(8, 2.0), 2);
	ck_assert_uint_eq(cores_count(8, 0.1), 1);
	ck_assert_uint_eq(cores_count(2, 16.0), 2);
	ck_assert_uint_eq(cores_count(0, CORES_UNLIMITED), 1);
}
END_TEST

START_TEST(cores_in_common_are_counted_once)
{
	static const int usable[] = {0, 2, 4, 6}, cores[] = {4, 2, 4, 9, -1, 2};

	ck_assert_uint_eq(cores_in_common(cores, 6, usable, 4), 2);
	ck_assert_uint_eq(cores_in_common(usable, 4, usable, 4), 4);
	ck_assert_uint_eq(cores_in_common(cores, 0, usable, 4), 0);
	ck_assert_uint_eq(cores_in_common(cores, 6, usable, 1), 0);
}
END_TEST

START_TEST(cgroup_paths_are_found)
{
	static const char text[] = "12:cpuset:/sets\n4:cpu,cpuacct:/limited/here\n"
				   "1:name=systemd:/s\n0::/user.slice/a\n";
	char path[64];

	ck_assert(cores_parse_cgroup(text, NULL, path, sizeof(path)));
	ck_assert_str_eq(path, "/user.slice/a");
	ck_assert(cores_parse_cgroup(text, "cpu", path, sizeof(path)));
	ck_assert_str_eq(path, "/limited/here");
	ck_assert(cores_parse_cgroup(text, "cpuacct", path, sizeof(path)));
	ck_assert(!cores_parse_cgroup(text, "memory", path, sizeof(path)));
	ck_assert(!cores_parse_cgroup("", NULL, path, sizeof(path)));
	ck_assert(!cores_parse_cgroup(text, "cpu", path, 5));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core");
	TCase *tc = tcase_create("parts");

	tcase_add_test(tc, useful_worker_is_replaced_at_once_for_ever);
	tcase_add_test(tc, stillborn_worker_backs_off_then_is_given_up);
	tcase_add_test(tc, useless_worker_waits_longer_up_to_the_limit_but_is_not_given_up);
	tcase_add_test(tc, one_useful_life_forgives_all);
	tcase_add_loop_test(tc, quota_is_read, 0, COUNT(quotas));
	tcase_add_test(tc, quota_is_rounded_up_and_never_zero);
	tcase_add_test(tc, cores_in_common_are_counted_once);
	tcase_add_test(tc, cgroup_paths_are_found);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	Suite *suite = make_suite();

	add_core_tasks(suite);
	add_core_slots(suite);
	add_core_scheduler(suite);
	add_core_queue(suite);
	add_core_user(suite);
	add_core_item_tree(suite);
	add_core_object(suite);
	add_core_object_model(suite);
	add_core_plan(suite);
	add_core_handle(suite);
	add_core_access(suite);
	add_core_groups(suite);
	add_core_throttle(suite);
	return check_main(suite);
}
