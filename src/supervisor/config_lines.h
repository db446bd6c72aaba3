/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CONFIG_LINES_H
#define SUPERVISOR_CONFIG_LINES_H

/* The text of one file of ruche.conf(5), line by line, by libinih. */

#include "supervisor/config.h"

/*
 * Reads `len` bytes and the \0 behind them, over what is there; `file` is a name for messages.
 * 0, or a negative errno with the reason in `error`.  Functions are not sorted.
 */
int config_read_text(struct config *config, const char *file, const char *text, size_t len,
	char error[CONFIG_ERROR_MAX]);

#endif
