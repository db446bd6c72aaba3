/* SPDX-License-Identifier: MIT */
#ifndef CORE_CORES_H
#define CORE_CORES_H

/*
 * How many cores may be used and which: the affinity mask says which, the CPU quotas of
 * the control groups say how many.  Reads text, not files.
 */

#include <stdbool.h>
#include <stddef.h>

/* No quota: more cores than any machine has. */
#define CORES_UNLIMITED 1e9

/*
 * The quota, in cores, in the text of a cgroup v2 "cpu.max" ("max 100000", "150000 100000"); of
 * the pair "cpu.cfs_quota_us" and "cpu.cfs_period_us" of v1, joined by a space ("-1 100000").
 * CORES_UNLIMITED for none, and for text that is neither.
 */
double cores_parse_quota(const char *text);

/*
 * A hierarchy's path of this process in the text of /proc/self/cgroup: of the unified hierarchy
 * if `controller` is NULL, else of that v1 controller.  Copied to `ret`; false if there is none or it
 * does not fit.
 */
bool cores_parse_cgroup(const char *text, const char *controller, char *ret, size_t size);

/* How many of `usable`, which are all different, are among `cores`, once or several times. */
size_t cores_in_common(const int *cores, size_t count, const int *usable, size_t usable_count);

/* Workers that `available` cores under a quota carry: the quota rounded up; at least 1. */
size_t cores_count(size_t available, double quota);

#endif
