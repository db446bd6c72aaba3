/* SPDX-License-Identifier: MIT */
#include "check_base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/trust.h"

enum { STRANGER = 12345 };

/* DIR/sub/file, and DIR/link to it; and where we were. */
static char dir[] = "/tmp/check-trust-XXXXXX", before[PATH_MAX];
static char why[TRUST_WHY_MAX];

static const char *in_dir(const char *name)
{
	static char paths[4][PATH_MAX];
	static int next;

	next = (next + 1) % 4;
	snprintf(paths[next], PATH_MAX, "%s/%s", dir, name);
	return paths[next];
}

static void make_file(const char *name)
{
	int fd = open(in_dir(name), O_CREAT | O_WRONLY, 0644);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void set_up(void)
{
	umask(022);
	unsetenv(TRUST_VARIABLE);
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(in_dir("sub"), 0755), 0);
	make_file("sub/file");
	ck_assert_int_eq(symlink("sub/file", in_dir("link")), 0);
	why[0] = '\0';
}

static void tear_down(void)
{
	ck_assert_int_eq(chdir(before), 0);
	unlink(in_dir("sub/file"));
	unlink(in_dir("link"));
	unlink(in_dir("other"));
	rmdir(in_dir("sub"));
	rmdir(dir);
}

static void assert_refused(const char *path, const char *culprit, const char *reason)
{
	char head[PATH_MAX + 2];

	snprintf(head, sizeof(head), "%s: ", culprit);
	ck_assert_int_eq(trust_check(path, why), -EACCES);
	ck_assert_msg(strncmp(why, head, strlen(head)) == 0, "not %s, but %s", head, why);
	ck_assert_msg(strstr(why, reason) != NULL, "not %s, but %s", reason, why);
}

START_TEST(who_says_so_trusts_everything)
{
	ck_assert_int_eq(chmod(in_dir("sub/file"), 0666), 0);
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), -EACCES);
	setenv(TRUST_VARIABLE, "any", 1);
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), 0);
	setenv(TRUST_VARIABLE, "many", 1);
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), -EACCES);
}
END_TEST

START_TEST(what_is_ours_below_a_sticky_directory_is_trusted)
{
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), 0);
	ck_assert_int_eq(trust_check(in_dir("link"), why), 0);
	ck_assert_int_eq(trust_check(in_dir("sub"), why), 0);
	ck_assert_int_eq(trust_check("/", why), 0);
}
END_TEST

START_TEST(the_way_may_begin_here_and_wind)
{
	char path[PATH_MAX];

	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(trust_check("sub/file", why), 0);
	ck_assert_int_eq(trust_check("./sub/../link", why), 0);
	snprintf(path, sizeof(path), "../..//%s/./sub//file", dir);
	ck_assert_int_eq(trust_check(path, why), 0);
}
END_TEST

START_TEST(what_others_may_write_is_named)
{
	chmod(in_dir("sub/file"), 0646);
	assert_refused(in_dir("sub/file"), in_dir("sub/file"), "chmod go-w");
	assert_refused(in_dir("link"), in_dir("sub/file"), "(mode 646)");
	chmod(in_dir("sub/file"), 0644);
	chmod(in_dir("sub"), 0757);
	assert_refused(in_dir("sub/file"), in_dir("sub"), "chmod go-w");
	assert_refused(in_dir("link"), in_dir("sub"), "chmod go-w");
	chmod(in_dir("sub"), 01777); /* as /tmp */
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), 0);
	chmod(dir, 0777);
	assert_refused(in_dir("link"), dir, "(mode 777)");
}
END_TEST

