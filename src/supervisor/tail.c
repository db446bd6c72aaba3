/* SPDX-License-Identifier: MIT */
#include "supervisor/tail.h"

#include <string.h>

void tail_add(struct tail *tail, const char *data, size_t len)
{
	if (len >= TAIL_SIZE) {
		data += len - TAIL_SIZE;
		len = TAIL_SIZE;
	}
	if (tail->len + len > TAIL_SIZE) {
		size_t drop = tail->len + len - TAIL_SIZE;

		memmove(tail->text, tail->text + drop, tail->len - drop);
		tail->len -= drop;
	}
	memcpy(tail->text + tail->len, data, len);
	tail->len += len;
}

const char *tail_lines(const struct tail *tail, size_t *ret_len)
{
	const char *end = tail->text + tail->len, *at = end;
	int lines = 0;

	while (at > tail->text) {
		/* The newline that ends the last line is not the start of another. */
		if (at[-1] == '\n' && at != end && ++lines == TAIL_LINES)
			break;
		at--;
	}
	*ret_len = (size_t)(end - at);
	return at;
}
