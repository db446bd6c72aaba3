/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_TAIL_H
#define SUPERVISOR_TAIL_H

/* The last lines of a stream, in a buffer of fixed size. */

#include <stddef.h>

enum {
	TAIL_SIZE = 4096,
	TAIL_LINES = 20,
};

struct tail {
	char text[TAIL_SIZE];
	size_t len;
};

void tail_add(struct tail *tail, const char *data, size_t len);

/* The last TAIL_LINES lines, or as many as fitted; borrowed until the next change. */
const char *tail_lines(const struct tail *tail, size_t *ret_len);
/* The last of them alone, without its newline. */
const char *tail_last_line(const struct tail *tail, size_t *ret_len);

#endif
