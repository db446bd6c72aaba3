/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_RUNTIME_H
#define SUPERVISOR_RUNTIME_H

#include <sys/types.h>

struct pool_config;
struct supervisor;

/*
 * Starts the fork server of a pool: a clean process with the pool's settings as its arguments and
 * one end of a link, of which *ret_link is the other.  0 or a negative errno.
 */
int runtime_start(
	struct supervisor *sup, const struct pool_config *config, int *ret_link, pid_t *ret_pid);

#endif
