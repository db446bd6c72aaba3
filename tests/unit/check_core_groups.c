/* SPDX-License-Identifier: MIT */
/* Control groups, as the texts of the kernel tell of them. */
#include "check_core.h"

#include <string.h>

#include "core/groups.h"

static const char hybrid[] =
	"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	"31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:4 - cgroup cgroup "
	"rw,cpu,cpuacct\n"
	"34 30 0:31 /docker/1f /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	"35 30 0:32 / /mnt/a\\040b/pids rw - cgroup none rw,pids\n"
	"40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

static const char membership[] = "9:name=systemd:/s\n8:pids:/\n4:memory:/docker/1f/x/y\n"
				 "1:cpu,cpuacct:/limited\n0::/user.slice/a\n";

static const struct {
	const char *controller, *expected;
} places[] = {
	{"cpu", "/sys/fs/cgroup/cpu,cpuacct/limited"},
	{"cpuacct", "/sys/fs/cgroup/cpu,cpuacct/limited"},
	{"memory", "/sys/fs/cgroup/memory/x/y"},
	{"pids", "/mnt/a b/pids"},
	{NULL, "/sys/fs/cgroup/unified/user.slice/a"},
	{"blkio", NULL},
	{"cgroup", NULL},
	{"rw", NULL},
};

START_TEST(folder_of_the_own_group_is_found)
{
	char folder[256];
	bool found = groups_find(hybrid, membership, places[_i].controller, folder, sizeof(folder));

	ck_assert_int_eq(found, places[_i].expected != NULL);
	if (found)
		ck_assert_str_eq(folder, places[_i].expected);
	ck_assert(!groups_find(hybrid, membership, places[_i].controller, folder, 9));
}
END_TEST

static const char *const bad_mounts[] = {"", "\n", "1 2", "1 2 3 / /x rw", "1 2 3 / /x rw -",
	"1 2 3 / /x rw - cgroup2", "1 2 3 / /x rw - cgroup2 none",
	"1 2 3 / /x rw - cgroup2 none\nrw", "1 2 3 / /x rw cgroup2 cgroup2 rw\n",
	"1 2 3 /else /x rw - cgroup2 none rw\n", "1 2 3 /user /x rw - cgroup2 none rw\n"};

START_TEST(mount_that_is_not_whole_or_elsewhere_is_none)
{
	char folder[256];

	ck_assert(!groups_find(bad_mounts[_i], membership, NULL, folder, sizeof(folder)));
}
END_TEST

START_TEST(place_that_is_not_known_is_none)
{
	char folder[256];

	ck_assert(!groups_find(hybrid, "", NULL, folder, sizeof(folder)));
	ck_assert(!groups_find(hybrid, "4:memory:/elsewhere\n", "memory", folder, sizeof(folder)));
	ck_assert(!groups_find(hybrid, "4:memory:/docker/1fe\n", "memory", folder, sizeof(folder)));
	ck_assert(groups_find(hybrid, "4:memory:/docker/1f\n", "memory", folder, sizeof(folder)));
	ck_assert_str_eq(folder, "/sys/fs/cgroup/memory");
}
END_TEST

START_TEST(name_of_a_daemons_group_says_which_process_it_is)
{
	const struct groups_daemon daemon = {4026531836, 4711, UINT64_MAX};
	struct groups_daemon again = {0};
	char name[GROUPS_NAME_MAX];

	groups_name(&daemon, name);
	ck_assert_str_eq(name, "ruche-4026531836-4711-18446744073709551615");
	ck_assert(groups_parse_name(name, &again));
	ck_assert(again.pid_space == daemon.pid_space && again.pid == 4711 &&
		  again.start == UINT64_MAX);
}
END_TEST

static const char *const other_names[] = {"", "ruche", "ruche-", "ruche-1", "ruche-1-2",
	"ruche-1-2-", "ruche-x-1-2", "ruche-1-x-2", "ruche-1-2-x", "ruche-1-2-3x", "ruche-1-02-3",
	"ruche-1--2-3", "ruche-1-0-3", "ruche-1-2--3", "xruche-1-2-3", "ruche- 1-2-3",
	"ruche-01-2-3", "ruche-1-2-99999999999999999999", "memory.max"};

START_TEST(other_names_are_nobodys)
{
	struct groups_daemon daemon;

	ck_assert(!groups_parse_name(other_names[_i], &daemon));
}
END_TEST

static const char *const folders[][2] = {
	{"/c/ruche-9-1-2/supervisor", "/c"},
	{"/c/d/ruche-9-1-2/supervisor", "/c/d"},
	{"/c/ruche-9-1-2", "/c/ruche-9-1-2"},
	{"/c/supervisor", "/c/supervisor"},
	{"/c/ruche-9-1-x/supervisor", "/c/ruche-9-1-x/supervisor"},
	{"/c/ruche-9-1-2/supervisors", "/c/ruche-9-1-2/supervisors"},
	{"supervisor", "supervisor"},
	{"/supervisor", "/supervisor"},
	{"", ""},
};

START_TEST(what_the_daemon_has_added_to_its_place_is_cut_off)
{
	char folder[64];

	strcpy(folder, folders[_i][0]);
	groups_strip(folder);
	ck_assert_str_eq(folder, folders[_i][1]);
}
END_TEST

START_TEST(counters_are_read_by_their_whole_name)
{
	static const char events[] = "low 0\noom 4\noom_kill 3\noom_group_kill 1\n";
	uint64_t value = 77;

	ck_assert(groups_counter(events, "oom_kill", &value) && value == 3);
	ck_assert(groups_counter(events, "oom", &value) && value == 4);
	ck_assert(!groups_counter(events, "kill", &value));
	ck_assert(!groups_counter(events, "oom_", &value));
	ck_assert(!groups_counter("oom_kill\n", "oom_kill", &value));
	ck_assert(!groups_counter("", "oom_kill", &value));
	ck_assert_uint_eq(value, 4);
}
END_TEST

START_TEST(words_are_found_whole)
{
	ck_assert(groups_has_word("cpuset cpu memory\n", "cpu"));
	ck_assert(groups_has_word("memory", "memory"));
	ck_assert(!groups_has_word("cpuset memory\n", "cpu"));
	ck_assert(!groups_has_word("\ncpu", "cpu"));
	ck_assert(!groups_has_word("", "cpu"));
}
END_TEST

void add_core_groups(Suite *suite)
{
	TCase *tc = tcase_create("groups");

	tcase_add_loop_test(tc, folder_of_the_own_group_is_found, 0, COUNT(places));
	tcase_add_loop_test(tc, mount_that_is_not_whole_or_elsewhere_is_none, 0, COUNT(bad_mounts));
	tcase_add_test(tc, place_that_is_not_known_is_none);
	tcase_add_test(tc, name_of_a_daemons_group_says_which_process_it_is);
	tcase_add_loop_test(tc, other_names_are_nobodys, 0, COUNT(other_names));
	tcase_add_loop_test(
		tc, what_the_daemon_has_added_to_its_place_is_cut_off, 0, COUNT(folders));
	tcase_add_test(tc, counters_are_read_by_their_whole_name);
	tcase_add_test(tc, words_are_found_whole);
	suite_add_tcase(suite, tc);
}
