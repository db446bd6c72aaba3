/* SPDX-License-Identifier: MIT */
#include "check_core.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/access.h"
#include "core/identity.h"

enum { ALICE = 1001, BOB = 1002, STAFF = 50, HIVE = 60 };

static struct access_rule rules[3];
static struct access_policy policy;

static void set_up(void)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		ck_assert_int_eq(access_rule_init(&rules[i], "some"), 0);
	policy = (struct access_policy){rules, COUNT(rules)};
}

static void tear_down(void)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		access_rule_fini(&rules[i]);
}

static void give(struct access_patterns *to, const char *pattern)
{
	ck_assert_int_eq(access_add_pattern(to, pattern, strlen(pattern)), 0);
}

static struct access_rights rights_of(uid_t uid)
{
	const struct access_subject subject = {.uid = uid, .gid = uid};

	return access_find(&policy, &subject);
}

/* ---- whom a rule means --------------------------------------------------------------------- */

START_TEST(without_rules_everybody_calls_and_nobody_administrates)
{
	const struct access_policy none = {0};
	const struct access_subject alice = {.uid = ALICE, .gid = ALICE};
	struct access_rights rights = access_find(&none, &alice);

	ck_assert(rights.any);
	ck_assert(access_may_call(&rights, "default", "cube"));
	ck_assert_int_eq(access_may_run(&rights, "default", "/bin/sh"), ACCESS_COMMAND_ANY);
	ck_assert(access_may_use(&rights, "default"));
	ck_assert(!access_may(&rights, ACCESS_RELOAD, NULL));
	ck_assert(!access_may(&rights, ACCESS_TASKS, NULL));
}
END_TEST

START_TEST(with_a_rule_who_is_not_meant_has_nothing)
{
	struct access_rights rights;

	ck_assert_int_eq(access_add_uid(&rules[0], ALICE), 0);
	give(&rules[0].functions, "*");
	rules[0].any_command = true;
	rules[0].methods = ACCESS_ADMIN;
	rights = rights_of(BOB);
	ck_assert(!rights.any);
	ck_assert(!access_may_call(&rights, "default", "cube"));
	ck_assert_int_eq(access_may_run(&rights, "default", "ls"), ACCESS_COMMAND_NO);
	ck_assert(!access_may_use(&rights, "default"));
	ck_assert(!access_may(&rights, ACCESS_RELOAD, NULL));
	ck_assert(rights_of(ALICE).any);
}
END_TEST

START_TEST(a_master_may_everything_whatever_the_rules)
{
	const struct access_subject root = {.master = true};
	struct access_rights rights = access_find(&policy, &root);

	ck_assert(rights.any);
	ck_assert(access_may_call(&rights, "default", "cube"));
	ck_assert_int_eq(access_may_run(&rights, "default", "ls"), ACCESS_COMMAND_ANY);
	ck_assert(access_may(&rights, ACCESS_DRAIN, NULL));
	ck_assert(access_may(&rights, ACCESS_TASKS, NULL));
}
END_TEST

/* Which rule each of them is in: a bit for each rule. */
static const struct {
	struct access_subject subject;
	uint64_t rules;
} subjects[] = {
	{{.uid = ALICE, .gid = ALICE}, 4 + 1},
	{{.uid = BOB, .gid = STAFF}, 4 + 2},
	{{.uid = BOB, .gid = BOB, .groups = (gid_t[]){7, STAFF}, .group_count = 2}, 4 + 2},
	{{.uid = BOB, .gid = BOB, .groups = (gid_t[]){7, 8}, .group_count = 2}, 4},
	{{.uid = ALICE, .gid = STAFF}, 4 + 2 + 1},
	/* A group's number is no user's. */
	{{.uid = STAFF, .gid = ALICE}, 4},
};

START_TEST(a_rule_means_users_groups_or_everybody)
{
	ck_assert_int_eq(access_add_uid(&rules[0], 1), 0);
	ck_assert_int_eq(access_add_uid(&rules[0], ALICE), 0);
	ck_assert_int_eq(access_add_gid(&rules[1], HIVE), 0);
	ck_assert_int_eq(access_add_gid(&rules[1], STAFF), 0);
	rules[2].everybody = true;
	ck_assert_uint_eq(access_find(&policy, &subjects[_i].subject).rules, subjects[_i].rules);
}
END_TEST

/* ---- what it gives ----------------------------------------------------------------------------- */

static const struct {
	const char *pattern, *pools; /* NULL: in all */
	const char *pool, *function;
	bool may;
} calls[] = {
	{"cube", NULL, "default", "cube", true},
	{"cube", NULL, "video", "cube", true},
	{"cube", NULL, "default", "cubes", false},
	{"cube", NULL, "default", "a.cube", false},
	{"primes.*", NULL, "default", "primes.count", true},
	{"primes.*", NULL, "default", "primes", false},
	{"*", NULL, "default", "primes.count", true},
	{"prime?.[a-c]*", NULL, "default", "primes.count", true},
	{"prime?.[!a-c]*", NULL, "default", "primes.count", false},
	{"default/cube", NULL, "default", "cube", true},
	{"default/cube", NULL, "video", "cube", false},
	{"vid*/*", NULL, "video", "cube", true},
	{"vid*/*", NULL, "default", "cube", false},
	{"cube", "video", "video", "cube", true},
	{"cube", "video", "default", "cube", false},
	{"cube", "v*", "video", "cube", true},
	{"default/cube", "video", "default", "cube", false},
	{"default/cube", "video", "video", "cube", false},
};

