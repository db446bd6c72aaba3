/* SPDX-License-Identifier: MIT */
#include "core/groups.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cores.h"

static const char prefix[] = "ruche-";

/* ---- where they are mounted ------------------------------------------------------------- */

/* The fields of a line of mountinfo that matter; each ends with a blank or at the line's end. */
struct mount {
	const char *root, *folder, *type, *options;
};

static const char *skip_words(const char *at, int count)
{
	for (; count > 0 && *at != '\0' && *at != '\n'; count--) {
		at += strcspn(at, " \n");
		at += *at == ' ';
	}
	return at;
}

static size_t word_len(const char *at)
{
	return strcspn(at, " \n");
}

static bool word_is(const char *at, const char *word)
{
	return word_len(at) == strlen(word) && strncmp(at, word, strlen(word)) == 0;
}

/* "30 22 0:27 ROOT FOLDER options [more]... - TYPE source OPTIONS" */
static bool read_mount(const char *line, struct mount *ret)
{
	const char *at = skip_words(line, 3);

	ret->root = at;
	ret->folder = at = skip_words(at, 1);
	for (at = skip_words(at, 1); *at != '\0' && *at != '\n' && !word_is(at, "-");)
		at = skip_words(at, 1);
	ret->type = skip_words(at, 1);
	ret->options = skip_words(ret->type, 2);
	return word_is(at, "-") && *ret->options != '\0' && *ret->options != '\n';
}

/* Is it one of the words between commas? */
static bool has_option(const char *options, const char *name)
{
	size_t len = word_len(options), want = strlen(name);

	for (size_t at = 0; at < len;) {
		size_t n = strcspn(options + at, ", \n");

		if (n == want && strncmp(options + at, name, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

static bool is_wanted(const struct mount *mount, const char *controller)
{
	if (controller == NULL)
		return word_is(mount->type, "cgroup2");
	return word_is(mount->type, "cgroup") && has_option(mount->options, controller);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

static bool find_mount(const char *mountinfo, const char *controller, struct mount *ret)
{
	for (const char *line = mountinfo; *line != '\0'; line = next_line(line))
		if (read_mount(line, ret) && is_wanted(ret, controller))
			return true;
	return false;
}

/* "\040" is a blank.  The length, or `size` if it does not fit. */
static size_t unescape(const char *word, char *ret, size_t size)
{
	size_t len = word_len(word), to = 0;

	for (size_t at = 0; at < len; to++) {
		bool escaped = word[at] == '\\' && at + 3 < len;
		char code[4] = "";

		if (to + 1 >= size)
			return size;
		if (escaped)
			memcpy(code, word + at + 1, 3);
		ret[to] = escaped ? (char)strtol(code, NULL, 8) : word[at];
		at += escaped ? 4 : 1;
	}
	ret[to] = '\0';
	return to;
}

/* What of the path lies below the mount's root, which in a container need not be "/"; NULL: it does not. */
static const char *below(const char *path, const char *root)
{
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, len) != 0 || (path[len] != '\0' && path[len] != '/'))
		return NULL;
	return strcmp(path + len, "/") == 0 ? "" : path + len;
}

bool groups_find(const char *mountinfo, const char *membership, const char *controller, char *ret,
	size_t size)
{
	char root[PATH_MAX], folder[PATH_MAX], path[PATH_MAX];
	struct mount mount;
	const char *rest;

	if (!find_mount(mountinfo, controller, &mount) ||
		!cores_parse_cgroup(membership, controller, path, sizeof(path)) ||
		unescape(mount.root, root, sizeof(root)) == sizeof(root) ||
		unescape(mount.folder, folder, sizeof(folder)) == sizeof(folder))
		return false;
	rest = below(path, root);
	return rest != NULL && (size_t)snprintf(ret, size, "%s%s", folder, rest) < size;
}

/* ---- names ------------------------------------------------------------------------------ */

void groups_name(const struct groups_daemon *daemon, char ret[GROUPS_NAME_MAX])
{
	snprintf(ret, GROUPS_NAME_MAX, "%s%" PRIu64 "-%d-%" PRIu64, prefix, daemon->pid_space,
		(int)daemon->pid, daemon->start);
}

bool groups_parse_name(const char *name, struct groups_daemon *ret)
{
	struct groups_daemon daemon;
	char again[GROUPS_NAME_MAX];
	int pid;

	if (sscanf(name, "ruche-%" SCNu64 "-%d-%" SCNu64, &daemon.pid_space, &pid, &daemon.start) !=
			3 ||
		pid <= 0)
		return false;
	daemon.pid = pid;
	groups_name(&daemon, again);
	if (strcmp(name, again) != 0)
		return false;
	*ret = daemon;
	return true;
}

void groups_strip(char *folder)
{
	char *last = strrchr(folder, '/'), *name;
	struct groups_daemon daemon;

	if (last == NULL || strcmp(last + 1, GROUPS_SUPERVISOR) != 0)
		return;
	*last = '\0';
	name = strrchr(folder, '/');
	if (name != NULL && groups_parse_name(name + 1, &daemon))
		*name = '\0';
	else
		*last = '/';
}

/* ---- what files say --------------------------------------------------------------------- */

bool groups_counter(const char *text, const char *key, uint64_t *ret)
{
	for (const char *line = text; *line != '\0'; line = next_line(line))
		if (word_is(line, key))
			return sscanf(line + strlen(key), " %" SCNu64, ret) == 1;
	return false;
}

bool groups_has_word(const char *words, const char *word)
{
	for (const char *at = words; *at != '\0' && *at != '\n'; at = skip_words(at, 1))
		if (word_is(at, word))
			return true;
	return false;
}
