/* SPDX-License-Identifier: MIT */
/*
 * Control groups of version 2, in an imitation: a folder with the files of the kernel, which keep what was
 * written to them.
 */
#include "check_supervisor.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proctree.h"
#include "core/groups.h"
#include "supervisor/cgroup.h"

static char top[64], own[128], base[PATH_MAX], daemon_group[GROUPS_NAME_MAX];
static struct cgroups groups;
static char error[CGROUP_ERROR_MAX];

/* ---- the imitation */

static void path_of(char ret[PATH_MAX], const char *folder, const char *name)
{
	ck_assert_uint_lt((size_t)snprintf(ret, PATH_MAX, "%s/%s", folder, name), PATH_MAX);
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	path_of(path, folder, name);
	file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s", path);
	fputs(text, file);
	fclose(file);
}

static void expect(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX], got[256] = "";
	FILE *file;

	path_of(path, folder, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_uint_lt(fread(got, 1, sizeof(got) - 1, file), sizeof(got) - 1);
	fclose(file);
	ck_assert_str_eq(got, text);
}

static bool is_there(const char *folder, const char *name)
{
	char path[PATH_MAX];

	path_of(path, folder, name);
	return access(path, F_OK) == 0;
}

static void make_group(char ret[PATH_MAX], const char *folder, const char *name)
{
	path_of(ret, folder, name);
	ck_assert_int_eq(mkdir(ret, 0755), 0);
	put(ret, "cgroup.procs", "");
	put(ret, "cgroup.type", "domain\n");
	put(ret, "cgroup.subtree_control", "");
}

static uint64_t pid_space(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/ns/pid", &st), 0);
	return st.st_ino;
}

