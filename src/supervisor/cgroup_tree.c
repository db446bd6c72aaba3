/* SPDX-License-Identifier: MIT */
/* cgroup.h, where groups are: the hierarchies, and the daemon's own place in them. */
#include "supervisor/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/proctree.h"
#include "base/text.h"
#include "core/groups.h"
#include "supervisor/cgroup_tree.h"
#include "supervisor/group_file.h"

enum { PROC_TEXT_MAX = 65536, CLOSE_TRIES = 500, MOVE_ROUNDS = 8 };

static const struct timespec close_pause = {.tv_nsec = 2000000};

static const char *const names[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = "memory", [CGROUP_PIDS] = "pids", [CGROUP_CPU] = "cpu"};

static const char advice[] = "start the daemon as root, or have the group delegated to it (in its "
			     "unit: Delegate=cpu memory pids)";

static bool is_root(const struct cgroup_tree *tree)
{
	char text[64];

	return group_file_read(tree->own, "cgroup.type", text, sizeof(text)) == -ENOENT;
}

/* ---- where ------------------------------------------------------------------------------ */

/* The texts of /proc/self that tell; both to be freed. */
struct place {
	char *mountinfo, *membership;
};

static int read_place(const struct cgroups *groups, struct place *ret)
{
	const char *proc = groups->proc != NULL ? groups->proc : "/proc/self";
	int r = -ENOMEM;

	*ret = (struct place){malloc(PROC_TEXT_MAX), malloc(PROC_TEXT_MAX)};
	if (ret->mountinfo != NULL && ret->membership != NULL)
		r = group_file_read(proc, "mountinfo", ret->mountinfo, PROC_TEXT_MAX);
	return r == 0 ? group_file_read(proc, "cgroup", ret->membership, PROC_TEXT_MAX) : r;
}

static void free_place(struct place *place)
{
	free(place->mountinfo);
	free(place->membership);
}

static bool v2_has(const char *folder, const char *controller)
{
	char text[256];

	return controller == NULL ||
	       (group_file_read(folder, "cgroup.controllers", text, sizeof(text)) == 0 &&
		       groups_has_word(text, controller));
}

/* The controller's hierarchy, or any for NULL. */
static bool find(
	const struct place *place, const char *controller, char ret[PATH_MAX], bool *ret_v2)
{
	*ret_v2 = groups_find(place->mountinfo, place->membership, NULL, ret, PATH_MAX);
	if (*ret_v2)
		groups_strip(ret);
	if (*ret_v2 && v2_has(ret, controller))
		return true;
	*ret_v2 = false;
	return groups_find(place->mountinfo, place->membership,
		controller != NULL ? controller : names[CGROUP_PIDS], ret, PATH_MAX);
}

/* ---- what dead daemons have left ------------------------------------------------------------ */

static uint64_t own_pid_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/* Of one in another pid namespace nobody here can tell whether it lives. */
static bool is_dead(const struct groups_daemon *daemon)
{
	uint64_t start;

	return daemon->pid_space == own_pid_space() &&
	       !(proctree_start(daemon->pid, &start) && start == daemon->start);
}

static void remove_stale(struct cgroup_tree *tree)
{
	DIR *dir = opendir(tree->own);
	char path[PATH_MAX];
	struct groups_daemon daemon;
	struct dirent *entry;

	tree->unclean = false;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!groups_parse_name(entry->d_name, &daemon) || !is_dead(&daemon) ||
			(size_t)snprintf(path, sizeof(path), "%s/%s", tree->own, entry->d_name) >=
				sizeof(path))
			continue;
		if (group_file_remove(path) == -EBUSY)
			tree->unclean = true;
	}
	if (dir != NULL)
		closedir(dir);
}

bool cgroups_clean(struct cgroups *groups)
{
	bool left = false;

	for (size_t i = 0; i < groups->tree_count; i++) {
		if (groups->trees[i]->unclean)
			remove_stale(groups->trees[i]);
		left |= groups->trees[i]->unclean;
	}
	return left;
}

