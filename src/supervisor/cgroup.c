/* SPDX-License-Identifier: MIT */
#include "supervisor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "core/groups.h"
#include "supervisor/cgroup_tree.h"
#include "supervisor/group_file.h"

struct cgroup {
	struct cgroups *groups;
	struct cgroup *next; /* of those that are dying */
	const struct cgroup_tree *in[CGROUP_TREES_MAX];
	size_t count;
	const struct cgroup_tree *memory; /* one of them, if there is a limit; or NULL */
	char name[GROUPS_NAME_MAX];
};

/* ---- limits ----------------------------------------------------------------------------- */

/* A file of a controller, and what is written to it: a fixed text, or the limit and what follows it. */
static const struct knob {
	enum cgroup_controller controller;
	bool v2;
	bool optional; /* kernels without it are as good */
	const char *file, *fixed, *suffix;
} knobs[] = {
	{CGROUP_MEMORY, true, false, "memory.max", NULL, ""},
	{CGROUP_MEMORY, true, true, "memory.swap.max", "0", ""},
	/* A worker without the command that it runs is of no use, nor the other way round. */
	{CGROUP_MEMORY, true, true, "memory.oom.group", "1", ""},
	{CGROUP_PIDS, true, false, "pids.max", NULL, ""},
	{CGROUP_CPU, true, false, "cpu.max", NULL, " 100000"},
	{CGROUP_MEMORY, false, false, "memory.limit_in_bytes", NULL, ""},
	/* This one counts swap as well. */
	{CGROUP_MEMORY, false, true, "memory.memsw.limit_in_bytes", NULL, ""},
	{CGROUP_PIDS, false, false, "pids.max", NULL, ""},
	{CGROUP_CPU, false, true, "cpu.cfs_period_us", "100000", ""},
	{CGROUP_CPU, false, false, "cpu.cfs_quota_us", NULL, ""},
};

enum { KNOBS = sizeof(knobs) / sizeof(*knobs) };

static uint64_t limit_of(const struct cgroup_limits *limits, enum cgroup_controller controller)
{
	switch (controller) {
	case CGROUP_MEMORY:
		return limits->memory;
	case CGROUP_PIDS:
		return limits->pids;
	default:
		return limits->cpu * UINT64_C(1000); /* us of 100000 */
	}
}

static int set_knob(const struct knob *knob, const char *folder, uint64_t limit)
{
	char text[64];
	int r;

	text_format(text, sizeof(text), "%" PRIu64 "%s", limit, knob->suffix);
	r = group_file_write(folder, knob->file, knob->fixed != NULL ? knob->fixed : text);
	return r == -ENOENT && knob->optional ? 0 : r;
}

static int set_limits(const struct cgroups *groups, const struct cgroup_tree *tree,
	const char *folder, const struct cgroup_limits *limits, char error[CGROUP_ERROR_MAX])
{
	for (size_t i = 0; i < KNOBS; i++) {
		const struct knob *knob = &knobs[i];
		uint64_t limit = limit_of(limits, knob->controller);
		int r = 0;

		if (limit > 0 && groups->of[knob->controller] == tree && knob->v2 == tree->v2)
			r = set_knob(knob, folder, limit);
		if (r < 0) {
			text_format(error, CGROUP_ERROR_MAX, "%.300s/%s cannot be set: %s", folder,
				knob->file, strerror(-r));
			return r;
		}
	}
	return 0;
}

/* ---- a group's life --------------------------------------------------------------------- */

static void folder_of(
	const struct cgroup *group, const struct cgroup_tree *tree, char ret[PATH_MAX])
{
	text_format(ret, PATH_MAX, "%s/%s", tree->base, group->name);
}

