/* SPDX-License-Identifier: MIT */
#ifndef CLI_FAILURE_H
#define CLI_FAILURE_H

/* What a failed task has to say, and the exit status that it means. */

#include <ruche/ruche.h>

#include "base/buf.h"

struct cli;

enum { SIGNAL_TEXT_MAX = 40 };

/*
 * Tells the whole story of `what` on stderr: for people, or as one line
 * {"error": {…}} under --json.  Returns the exit status.
 */
int failure_report(const struct cli *cli, const char *what, const struct ruche_error *error);

/* The same in one line for one of many, and the worker's last lines after it. */
void failure_report_brief(const char *what, const struct ruche_error *error);

/* The error as a JSON object: 0 or -ENOMEM. */
int failure_append(struct buf *out, const struct ruche_error *error);

/* "signal 11 (SIGSEGV)", written to `text` and returned. */
const char *failure_signal(char text[SIGNAL_TEXT_MAX], int signal);

#endif
