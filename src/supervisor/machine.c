/* SPDX-License-Identifier: MIT */
#include "supervisor/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cores.h"
#include "supervisor/config.h"
#include "supervisor/group_file.h"

enum { CPUS_MAX = 4096 };

static double read_quota_v2(const char *group)
{
	char folder[PATH_MAX], text[128];

	snprintf(folder, sizeof(folder), "/sys/fs/cgroup%s", group);
	return group_file_read(folder, "cpu.max", text, sizeof(text)) == 0 ? cores_parse_quota(text)
									   : CORES_UNLIMITED;
}

static double read_quota_v1(const char *group)
{
	char folder[PATH_MAX], quota[64], period[64], both[128];

	snprintf(folder, sizeof(folder), "/sys/fs/cgroup/cpu%s", group);
	if (group_file_read(folder, "cpu.cfs_quota_us", quota, sizeof(quota)) < 0 ||
		group_file_read(folder, "cpu.cfs_period_us", period, sizeof(period)) < 0)
		return CORES_UNLIMITED;
	snprintf(both, sizeof(both), "%s %s", quota, period);
	return cores_parse_quota(both);
}

/* The smallest quota of a group and all above it. */
static double walk_up(char *group, double (*read_quota)(const char *group))
{
	double least = CORES_UNLIMITED;

	for (;;) {
		double quota = read_quota(group);
		char *slash;

		if (quota < least)
			least = quota;
		slash = strrchr(group, '/');
		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

static double find_quota(void)
{
	char text[8192], group[PATH_MAX - 64];
	double least = CORES_UNLIMITED, quota;

	if (group_file_read("/proc/self", "cgroup", text, sizeof(text)) < 0)
		return least;
	if (cores_parse_cgroup(text, NULL, group, sizeof(group)))
		least = walk_up(group, read_quota_v2);
	if (cores_parse_cgroup(text, "cpu", group, sizeof(group))) {
		quota = walk_up(group, read_quota_v1);
		least = quota < least ? quota : least;
	}
	return least;
}

/* The numbers of the cores in the affinity mask; the count or a negative errno. */
static int list_cores(int *cores)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	int count = 0;

	if (set == NULL)
		return -ENOMEM;
	if (sched_getaffinity(0, size, set) < 0)
		count = -errno;
	for (int cpu = 0; count >= 0 && cpu < CPUS_MAX; cpu++)
		if (CPU_ISSET_S(cpu, size, set))
			cores[count++] = cpu;
	CPU_FREE(set);
	return count;
}

int machine_size_pool(const struct pool_config *config, struct size *ret)
{
	int usable[CPUS_MAX];
	int available = list_cores(usable);
	const int *from = config->cores != NULL ? config->cores : usable;
	struct size size = {0};
	size_t from_count, most;
	double quota = find_quota();

	if (available <= 0)
		return available < 0 ? available : -EIO;
	from_count = config->cores != NULL ? config->core_count : (size_t)available;
	config_pool_workers(config, (uint32_t)cores_count(from_count, quota), &size.min, &size.max);
	size.cores = malloc(size.max * sizeof(*size.cores));
	if (size.cores == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < size.max; i++)
		size.cores[i] = config->pinned ? from[i % from_count] : -1;
	most = cores_in_common(size.cores, size.max, usable, (size_t)available);
	/* One that cannot be pinned runs anywhere. */
	size.usable = (uint32_t)cores_count(most > 0 ? most : (size_t)available, quota);
	*ret = size;
	return 0;
}

uint64_t machine_raise_files(struct rlimit *ret_before)
{
	struct rlimit limit = {.rlim_cur = 256, .rlim_max = 256};

	getrlimit(RLIMIT_NOFILE, &limit);
	*ret_before = limit;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return ret_before->rlim_cur;
	return limit.rlim_cur;
}
