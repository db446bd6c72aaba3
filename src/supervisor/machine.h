/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_MACHINE_H
#define SUPERVISOR_MACHINE_H

#include <stdint.h>
#include <sys/resource.h>

struct pool_config;

/* How many workers a pool is to have, and the core for each of `max`, -1 if it is not to be pinned.  `usable`: how many cores that is together. */
struct size {
	uint32_t min, max, usable;
	int *cores;
};

/*
 * What the config says, or as many as may be used.  Worker i gets the i-th core that the pool names or that
 * is usable, round again when there are more workers than cores.  The caller frees ret->cores.  0, or a
 * negative errno.
 */
int machine_size_pool(const struct pool_config *config, struct size *ret);

/*
 * Raises the soft limit of open descriptors to the hard one.  *ret_before is what was in force,
 * which the fork server and so every task shall get.  The number of descriptors that may be open.
 */
uint64_t machine_raise_files(struct rlimit *ret_before);

#endif
