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

/* Back from the end to the start of the `lines`-th line from there. */
static const char *go_back(const struct tail *tail, int lines)
{
	const char *end = tail->text + tail->len, *at = end;
	int seen = 0;

	while (at > tail->text) {
		/* The newline that ends the last line is not the start of another. */
		if (at[-1] == '\n' && at != end && ++seen == lines)
			break;
		at--;
	}
	return at;
}

const char *tail_lines(const struct tail *tail, size_t *ret_len)
{
	const char *at = go_back(tail, TAIL_LINES);

	*ret_len = (size_t)(tail->text + tail->len - at);
	return at;
}

const char *tail_last_line(const struct tail *tail, size_t *ret_len)
{
	const char *at = go_back(tail, 1);
	size_t len = (size_t)(tail->text + tail->len - at);

	*ret_len = len > 0 && at[len - 1] == '\n' ? len - 1 : len;
	return at;
}
