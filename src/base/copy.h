/* SPDX-License-Identifier: MIT */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As memcpy(), for what mostly is a few bytes, which that takes longer to find out than to copy. */
static inline void copy_few(void *to, const void *from, size_t len)
{
	uint8_t *out = to;
	const uint8_t *in = from;

	if (len - 8 <= 8) { /* two that overlap */
		uint64_t first, last;

		memcpy(&first, in, 8);
		memcpy(&last, in + len - 8, 8);
		memcpy(out, &first, 8);
		memcpy(out + len - 8, &last, 8);
	} else if (len - 4 < 4) {
		uint32_t first, last;

		memcpy(&first, in, 4);
		memcpy(&last, in + len - 4, 4);
		memcpy(out, &first, 4);
		memcpy(out + len - 4, &last, 4);
	} else if (len - 1 < 3) {
		uint8_t first = in[0], middle = in[len / 2], last = in[len - 1];

		out[0] = first;
		out[len / 2] = middle;
		out[len - 1] = last;
	} else {
		memcpy(to, from, len);
	}
}

#endif
