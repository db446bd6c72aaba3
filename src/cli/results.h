/* SPDX-License-Identifier: MIT */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

/* What `map` prints: a result or a failure for each item, the progress, and the counts. */

#include <stdbool.h>
#include <stdint.h>

#include "cli/output.h"
#include "cli/progress.h"

struct cli;
struct item;
struct job;

struct results {
	const struct cli *cli;
	const struct job *job;
	struct output output;
	struct progress progress;
	bool shares_terminal; /* the results and the progress line */
	uint64_t done, failed, cancelled, lost;
};

void results_init(struct results *results, const struct cli *cli, const struct job *job,
	enum progress_mode progress);
void results_fini(struct results *results);

/*
 * Prints an item whose reply or complaint has come.  `is_stopping`: that it was cancelled is no
 * news.  0 or a negative errno.
 */
int results_print(struct results *results, const struct item *item, bool is_stopping);

/* Writes what can be written, and how far it has come, without waiting. */
void results_flush(struct results *results);

#endif
