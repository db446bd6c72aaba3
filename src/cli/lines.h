/* SPDX-License-Identifier: MIT */
#ifndef CLI_LINES_H
#define CLI_LINES_H

/* A descriptor cut into lines, holding no more than one that is not complete. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

#define LINE_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* Zeroed is ready for use. */
struct lines {
	struct buf buf;
	size_t taken;   /* bytes of the line given out last */
	size_t scanned; /* bytes known to have no newline */
	bool ended;     /* nothing more will be read; also after an error */
	bool too_long;  /* the line being read is, and is dropped */
};

void lines_fini(struct lines *lines);

/*
 * One read(2) of at most `max` bytes: so that it completes no more lines than that.  Sets
 * lines->ended at the end of the file.  0 or a negative errno (-EAGAIN among them).
 */
int lines_read(struct lines *lines, int fd, size_t max);

/*
 * The next complete line, without its newline; the last one may lack it.  1, and the line
 * is valid until the next call of either function; 0: none yet, or no more; -EMSGSIZE: one
 * of over LINE_MAX_BYTES was dropped.
 */
int lines_next(struct lines *lines, const char **ret, size_t *ret_len);

#endif
