/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_MACHINE_H
#define SUPERVISOR_MACHINE_H

#include <stdint.h>
#include <sys/resource.h>

/*
 * The cores that workers get: `wanted` of them, or as many as may be used if that is 0.  Worker
 * i gets the i-th usable core, round again when there are more workers than cores.  The caller frees
 * *ret_cores.  The number, or a negative errno.
 */
int machine_assign_cores(uint32_t wanted, int **ret_cores);

/*
 * Raises the soft limit of open descriptors to the hard one.  *ret_before is what was in force,
 * which the fork server and so every task shall get.  The number of descriptors that may be open.
 */
uint64_t machine_raise_files(struct rlimit *ret_before);

#endif
