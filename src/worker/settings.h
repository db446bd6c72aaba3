/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

/*
 * What a pool wants of its workers: the command line of ruche-forkserver.  PROTOCOL.md, "The fork
 * server", has the options.
 *
 * The fork server takes on all but the limits of resources and most of what confines workers, and they inherit
 * it.  The rest is for each worker: a fork server that met it could make no more of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "worker/confine.h"
#include "worker/plugin.h"

/* Strings are borrowed from argv. */
struct settings {
	char **plugins; /* in the order given */
	size_t plugin_count;
	char **environment; /* NAME=VALUE */
	size_t environment_count;
	const char *user; /* NULL: stay who we are */
	const char *init; /* a function that each worker calls once; NULL: none */
	uint64_t
		max_memory; /* resident, bytes, above which a worker wants to be replaced; 0: never */
	int nice;
	mode_t umask;
	bool has_nice, has_umask;
	struct rlimit limits[RLIM_NLIMITS];
	bool has_limit[RLIM_NLIMITS];
	struct confine confine;
};

/*
 * All three: 0; or a negative errno with a message for people in `error` (PLUGIN_ERROR_MAX bytes).
 *
 * Reads a command line, whose strings must stay.
 */
int settings_read(struct settings *settings, int argc, char **argv, char *error);
/*
 * In the fork server, once: changes the process.  The user comes last, as it costs the right
 * to change the rest; a parent-death signal does not survive that.
 */
int settings_apply(struct settings *settings, char *error);
/* In each worker. */
int settings_limit(const struct settings *settings, char *error);

void settings_fini(struct settings *settings);

#endif