START_TEST(a_function_is_given_by_its_pattern_in_its_pools)
{
	struct access_rights rights;

	rules[1].everybody = true;
	give(&rules[1].functions, "nothing");
	give(&rules[1].functions, calls[_i].pattern);
	if (calls[_i].pools != NULL)
		give(&rules[1].pools, calls[_i].pools);
	rights = rights_of(ALICE);
	ck_assert(access_may_call(&rights, calls[_i].pool, calls[_i].function) == calls[_i].may);
}
END_TEST

static const struct {
	const char *pattern, *program;
	enum access_command may;
} programs[] = {
	{"ls", "ls", ACCESS_COMMAND_PLAIN},
	{"ls", "/bin/ls", ACCESS_COMMAND_NO},
	{"ls", "./ls", ACCESS_COMMAND_NO},
	{"/usr/bin/*", "/usr/bin/ls", ACCESS_COMMAND_PLAIN},
	{"/usr/bin/*", "ls", ACCESS_COMMAND_NO},
	{"/usr/bin/*", "/usr/bin/../../tmp/mine", ACCESS_COMMAND_NO},
	{"/usr/bin/*", "/usr/bin/..", ACCESS_COMMAND_NO},
	{"/usr/*/ls", "/usr/bin/ls", ACCESS_COMMAND_PLAIN},
	{"/usr/*/ls", "/usr/../ls", ACCESS_COMMAND_NO},
	{"*", "ls", ACCESS_COMMAND_PLAIN},
	{"*", "/bin/ls", ACCESS_COMMAND_NO},
	{"*", "sub/ls", ACCESS_COMMAND_NO},
};

START_TEST(a_program_is_given_by_its_pattern_and_no_way_leads_out)
{
	struct access_rights rights;

	rules[0].everybody = true;
	give(&rules[0].commands, programs[_i].pattern);
	rights = rights_of(ALICE);
	ck_assert_int_eq(
		access_may_run(&rights, "default", programs[_i].program), programs[_i].may);
}
END_TEST

START_TEST(any_command_is_more_than_a_pattern_and_only_in_its_pools)
{
	struct access_rights rights;

	rules[0].everybody = rules[1].everybody = true;
	give(&rules[0].commands, "ls");
	rules[1].any_command = true;
	give(&rules[1].pools, "video");
	rights = rights_of(ALICE);
	ck_assert_int_eq(access_may_run(&rights, "video", "ls"), ACCESS_COMMAND_ANY);
	ck_assert_int_eq(access_may_run(&rights, "video", "sh"), ACCESS_COMMAND_ANY);
	ck_assert_int_eq(access_may_run(&rights, "default", "ls"), ACCESS_COMMAND_PLAIN);
	ck_assert_int_eq(access_may_run(&rights, "default", "sh"), ACCESS_COMMAND_NO);
}
END_TEST

START_TEST(methods_about_pools_are_given_in_those_pools)
{
	struct access_rights rights;

	rules[0].everybody = true;
	rules[0].methods = ACCESS_DRAIN | ACCESS_RELOAD;
	give(&rules[0].pools, "video");
	rights = rights_of(ALICE);
	ck_assert(access_may(&rights, ACCESS_DRAIN, "video"));
	ck_assert(!access_may(&rights, ACCESS_DRAIN, "default"));
	ck_assert(!access_may(&rights, ACCESS_DRAIN, NULL)); /* all of them */
	ck_assert(access_may(&rights, ACCESS_RELOAD, NULL));
	ck_assert(!access_may(&rights, ACCESS_PAUSE, "video"));
	ck_assert(access_may_use(&rights, "video"));
	ck_assert(!access_may_use(&rights, "default"));
	access_clear_patterns(&rules[0].pools);
	ck_assert(access_may(&rights, ACCESS_DRAIN, NULL));
	ck_assert(access_may(&rights, ACCESS_DRAIN, "default"));
}
END_TEST

START_TEST(rules_add_up)
{
	struct access_rights rights;

	rules[0].everybody = true;
	ck_assert_int_eq(access_add_uid(&rules[1], ALICE), 0);
	give(&rules[0].functions, "cube");
	give(&rules[1].functions, "sleep");
	rules[1].methods = ACCESS_PAUSE;
	rights = rights_of(ALICE);
	ck_assert(access_may_call(&rights, "default", "cube"));
	ck_assert(access_may_call(&rights, "default", "sleep"));
	ck_assert(access_may(&rights, ACCESS_PAUSE, NULL));
	rights = rights_of(BOB);
	ck_assert(access_may_call(&rights, "default", "cube"));
	ck_assert(!access_may_call(&rights, "default", "sleep"));
	ck_assert(!access_may(&rights, ACCESS_PAUSE, NULL));
}
END_TEST