/* ---- making it ------------------------------------------------------------------------------ */

static int fail(char error[CGROUP_ERROR_MAX], const char *folder, int r, const char *what)
{
	text_format(error, CGROUP_ERROR_MAX,
		"workers cannot have control groups: %s %.200s: %s; %s", what, folder, strerror(-r),
		advice);
	return r;
}

static int make_base(struct cgroup_tree *tree, char error[CGROUP_ERROR_MAX])
{
	struct groups_daemon self = {.pid_space = own_pid_space(), .pid = getpid()};
	char name[GROUPS_NAME_MAX];

	(void)proctree_start(self.pid, &self.start);
	groups_name(&self, name);
	if ((size_t)snprintf(tree->base, sizeof(tree->base), "%s/%s", tree->own, name) +
			GROUPS_NAME_MAX >=
		sizeof(tree->base))
		return fail(error, tree->own, -ENAMETOOLONG, "cannot make a group in");
	if (mkdir(tree->base, 0755) == 0 || errno == EEXIST)
		return 0;
	return fail(error, tree->own, -errno, "cannot make a group in");
}

static int add_tree(struct cgroups *groups, const char *own, bool v2, struct cgroup_tree **ret,
	char error[CGROUP_ERROR_MAX])
{
	struct cgroup_tree *tree;
	int r;

	for (size_t i = 0; i < groups->tree_count; i++)
		if (strcmp(groups->trees[i]->own, own) == 0) {
			*ret = groups->trees[i];
			return 0;
		}
	tree = calloc(1, sizeof(*tree));
	if (tree == NULL)
		return fail(error, own, -ENOMEM, "cannot use");
	tree->v2 = v2;
	text_format(tree->own, sizeof(tree->own), "%s", own);
	remove_stale(tree);
	r = make_base(tree, error);
	if (r < 0) {
		free(tree);
		return r;
	}
	groups->trees[groups->tree_count++] = tree;
	*ret = tree;
	return 0;
}

/* ---- v2: a group with controllers for those below it has no process itself --------------------- */

struct move {
	const char *to;
	int count;
};

static void move_one(void *user, pid_t pid)
{
	struct move *move = user;

	if ((pid == getpid() || proctree_is_below(pid, getpid())) &&
		group_file_move(move->to, pid) == 0)
		move->count++;
}

