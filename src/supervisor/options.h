/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_OPTIONS_H
#define SUPERVISOR_OPTIONS_H

/*
 * What the daemon is told at its start: the command line and the environment.  They stand over the
 * configuration file, also when that is read again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/config.h"

/* What the command line says about the configuration. */
struct overrides {
	char *socket;     /* NULL: nothing */
	uint32_t workers; /* 0: nothing */
	char **plugins;
	size_t plugin_count;
};

struct options {
	struct config config; /* as it was at the start */
	struct overrides given;
	char *config_file; /* NULL or empty: none is read */
	bool config_file_must_exist;
	bool default_plugins;
	int session_fd; /* -1: none */
	int resume_fd;  /* has a state that is to be gone on with, see upgrade.h; -1: none */
	bool try_only;  /* only say whether that can be done */
	char **argv;    /* all of the above but these two; borrowed */
	/* Read in the place of the configuration files; borrowed. */
	const struct config *instead;
	bool check_only; /* load everything, say whether it is good, end */
	bool verbose;
};

enum options_outcome { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_USAGE };

/*
 * From the command line and the environment, with the configuration that they name, unless that comes with a state.  OPTIONS_RUN;
 * OPTIONS_DONE after --help or --version; OPTIONS_USAGE or a negative errno after a message.  ret is
 * to be ended with options_fini() in every case.
 */
int options_parse(struct options *ret, int argc, char **argv);
void options_fini(struct options *options);

/*
 * A new configuration: all defaults, the file, the environment, the command line.  0, and then `error` is
 * empty or a warning; or a negative errno with the reason in `error`, and `ret` needs no end.
 */
int options_load(const struct options *options, struct config *ret, char error[CONFIG_ERROR_MAX]);

#endif