static int make_folder(const char *folder)
{
	return mkdir(folder, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

static int make_in(struct cgroup *group, struct cgroup_tree *tree,
	const struct cgroup_limits *limits, char error[CGROUP_ERROR_MAX])
{
	char folder[PATH_MAX];
	int r;

	folder_of(group, tree, folder);
	r = make_folder(folder);
	if (r == -ENOENT && cgroups_renew(group->groups, tree) == 0)
		r = make_folder(folder);
	if (r < 0) {
		text_format(
			error, CGROUP_ERROR_MAX, "%.400s cannot be made: %s", folder, strerror(-r));
		return r;
	}
	group->in[group->count++] = tree;
	return set_limits(group->groups, tree, folder, limits, error);
}

/* Has a limit there, or has none at all and this is where such are. */
static bool is_in(const struct cgroups *groups, const struct cgroup_tree *tree,
	const struct cgroup_limits *limits)
{
	bool any = false;

	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		bool limited = limit_of(limits, (enum cgroup_controller)c) > 0;

		if (limited && groups->of[c] == tree)
			return true;
		any |= limited;
	}
	return !any && tree == groups->plain;
}

int cgroup_new(struct cgroups *groups, const char *name, const struct cgroup_limits *limits,
	struct cgroup **ret, char error[CGROUP_ERROR_MAX])
{
	struct cgroup *group = calloc(1, sizeof(*group));
	int r = 0;

	if (group == NULL) {
		text_format(error, CGROUP_ERROR_MAX, "no memory");
		return -ENOMEM;
	}
	group->groups = groups;
	group->memory = limits->memory > 0 ? groups->of[CGROUP_MEMORY] : NULL;
	text_format(group->name, sizeof(group->name), "%s", name);
	for (size_t i = 0; r == 0 && i < groups->tree_count; i++)
		if (is_in(groups, groups->trees[i], limits))
			r = make_in(group, groups->trees[i], limits, error);
	if (r < 0)
		cgroup_bury(group);
	else
		*ret = group;
	return r;
}

int cgroups_try(
	struct cgroups *groups, const struct cgroup_limits *limits, char error[CGROUP_ERROR_MAX])
{
	struct cgroup *group;
	int r = cgroup_new(groups, "trial", limits, &group, error);

	if (r == 0)
		cgroup_bury(group);
	return r;
}

static bool is_v1_memory(const struct cgroup *group)
{
	return group->memory != NULL && !group->memory->v2;
}

int cgroup_open(
	const struct cgroup *group, int ret[LINK_GROUP_FDS], size_t *ret_groups, size_t *ret_count)
{
	char folder[PATH_MAX];
	size_t count = 0;
	int fd = 0;

	for (; fd >= 0 && count < group->count; count += fd >= 0) {
		folder_of(group, group->in[count], folder);
		fd = group_file_open(folder, "cgroup.procs", O_WRONLY);
		ret[count] = fd;
	}
	/* On v1 the kernel kills one process alone, so the worker has to see it. */
	if (fd >= 0 && is_v1_memory(group)) {
		folder_of(group, group->memory, folder);
		fd = group_file_open(folder, "memory.oom_control", O_RDONLY);
		ret[count] = fd;
		count += fd >= 0;
	}
	for (size_t i = 0; fd < 0 && i < count; i++)
		fd_close(&ret[i]);
	if (fd < 0)
		return fd;
	*ret_groups = group->count;
	*ret_count = count;
	return 0;
}

bool cgroup_is_entered(const struct cgroup *group)
{
	char folder[PATH_MAX], text[16];

	for (size_t i = 0; i < group->count; i++) {
		folder_of(group, group->in[i], folder);
		if (group_file_read(folder, "cgroup.procs", text, sizeof(text)) < 0 ||
			text[0] == '\0')
			return false;
	}
	return true;
}

struct cgroup_verdict cgroup_judge(const struct cgroup *group)
{
	struct cgroup_verdict verdict = {0};
	char folder[PATH_MAX], text[1024];
	uint64_t kills = 0;
	bool v2;

	if (group->memory == NULL)
		return verdict;
	v2 = group->memory->v2;
	folder_of(group, group->memory, folder);
	if (group_file_read(
		    folder, v2 ? "memory.events" : "memory.oom_control", text, sizeof(text)) == 0 &&
		groups_counter(text, "oom_kill", &kills))
		verdict.out_of_memory = kills > 0;
	if (group_file_read(folder, v2 ? "memory.peak" : "memory.max_usage_in_bytes", text,
		    sizeof(text)) == 0)
		verdict.peak = strtoull(text, NULL, 10);
	return verdict;
}

/* True: it is gone, or will never go. */
static bool remove_group(const struct cgroup *group)
{
	char folder[PATH_MAX];
	bool gone = true;

	for (size_t i = 0; i < group->count; i++) {
		int r;

		folder_of(group, group->in[i], folder);
		r = group_file_remove(folder);
		if (r == -EBUSY || r == -ENOTEMPTY)
			gone = false;
		else if (r < 0)
			log_error("%s cannot be removed: %s", folder, strerror(-r));
	}
	return gone;
}

bool cgroup_bury(struct cgroup *group)
{
	if (group == NULL)
		return false;
	if (remove_group(group)) {
		free(group);
		return false;
	}
	group->next = group->groups->dying;
	group->groups->dying = group;
	return true;
}

bool cgroups_sweep(struct cgroups *groups)
{
	struct cgroup *group = groups->dying;
	bool left = false;

	groups->dying = NULL;
	while (group != NULL) {
		struct cgroup *next = group->next;

		left |= cgroup_bury(group);
		group = next;
	}
	left |= cgroups_clean(groups);
	return left;
}

void cgroups_forget_dying(struct cgroups *groups)
{
	while (groups->dying != NULL) {
		struct cgroup *group = groups->dying;

		groups->dying = group->next;
		free(group);
	}
}

/* ---- of an earlier version -------------------------------------------------------------- */

const char *cgroup_name(const struct cgroup *group)
{
	return group->name;
}

const struct cgroup *cgroup_next(const struct cgroup *group)
{
	return group->next;
}

int cgroups_restore(struct cgroups *groups, const struct cgroup_tree *tree, bool is_plain)
{
	struct cgroup_tree *copy =
		groups->tree_count < CGROUP_TREES_MAX ? malloc(sizeof(*copy)) : NULL;

	if (copy == NULL)
		return -ENOMEM;
	*copy = *tree;
	groups->trees[groups->tree_count++] = copy;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		if (copy->controllers & 1U << c)
			groups->of[c] = copy;
	if (is_plain)
		groups->plain = copy;
	return 0;
}

int cgroup_restore(struct cgroups *groups, const char *name, bool limited, struct cgroup **ret)
{
	struct cgroup *group = calloc(1, sizeof(*group));
	char folder[PATH_MAX];

	if (group == NULL)
		return -ENOMEM;
	group->groups = groups;
	group->memory = limited ? groups->of[CGROUP_MEMORY] : NULL;
	text_format(group->name, sizeof(group->name), "%s", name);
	for (size_t i = 0; i < groups->tree_count; i++) {
		folder_of(group, groups->trees[i], folder);
		if (access(folder, F_OK) == 0)
			group->in[group->count++] = groups->trees[i];
	}
	*ret = group;
	return 0;
}

int cgroup_restore_dying(struct cgroups *groups, const char *name)
{
	struct cgroup *group;
	int r = cgroup_restore(groups, name, false, &group);

	if (r < 0)
		return r;
	group->next = groups->dying;
	groups->dying = group;
	return 0;
}
