/* SPDX-License-Identifier: MIT */
#include "base/trust.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"

enum { LINKS_MAX = 40, WAY_MAX = 2 * PATH_MAX };

/* A walk from the root: what has been looked at, and what comes then. */
struct walk {
	char done[PATH_MAX]; /* "" is the root */
	char rest[WAY_MAX];
	int links;
	char *why;
};

static int fail(const struct walk *walk, int status, const char *reason)
{
	text_format(
		walk->why, TRUST_WHY_MAX, "%s: %s", *walk->done != '\0' ? walk->done : "/", reason);
	return status;
}

/* ---- one part of the way ------------------------------------------------------------------ */

/*
 * In a user namespace whoever is not in it has the same number, the owner of the system's files among them.
 * Outside of any that number is somebody's.
 */
static bool is_from_outside(uid_t uid)
{
	unsigned int overflow = 0, first = 0, from = 0, count = 0;
	FILE *file = fopen("/proc/sys/kernel/overflowuid", "re");

	if (file == NULL)
		return false;
	if (fscanf(file, "%u", &overflow) != 1)
		overflow = 0;
	fclose(file);
	if (overflow == 0 || uid != overflow)
		return false;
	file = fopen("/proc/self/uid_map", "re");
	if (file == NULL)
		return false;
	if (fscanf(file, "%u %u %u", &first, &from, &count) != 3)
		count = UINT_MAX;
	fclose(file);
	return count != UINT_MAX;
}

static bool is_ours(uid_t uid)
{
	return uid == 0 || uid == geteuid() || is_from_outside(uid);
}

/* Whose first group it is: they are not among its members. */
static bool is_first_of_others(gid_t gid, uid_t uid)
{
	const struct passwd *user;

	setpwent();
	do
		user = getpwent();
	while (user != NULL && (user->pw_gid != gid || user->pw_uid == uid));
	endpwent();
	return user != NULL;
}

/* A group of one user's own. */
static bool is_private_group(uid_t uid, gid_t gid)
{
	const struct passwd *user = getpwuid(uid);
	const struct group *group = user == NULL || user->pw_gid != gid ? NULL : getgrgid(gid);

	if (group == NULL || strcmp(group->gr_name, user->pw_name) != 0)
		return false;
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, user->pw_name) != 0)
			return false;
	return !is_first_of_others(gid, uid);
}

/* Then what looks like the rights of the group is the most that anybody named there has. */
static bool has_list(const char *path)
{
	return lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

static int check_mode(const struct walk *walk, const struct stat *st)
{
	bool is_shared = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;
	char reason[120];

	if (S_ISLNK(st->st_mode) || is_shared || (st->st_mode & 022) == 0)
		return 0;
	if ((st->st_mode & 002) == 0 && is_private_group(st->st_uid, st->st_gid) &&
		!has_list(*walk->done != '\0' ? walk->done : "/"))
		return 0;
	text_format(reason, sizeof(reason), "others may change it (mode %03o); chmod %s it",
		(unsigned int)st->st_mode & 07777, (st->st_mode & 002) != 0 ? "go-w" : "g-w");
	return fail(walk, -EACCES, reason);
}

static int check_part(const struct walk *walk, const struct stat *st)
{
	char reason[160];

	if (is_ours(st->st_uid))
		return check_mode(walk, st);
	text_format(reason, sizeof(reason),
		"it belongs to the user %u; it must belong to root%s, or lie elsewhere",
		(unsigned int)st->st_uid, geteuid() == 0 ? "" : " or to the user of the daemon");
	return fail(walk, -EACCES, reason);
}

/* ---- the way ------------------------------------------------------------------------------- */

/* What a link says comes before the rest. */
static int follow(struct walk *walk, size_t parent_len)
{
	char target[PATH_MAX], rest[WAY_MAX];
	ssize_t len = readlink(walk->done, target, sizeof(target) - 1);

	if (len < 0)
		return fail(walk, -errno, strerror(errno));
	target[len] = '\0';
	if (++walk->links > LINKS_MAX)
		return fail(walk, -ELOOP, "too many links");
	if ((size_t)len + strlen(walk->rest) + 2 > sizeof(rest))
		return fail(walk, -ENAMETOOLONG, strerror(ENAMETOOLONG));
	text_format(rest, sizeof(rest), "%s/%s", target, walk->rest);
	memcpy(walk->rest, rest, sizeof(rest));
	walk->done[target[0] == '/' ? 0 : parent_len] = '\0';
	return 0;
}

static void go_up(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* The next part, of `len` bytes, has been taken off the rest. */
static int go_down(struct walk *walk, const char *part, size_t len)
{
	size_t before = strlen(walk->done);
	struct stat st;
	int r;

	if (before + len + 2 > sizeof(walk->done))
		return fail(walk, -ENAMETOOLONG, strerror(ENAMETOOLONG));
	walk->done[before] = '/';
	memcpy(walk->done + before + 1, part, len);
	walk->done[before + 1 + len] = '\0';
	if (lstat(walk->done, &st) < 0)
		return fail(walk, -errno, strerror(errno));
	r = check_part(walk, &st);
	return r == 0 && S_ISLNK(st.st_mode) ? follow(walk, before) : r;
}

static int take_part(struct walk *walk)
{
	char part[NAME_MAX + 1];
	size_t slashes = strspn(walk->rest, "/"), len = strcspn(walk->rest + slashes, "/");

	if (len >= sizeof(part))
		return fail(walk, -ENAMETOOLONG, strerror(ENAMETOOLONG));
	memcpy(part, walk->rest + slashes, len);
	part[len] = '\0';
	memmove(walk->rest, walk->rest + slashes + len, strlen(walk->rest + slashes + len) + 1);
	if (len == 0 || strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") != 0)
		return go_down(walk, part, len);
	go_up(walk);
	return 0;
}

/* The whole way, if it begins where we are. */
static int begin(struct walk *walk, const char *path)
{
	char here[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return fail(walk, -errno, strerror(errno));
	if (strlen(here) + strlen(path) + 2 > sizeof(walk->rest))
		return fail(walk, -ENAMETOOLONG, strerror(ENAMETOOLONG));
	text_format(walk->rest, sizeof(walk->rest), "%s/%s", here, path);
	return 0;
}

static bool is_told_to_trust(void)
{
	const char *value = getenv(TRUST_VARIABLE);

	return value != NULL && strcmp(value, "any") == 0;
}

int trust_check(const char *path, char why[TRUST_WHY_MAX])
{
	struct walk *walk;
	struct stat st;
	int r = -ENOMEM;

	why[0] = '\0';
	if (is_told_to_trust())
		return 0;
	walk = calloc(1, sizeof(*walk));

	text_format(why, TRUST_WHY_MAX, "out of memory");
	if (walk == NULL)
		return r;
	walk->why = why;
	r = begin(walk, path);
	if (r == 0)
		r = stat("/", &st) < 0 ? -errno : check_part(walk, &st);
	while (r == 0 && *walk->rest != '\0')
		r = take_part(walk);
	free(walk);
	return r;
}