START_TEST(the_largest_quota_counts_and_no_limit_is_larger)
{
	struct access_rights rights;

	for (size_t i = 0; i < COUNT(rules); i++)
		rules[i].everybody = true;
	rights = rights_of(ALICE);
	ck_assert_uint_eq(rights.user_tasks, ACCESS_NOT_SAID);
	ck_assert_uint_eq(rights.user_bytes, ACCESS_NOT_SAID);
	ck_assert_uint_eq(rights.user_running, ACCESS_NOT_SAID);
	rules[0].user_tasks = 5;
	rules[1].user_tasks = 9;
	rules[2].user_bytes = 70000;
	rules[0].user_running = 3;
	rules[2].user_running = 2;
	rights = rights_of(ALICE);
	ck_assert_uint_eq(rights.user_tasks, 9);
	ck_assert_uint_eq(rights.user_bytes, 70000);
	ck_assert_uint_eq(rights.user_running, 3);
	rules[1].user_running = 0;
	ck_assert_uint_eq(rights_of(ALICE).user_running, 0);
}
END_TEST

START_TEST(a_rule_has_an_end)
{
	int r = 0;

	for (int i = 0; r == 0 && i <= ACCESS_LIST_MAX; i++)
		r = access_add_uid(&rules[0], (uid_t)i);
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_uint_eq(rules[0].uid_count, ACCESS_LIST_MAX);
}
END_TEST

/* ---- identities ------------------------------------------------------------------------------------ */

START_TEST(the_same_people_are_one_identity_until_nobody_refers_to_it)
{
	const gid_t groups[] = {STAFF, HIVE}, fewer[] = {STAFF};
	struct identities identities = {.policy = &policy};
	struct identity *one = identities_get(&identities, ALICE, ALICE, groups, 2);

	ck_assert_ptr_nonnull(one);
	ck_assert_ptr_eq(identities_get(&identities, ALICE, ALICE, groups, 2), one);
	ck_assert_ptr_ne(identities_get(&identities, ALICE, ALICE, fewer, 1), one);
	ck_assert_ptr_ne(identities_get(&identities, ALICE, STAFF, groups, 2), one);
	ck_assert_ptr_ne(identities_get(&identities, BOB, ALICE, groups, 2), one);
	ck_assert_uint_eq(one->refs, 2);
	identity_unref(&identities, one);
	ck_assert_ptr_eq(identity_ref(one), one);
	identity_unref(&identities, one);
	identity_unref(&identities, one);
	for (struct identity *i = identities.first; i != NULL; i = i->next)
		ck_assert_ptr_ne(i, one);
	identity_unref(&identities, NULL);
	identities_fini(&identities);
	ck_assert_ptr_null(identities.first);
}
END_TEST

START_TEST(a_new_policy_is_applied_to_who_is_there)
{
	const struct access_policy none = {0};
	struct identities identities = {.policy = &none, .master = BOB};
	struct identity *alice = identities_get(&identities, ALICE, ALICE, NULL, 0);
	struct identity *bob = identities_get(&identities, BOB, BOB, NULL, 0);
	struct identity *root = identities_get(&identities, 0, 0, NULL, 0);

	ck_assert(alice->rights.all_calls && !alice->rights.master);
	ck_assert(bob->rights.master && root->rights.master);
	alice->asked_in = &none;
	identities_apply(&identities, &policy);
	ck_assert(!alice->rights.any);
	ck_assert_ptr_null(alice->asked_in); /* what was found out does not count any more */
	ck_assert(bob->rights.all_calls && root->rights.all_calls);
	identities_fini(&identities);
}
END_TEST

void add_core_access(Suite *suite)
{
	TCase *tc = tcase_create("access");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, without_rules_everybody_calls_and_nobody_administrates);
	tcase_add_test(tc, with_a_rule_who_is_not_meant_has_nothing);
	tcase_add_test(tc, a_master_may_everything_whatever_the_rules);
	tcase_add_loop_test(tc, a_rule_means_users_groups_or_everybody, 0, COUNT(subjects));
	tcase_add_loop_test(tc, a_function_is_given_by_its_pattern_in_its_pools, 0, COUNT(calls));
	tcase_add_loop_test(
		tc, a_program_is_given_by_its_pattern_and_no_way_leads_out, 0, COUNT(programs));
	tcase_add_test(tc, any_command_is_more_than_a_pattern_and_only_in_its_pools);
	tcase_add_test(tc, methods_about_pools_are_given_in_those_pools);
	tcase_add_test(tc, rules_add_up);
	tcase_add_test(tc, the_largest_quota_counts_and_no_limit_is_larger);
	tcase_add_test(tc, a_rule_has_an_end);
	tcase_add_test(tc, the_same_people_are_one_identity_until_nobody_refers_to_it);
	tcase_add_test(tc, a_new_policy_is_applied_to_who_is_there);
	suite_add_tcase(suite, tc);
}