static void set_up(void)
{
	char text[256], path[PATH_MAX];
	struct groups_daemon self = {.pid_space = pid_space(), .pid = getpid()};

	strcpy(top, "/tmp/ruche-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0755), 0);
	make_group(path, top, "unit");
	snprintf(own, sizeof(own), "%s/unit", top);
	put(own, "cgroup.controllers", "cpuset cpu memory pids\n");
	put(top, "cgroup", "0::/unit\n");
	snprintf(text, sizeof(text), "30 1 0:27 / %s rw - cgroup2 cgroup2 rw\n", top);
	put(top, "mountinfo", text);
	ck_assert(proctree_start(self.pid, &self.start));
	groups_name(&self, daemon_group);
	groups = (struct cgroups){.proc = top};
	error[0] = '\0';
}

/* The kernel makes the files of a new group: here they are there before. */
static void make_base(void)
{
	char path[PATH_MAX];

	make_group(base, own, daemon_group);
	make_group(path, base, GROUPS_SUPERVISOR);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static void tear_down(void)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the daemon's place */

static const struct cgroup_limits all = {.memory = 64 << 20, .pids = 20, .cpu = 150};
static const struct cgroup_limits none = {0};

START_TEST(daemon_makes_room_for_controllers_below_its_group)
{
	char supervisor[PATH_MAX];

	make_base();
	ck_assert_int_eq(cgroups_want(&groups, &(struct cgroup_limits){.pids = 1}, error), 0);
	path_of(supervisor, base, GROUPS_SUPERVISOR);
	expect(supervisor, "cgroup.procs", "0");
	expect(own, "cgroup.subtree_control", "+pids");
	expect(base, "cgroup.subtree_control", "+pids");
	ck_assert_uint_eq(groups.tree_count, 1);
	ck_assert_ptr_null(groups.of[CGROUP_MEMORY]);
	/* A second pool wants another controller; what is there is not enabled again. */
	put(own, "cgroup.subtree_control", "cpu pids\n");
	put(base, "cgroup.subtree_control", "");
	ck_assert_int_eq(cgroups_want(&groups, &(struct cgroup_limits){.cpu = 1}, error), 0);
	expect(own, "cgroup.subtree_control", "cpu pids\n");
	expect(base, "cgroup.subtree_control", "+cpu");
	ck_assert_uint_eq(groups.tree_count, 1);
	cgroups_close(&groups);
	expect(own, "cgroup.procs", "0"); /* it is back */
}
END_TEST

START_TEST(what_the_daemon_has_started_moves_with_it)
{
	char supervisor[PATH_MAX], text[64];
	pid_t child;

	make_base();
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	snprintf(text, sizeof(text), "0\n%d\n1\n", (int)child);
	put(own, "cgroup.procs", text);
	ck_assert_int_eq(cgroups_want(&groups, &all, error), 0);
	path_of(supervisor, base, GROUPS_SUPERVISOR);
	snprintf(text, sizeof(text), "%d", (int)child);
	expect(supervisor, "cgroup.procs", text); /* and not process 1 */
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	cgroups_close(&groups);
}
END_TEST

START_TEST(daemon_that_has_moved_already_finds_its_place)
{
	char text[256];

	make_base();
	snprintf(text, sizeof(text), "0::/unit/%s/%s\n", daemon_group, GROUPS_SUPERVISOR);
	put(top, "cgroup", text);
	ck_assert_int_eq(cgroups_want(&groups, &none, error), 0);
	ck_assert_str_eq(groups.plain->own, own);
	ck_assert_str_eq(groups.plain->base, base);
	cgroups_close(&groups);
}
END_TEST

START_TEST(controller_that_is_not_delegated_is_told)
{
	put(own, "cgroup.controllers", "cpu pids\n");
	ck_assert_int_eq(cgroups_want(&groups, &all, error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error, "the controller \"memory\" is not there"));
	ck_assert_ptr_nonnull(strstr(error, "Delegate=cpu memory pids"));
	cgroups_close(&groups);
}
END_TEST

START_TEST(group_that_is_not_ours_is_told)
{
	uid_t user = geteuid();

	if (user != 0) /* whose folder this is */
		return;
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(cgroups_want(&groups, &none, error), -EACCES);
	ck_assert_ptr_nonnull(strstr(error, own));
	ck_assert_ptr_nonnull(strstr(error, "Permission denied; start the daemon as root"));
	cgroups_close(&groups);
	ck_assert_int_eq(seteuid(user), 0);
}
END_TEST

START_TEST(where_there_are_no_groups_that_is_told)
{
	put(top, "mountinfo", "");
	ck_assert_int_eq(cgroups_want(&groups, &none, error), -ENOENT);
	ck_assert_str_eq(error, "workers cannot have control groups: none are mounted here");
	cgroups_close(&groups);
}
END_TEST

START_TEST(only_groups_of_dead_daemons_are_removed)
{
	char path[PATH_MAX], below[PATH_MAX], alive[GROUPS_NAME_MAX], dead[GROUPS_NAME_MAX];
	struct groups_daemon other = {.pid_space = pid_space(), .pid = getppid()};
	char elsewhere[GROUPS_NAME_MAX];

	ck_assert(proctree_start(other.pid, &other.start));
	groups_name(&other, alive);
	other.start++; /* the same pid, another process */
	groups_name(&other, dead);
	other.pid_space++; /* and one that cannot be looked for */
	groups_name(&other, elsewhere);
	path_of(path, own, elsewhere);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	path_of(path, own, alive);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	path_of(path, own, "other");
	ck_assert_int_eq(mkdir(path, 0755), 0);
	path_of(path, own, dead);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	path_of(below, path, "default-0.1");
	ck_assert_int_eq(mkdir(below, 0755), 0);
	ck_assert_int_eq(cgroups_want(&groups, &none, error), 0);
	ck_assert(!is_there(own, dead));
	ck_assert(is_there(own, alive) && is_there(own, "other") && is_there(own, elsewhere));
	cgroups_close(&groups);
	ck_assert(!is_there(own, daemon_group));
}
END_TEST

/* ---- a worker's group */

static struct cgroup *make_worker(char ret[PATH_MAX], const struct cgroup_limits *limits)
{
	struct cgroup *group = NULL;

	make_base();
	make_group(ret, base, "w");
	put(ret, "memory.max", "");
	put(ret, "memory.swap.max", "");
	put(ret, "memory.oom.group", "");
	put(ret, "pids.max", "");
	put(ret, "cpu.max", "");
	ck_assert_int_eq(cgroups_want(&groups, limits, error), 0);
	ck_assert_int_eq(cgroup_new(&groups, "w", limits, &group, error), 0);
	return group;
}

START_TEST(limits_are_written_to_the_files_of_the_controllers)
{
	char folder[PATH_MAX];
	struct cgroup *group = make_worker(folder, &all);

	expect(folder, "memory.max", "67108864");
	expect(folder, "memory.swap.max", "0");
	expect(folder, "memory.oom.group", "1");
	expect(folder, "pids.max", "20");
	expect(folder, "cpu.max", "150000 100000");
	cgroup_bury(group);
	cgroups_close(&groups);
}
END_TEST

START_TEST(where_there_is_no_limit_nothing_is_written)
{
	char folder[PATH_MAX];
	struct cgroup *group = make_worker(folder, &none);

	expect(folder, "memory.max", "");
	expect(folder, "memory.oom.group", "");
	expect(folder, "pids.max", "");
	expect(folder, "cpu.max", "");
	ck_assert(!cgroup_judge(group).out_of_memory);
	cgroup_bury(group);
	cgroups_close(&groups);
}
END_TEST

START_TEST(limit_that_cannot_be_set_is_told)
{
	struct cgroup *group = NULL;
	char folder[PATH_MAX];

	make_base();
	make_group(folder, base, "w");
	ck_assert_int_eq(cgroups_want(&groups, &all, error), 0);
	ck_assert_int_eq(cgroup_new(&groups, "w", &all, &group, error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error, "/w/memory.max cannot be set: No such file"));
	ck_assert_ptr_null(group);
	cgroups_close(&groups);
}
END_TEST

START_TEST(worker_gets_what_it_needs_to_enter)
{
	char folder[PATH_MAX];
	struct cgroup *group = make_worker(folder, &all);
	size_t entered = 0, count = 0;
	int fds[LINK_GROUP_FDS];

	ck_assert(!cgroup_is_entered(group));
	ck_assert_int_eq(cgroup_open(group, fds, &entered, &count), 0);
	ck_assert(entered == 1 && count == 1);
	ck_assert_int_eq(fd_write_all(fds[0], "0", 1), 0);
	ck_assert(cgroup_is_entered(group));
	fd_close(&fds[0]);
	put(folder, "cgroup.procs", "");
	cgroup_bury(group);
	cgroups_close(&groups);
}
END_TEST

START_TEST(death_for_want_of_memory_is_seen)
{
	char folder[PATH_MAX];
	struct cgroup *group = make_worker(folder, &all);

	ck_assert(!cgroup_judge(group).out_of_memory);
	put(folder, "memory.events", "low 0\nmax 9\noom 1\noom_kill 0\n");
	put(folder, "memory.peak", "67108864\n");
	ck_assert(!cgroup_judge(group).out_of_memory);
	put(folder, "memory.events", "low 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 1\n");
	ck_assert(cgroup_judge(group).out_of_memory);
	ck_assert_uint_eq(cgroup_judge(group).peak, 64 << 20);
	cgroup_bury(group);
	cgroups_close(&groups);
}
END_TEST

/* Where there is no cgroup.kill, process by process; here the group then stays for its files. */
START_TEST(what_is_left_in_a_group_is_killed)
{
	char folder[PATH_MAX], text[32];
	struct cgroup *group = make_worker(folder, &all);
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		pause();
		_exit(0);
	}
	snprintf(text, sizeof(text), "0\n%d\n", (int)child);
	put(folder, "cgroup.procs", text);
	ck_assert(cgroup_bury(group));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert(cgroups_sweep(&groups));
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	ck_assert(!cgroups_sweep(&groups));
	cgroups_close(&groups);
}
END_TEST

START_TEST(group_is_killed_at_one_stroke_where_the_kernel_can)
{
	char folder[PATH_MAX];
	struct cgroup *group = make_worker(folder, &all);

	put(folder, "cgroup.kill", "");
	put(folder, "cgroup.procs", "1\n");
	cgroup_bury(group);
	expect(folder, "cgroup.kill", "1");
	put(folder, "cgroup.procs", "");
	cgroups_close(&groups);
}
END_TEST

void add_supervisor_cgroup(Suite *suite)
{
	TCase *tc = tcase_create("cgroup");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, daemon_makes_room_for_controllers_below_its_group);
	tcase_add_test(tc, what_the_daemon_has_started_moves_with_it);
	tcase_add_test(tc, daemon_that_has_moved_already_finds_its_place);
	tcase_add_test(tc, controller_that_is_not_delegated_is_told);
	tcase_add_test(tc, group_that_is_not_ours_is_told);
	tcase_add_test(tc, where_there_are_no_groups_that_is_told);
	tcase_add_test(tc, only_groups_of_dead_daemons_are_removed);
	tcase_add_test(tc, limits_are_written_to_the_files_of_the_controllers);
	tcase_add_test(tc, where_there_is_no_limit_nothing_is_written);
	tcase_add_test(tc, limit_that_cannot_be_set_is_told);
	tcase_add_test(tc, worker_gets_what_it_needs_to_enter);
	tcase_add_test(tc, death_for_want_of_memory_is_seen);
	tcase_add_test(tc, what_is_left_in_a_group_is_killed);
	tcase_add_test(tc, group_is_killed_at_one_stroke_where_the_kernel_can);
	suite_add_tcase(suite, tc);
}