START_TEST(what_is_not_there_is_told_as_that)
{
	ck_assert_int_eq(trust_check(in_dir("nothing"), why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/nothing: No such file"));
	ck_assert_int_eq(trust_check(in_dir("sub/file/nothing"), why), -ENOTDIR);
}
END_TEST

START_TEST(links_in_a_circle_and_ways_without_end_are_refused)
{
	char *path = malloc(3 * PATH_MAX);

	ck_assert_int_eq(symlink("other", in_dir("other")), 0);
	ck_assert_int_eq(trust_check(in_dir("other"), why), -ELOOP);
	memset(path, 'a', 3 * PATH_MAX);
	path[0] = '/';
	path[3 * PATH_MAX - 1] = '\0';
	ck_assert_int_eq(trust_check(path, why), -ENAMETOOLONG);
	for (int i = 1; i < 3 * PATH_MAX - 1; i += 2)
		path[i] = '/';
	ck_assert_int_eq(trust_check(path, why), -ENAMETOOLONG);
	free(path);
}
END_TEST

/* ---- as root: what belongs to others -------------------------------------------------------- */

static bool is_root(void)
{
	return geteuid() == 0;
}

START_TEST(what_belongs_to_another_user_is_refused)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chown(in_dir("sub/file"), STRANGER, 0), 0);
	assert_refused(in_dir("link"), in_dir("sub/file"), "it belongs to the user 12345");
	ck_assert_int_eq(chown(in_dir("sub/file"), 0, 0), 0);
	ck_assert_int_eq(chown(in_dir("sub"), STRANGER, 0), 0);
	assert_refused(in_dir("sub/file"), in_dir("sub"), "it belongs to the user 12345");
	ck_assert_int_eq(chown(in_dir("sub"), 0, 0), 0);
	ck_assert_int_eq(lchown(in_dir("link"), STRANGER, 0), 0);
	assert_refused(in_dir("link"), in_dir("link"), "it belongs to the user 12345");
}
END_TEST

START_TEST(a_group_may_write_only_if_it_is_one_users_own)
{
	if (!is_root())
		return;
	chmod(in_dir("sub/file"), 0664);
	ck_assert_int_eq(chown(in_dir("sub/file"), 0, STRANGER), 0);
	assert_refused(in_dir("sub/file"), in_dir("sub/file"), "chmod g-w");
	ck_assert_int_eq(chown(in_dir("sub/file"), 0, 0), 0); /* root's group is root's */
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), 0);
}
END_TEST

/* As setfacl -m u:12345:rw has it, which leaves a mode of 664. */
static int let_stranger_write(const char *path)
{
	static const struct {
		uint16_t tag, may;
		uint32_t id;
	} entries[] = {{1, 6, UINT32_MAX}, {2, 6, STRANGER}, {4, 4, UINT32_MAX},
		{16, 6, UINT32_MAX}, {32, 4, UINT32_MAX}};
	uint8_t list[4 + sizeof(entries)] = {2};

	memcpy(list + 4, entries, sizeof(entries));
	return setxattr(path, "system.posix_acl_access", list, sizeof(list), 0);
}

START_TEST(who_is_in_an_access_list_is_somebody_else)
{
	if (!is_root() || let_stranger_write(in_dir("sub/file")) < 0)
		return;
	assert_refused(in_dir("sub/file"), in_dir("sub/file"), "(mode 664)");
}
END_TEST

START_TEST(another_user_trusts_its_own_and_roots)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chown(in_dir("sub"), STRANGER, STRANGER), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(seteuid(STRANGER), 0);
	ck_assert_int_eq(trust_check(in_dir("sub/file"), why), 0);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chown(in_dir("sub"), STRANGER + 1, 0), 0);
	ck_assert_int_eq(seteuid(STRANGER), 0);
	assert_refused(in_dir("sub/file"), in_dir("sub"), "or to the user of the daemon");
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

TCase *case_trust(void)
{
	TCase *tc = tcase_create("trust");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, who_says_so_trusts_everything);
	tcase_add_test(tc, what_is_ours_below_a_sticky_directory_is_trusted);
	tcase_add_test(tc, the_way_may_begin_here_and_wind);
	tcase_add_test(tc, what_others_may_write_is_named);
	tcase_add_test(tc, what_is_not_there_is_told_as_that);
	tcase_add_test(tc, links_in_a_circle_and_ways_without_end_are_refused);
	tcase_add_test(tc, what_belongs_to_another_user_is_refused);
	tcase_add_test(tc, a_group_may_write_only_if_it_is_one_users_own);
	tcase_add_test(tc, who_is_in_an_access_list_is_somebody_else);
	tcase_add_test(tc, another_user_trusts_its_own_and_roots);
	return tc;
}
