/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

/*
 * A control group for each worker of the pools that want it, below one that the daemon makes for itself in the
 * group that it was started in:
 *
 *	OWN/ruche-PID-START/supervisor      on v2: the daemon and its fork servers
 *	OWN/ruche-PID-START/POOL-SLOT.BIRTH a worker, and whatever it starts
 *
 * On v1 each controller may have a hierarchy of its own, and there is a worker's group in each that its pool has
 * a limit in; where there is no limit at all, in one.  A group dies with its worker: what is left in it is killed.
 * What a daemon leaves that is killed itself, the next one removes that is started in the same group.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/link.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CONTROLLERS };

enum { CGROUP_TREES_MAX = CGROUP_CONTROLLERS + 1, CGROUP_ERROR_MAX = 512 };

/* 0: no limit. */
struct cgroup_limits {
	uint64_t memory; /* bytes */
	uint64_t pids;   /* processes and threads */
	uint32_t cpu;    /* percent of one core */
};

/* One hierarchy. */
struct cgroup_tree {
	char own[PATH_MAX];   /* the folder of the group that the daemon was started in */
	char base[PATH_MAX];  /* and of the one that it made in there */
	unsigned controllers; /* that are used in it, bits */
	unsigned enabled;     /* in `own` by us */
	bool v2, moved;       /* the daemon is in base/supervisor */
	bool unclean;         /* a dead daemon's group is still to be removed */
};

struct cgroup;

/* Begins as all zero. */
struct cgroups {
	const char *proc; /* the folder with `cgroup` and `mountinfo`; NULL: /proc/self */
	struct cgroup_tree *trees[CGROUP_TREES_MAX];
	size_t tree_count;
	struct cgroup_tree
		*of[CGROUP_CONTROLLERS]; /* which has the controller; NULL: not looked for yet */
	struct cgroup_tree *plain;       /* where groups without limits are */
	struct cgroup *dying;
};

/* How a worker came to its end. */
struct cgroup_verdict {
	bool out_of_memory; /* the kernel killed in its group for that */
	uint64_t peak;      /* bytes; 0: not known */
};

/*
 * Groups with such limits will be wanted.  0; or a negative errno, with what is wrong and what to do in `error`:
 * they cannot be had.  May be called again.
 */
int cgroups_want(
	struct cgroups *groups, const struct cgroup_limits *limits, char error[CGROUP_ERROR_MAX]);

/*
 * Does the kernel take these, for which cgroups_want() was called?  0; or a negative errno, with what it does not take in
 * `error`.
 */
int cgroups_try(
	struct cgroups *groups, const struct cgroup_limits *limits, char error[CGROUP_ERROR_MAX]);

/* Removes what could not be removed before.  True: something is still left, look again soon. */
bool cgroups_sweep(struct cgroups *groups);

/* All groups go, with whatever is in them; waits for that, not for long. */
void cgroups_close(struct cgroups *groups);

/*
 * A group for one worker, for limits that cgroups_want() was called for.  `name` must be new.  0, or a negative errno with
 * `error`.
 */
int cgroup_new(struct cgroups *groups, const char *name, const struct cgroup_limits *limits,
	struct cgroup **ret, char error[CGROUP_ERROR_MAX]);

/*
 * What the worker needs to enter it: descriptors, the caller's, as link.h has them: *ret_groups of them to enter,
 * *ret_count in all.  0 or a negative errno, and then there are none.
 */
int cgroup_open(
	const struct cgroup *group, int ret[LINK_GROUP_FDS], size_t *ret_groups, size_t *ret_count);

/* Somebody is in it. */
bool cgroup_is_entered(const struct cgroup *group);

struct cgroup_verdict cgroup_judge(const struct cgroup *group);

/* Kills what is in it and removes it, now or at the next sweep; takes it.  NULL is allowed.  True: sweep soon. */
bool cgroup_bury(struct cgroup *group);

/* ---- of an earlier version of the daemon, in the same process: nothing is made, nothing killed */

const char *cgroup_name(const struct cgroup *group);
const struct cgroup *cgroup_next(
	const struct cgroup *group); /* of those that are dying; NULL: none */

/* One hierarchy, as it was; it is copied.  All: 0 or -ENOMEM. */
int cgroups_restore(struct cgroups *groups, const struct cgroup_tree *tree, bool is_plain);
/* A group that is there, if it is; `limited`: it has a limit of memory. */
int cgroup_restore(struct cgroups *groups, const char *name, bool limited, struct cgroup **ret);
/* The same, of one that is dying. */
int cgroup_restore_dying(struct cgroups *groups, const char *name);

#endif
