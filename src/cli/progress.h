/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

/*
 * A line on stderr that tells how far a long piece of work has come: from its second second
 * on, drawn over itself on a terminal, and else a line now and then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool is_on, is_terminal, is_drawn;
	uint64_t start, next;
};

enum progress_mode { PROGRESS_AUTO, PROGRESS_ON, PROGRESS_OFF };

/* PROGRESS_AUTO: on if stderr is a terminal. */
void progress_init(struct progress *progress, enum progress_mode mode);

/* Milliseconds for poll() until the line is due again; -1: never. */
int progress_timeout(const struct progress *progress);

/* Draws the line if it is due. */
void progress_show(struct progress *progress, uint64_t done, uint64_t failed);

/* Removes the line, so that something else can be written; it is due again at once. */
void progress_clear(struct progress *progress);

#endif
