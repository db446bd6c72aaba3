/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CGROUP_TREE_H
#define SUPERVISOR_CGROUP_TREE_H

/* What the two files of cgroup.h have of each other. */

#include <stdbool.h>

struct cgroups;

/* Removes what dead daemons have left.  True: something of it is still there. */
bool cgroups_clean(struct cgroups *groups);

/* Frees those that could not be removed, which stay. */
void cgroups_forget_dying(struct cgroups *groups);

#endif
