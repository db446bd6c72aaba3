/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_MACHINE_H
#define SUPERVISOR_MACHINE_H

#include <stdint.h>

/*
 * The cores that workers get: `wanted` of them, or as many as may be used if that is 0.  Worker
 * i gets the i-th usable core, round again when there are more workers than cores.  The caller frees
 * *ret_cores.  The number, or a negative errno.
 */
int machine_assign_cores(uint32_t wanted, int **ret_cores);

#endif
