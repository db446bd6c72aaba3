/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_OPTIONS_H
#define SUPERVISOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
	char *socket;     /* NULL: the default place, or what systemd passed */
	uint32_t workers; /* 0: one for each usable core */
	char **plugins;   /* in the order of loading */
	size_t plugin_count;
	const char *forkserver; /* the executable */
	int session_fd;         /* -1: none */
	bool default_plugins;
	bool check_only; /* load everything, say whether it is good, end */
	bool verbose;
};

enum options_outcome { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_USAGE };

/*
 * From the command line and the environment.  OPTIONS_RUN; OPTIONS_DONE after --help or
 * --version; OPTIONS_USAGE after a message; or a negative errno.  ret is to be ended with
 * options_fini() in every case.
 */
int options_parse(struct options *ret, int argc, char **argv);
void options_fini(struct options *options);

#endif
