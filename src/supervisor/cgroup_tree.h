/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CGROUP_TREE_H
#define SUPERVISOR_CGROUP_TREE_H

/* What the two files of cgroup.h have of each other. */

#include <stdbool.h>

struct cgroup_tree;
struct cgroups;

/* Removes what dead daemons have left.  True: something of it is still there. */
bool cgroups_clean(struct cgroups *groups);

/* Somebody has removed the daemon's own group there: it is made again.  0 or a negative errno. */
int cgroups_renew(const struct cgroups *groups, struct cgroup_tree *tree);

/* Frees those that could not be removed, which stay. */
void cgroups_forget_dying(struct cgroups *groups);

#endif