/* The daemon and all that it has started; some of it may just be starting more. */
static int move_ours(struct cgroup_tree *tree)
{
	char to[PATH_MAX + sizeof(GROUPS_SUPERVISOR)];
	struct move move = {.to = to, .count = 1};
	int r;

	snprintf(to, sizeof(to), "%s/%s", tree->base, GROUPS_SUPERVISOR);
	if (mkdir(to, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = group_file_move(to, 0);
	tree->moved = r == 0;
	for (int round = 0; r == 0 && move.count > 0 && round < MOVE_ROUNDS; round++) {
		move.count = 0;
		r = group_file_each(tree->own, move_one, &move);
	}
	return r;
}

static int switch_controller(const char *folder, char sign, enum cgroup_controller controller)
{
	char text[32];

	text_format(text, sizeof(text), "%c%s", sign, names[controller]);
	return group_file_write(folder, "cgroup.subtree_control", text);
}

static bool is_enabled(const char *folder, enum cgroup_controller controller)
{
	char text[256];

	return group_file_read(folder, "cgroup.subtree_control", text, sizeof(text)) == 0 &&
	       groups_has_word(text, names[controller]);
}

static int enable(struct cgroup_tree *tree, enum cgroup_controller controller)
{
	int r = 0;

	if (!tree->moved && !is_root(tree))
		r = move_ours(tree);
	if (r == 0 && !is_enabled(tree->own, controller)) {
		r = switch_controller(tree->own, '+', controller);
		if (r == 0)
			tree->enabled |= 1U << controller;
	}
	return r == 0 ? switch_controller(tree->base, '+', controller) : r;
}

int cgroups_renew(const struct cgroups *groups, struct cgroup_tree *tree)
{
	char error[CGROUP_ERROR_MAX];
	int r = make_base(tree, error);

	for (int c = 0; r == 0 && tree->v2 && c < CGROUP_CONTROLLERS; c++)
		if (groups->of[c] == tree)
			r = switch_controller(tree->base, '+', (enum cgroup_controller)c);
	return r;
}

static int want_controller(struct cgroups *groups, const struct place *place,
	enum cgroup_controller controller, char error[CGROUP_ERROR_MAX])
{
	struct cgroup_tree *tree;
	char own[PATH_MAX];
	bool v2;
	int r = 0;

	if (groups->of[controller] != NULL)
		return 0;
	if (!find(place, names[controller], own, &v2)) {
		text_format(error, CGROUP_ERROR_MAX,
			"workers cannot have control groups: the controller \"%s\" is not there; "
			"%s",
			names[controller], advice);
		return -ENOENT;
	}
	r = add_tree(groups, own, v2, &tree, error);
	if (r < 0)
		return r;
	if (v2 && !(tree->controllers & 1U << controller))
		r = enable(tree, controller);
	if (r == -EBUSY)
		return fail(error, own, r, "there are other processes in");
	if (r < 0)
		return fail(error, own, r, "cannot enable controllers in");
	tree->controllers |= 1U << controller;
	groups->of[controller] = tree;
	return 0;
}

static int want_plain(
	struct cgroups *groups, const struct place *place, char error[CGROUP_ERROR_MAX])
{
	char own[PATH_MAX];
	bool v2;

	if (groups->plain != NULL)
		return 0;
	if (!find(place, NULL, own, &v2)) {
		text_format(error, CGROUP_ERROR_MAX,
			"workers cannot have control groups: none are mounted here");
		return -ENOENT;
	}
	return add_tree(groups, own, v2, &groups->plain, error);
}

int cgroups_want(
	struct cgroups *groups, const struct cgroup_limits *limits, char error[CGROUP_ERROR_MAX])
{
	const bool wanted[CGROUP_CONTROLLERS] = {[CGROUP_MEMORY] = limits->memory > 0,
		[CGROUP_PIDS] = limits->pids > 0,
		[CGROUP_CPU] = limits->cpu > 0};
	bool any = false;
	struct place place;
	int r = read_place(groups, &place);

	if (r < 0)
		fail(error, groups->proc != NULL ? groups->proc : "/proc/self", r, "cannot read");
	for (int c = 0; r == 0 && c < CGROUP_CONTROLLERS; c++) {
		any |= wanted[c];
		if (wanted[c])
			r = want_controller(groups, &place, (enum cgroup_controller)c, error);
	}
	if (r == 0 && !any)
		r = want_plain(groups, &place, error);
	free_place(&place);
	return r;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Back to where it was.  False: it is still in the group that it made, which has to stay. */
static bool move_back(struct cgroup_tree *tree)
{
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (tree->controllers & 1U << c)
			(void)switch_controller(tree->base, '-', (enum cgroup_controller)c);
		if (tree->enabled & 1U << c)
			(void)switch_controller(tree->own, '-', (enum cgroup_controller)c);
	}
	return !tree->moved || group_file_move(tree->own, 0) == 0;
}

static void close_tree(struct cgroup_tree *tree)
{
	int tries = move_back(tree) ? CLOSE_TRIES : 0;

	while (tries-- > 0 && group_file_remove(tree->base) == -EBUSY)
		nanosleep(&close_pause, NULL);
	free(tree);
}

void cgroups_close(struct cgroups *groups)
{
	for (int i = 0; i < CLOSE_TRIES && cgroups_sweep(groups); i++)
		nanosleep(&close_pause, NULL);
	cgroups_forget_dying(groups);
	for (size_t i = 0; i < groups->tree_count; i++)
		close_tree(groups->trees[i]);
	*groups = (struct cgroups){.proc = groups->proc};
}
