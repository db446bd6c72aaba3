/* SPDX-License-Identifier: MIT */
#ifndef GOLDEN_H
#define GOLDEN_H

/*
 * The golden byte vectors of src/wire/PROTOCOL.md, found through $top_srcdir (else "."): the
 * lines of its ```golden blocks, `name | kind | bytes in hex | meaning`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct golden {
	char name[64], kind[16], meaning[1024];
	uint8_t bytes[1024];
	size_t len;
};

/*
 * Reads them all, once; the array is kept for good.  A file that is not there or a line that
 * cannot be understood ends the program.
 */
const struct golden *golden_read(size_t *ret_count);

bool golden_is(const struct golden *golden, const char *kind);
/* Is it a whole message: a request, response or notification? */
bool golden_is_message(const struct golden *golden);

#endif
