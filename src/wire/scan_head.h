/* SPDX-License-Identifier: MIT */
#ifndef WIRE_SCAN_HEAD_H
#define WIRE_SCAN_HEAD_H

/* The first bytes of a value: for scan*.c and message_plain.c, and who steps over a great many values. */

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "wire/scan.h"

/* Leaves first, then containers. */
enum shape {
	SHAPE_BAD,
	SHAPE_SCALAR,
	SHAPE_UINT,
	SHAPE_INT,
	SHAPE_STR,
	SHAPE_BIN,
	SHAPE_EXT,
	SHAPE_ARRAY,
	SHAPE_MAP,
};

/*
 * What a value's first byte tells: its shape; in how many of the next bytes its length or
 * count is, or else which of the first byte's own bits are it; and how many bytes come after
 * those in any case.
 */
struct first {
	uint8_t shape, width, mask, fixed;
};

extern const struct first scan_firsts[256];

/* A value without what it holds: `count` elements or pairs, or bytes of a leaf, after `size`. */
struct head {
	enum shape shape;
	unsigned int size;
	uint32_t count;
};

static inline uint64_t scan_load(const uint8_t *at, unsigned int width)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	if (width == 1)
		return *at;
	if (width == 2)
		return be16toh(*(uint16_t *)memcpy(&v16, at, sizeof(v16)));
	if (width == 4)
		return be32toh(*(uint32_t *)memcpy(&v32, at, sizeof(v32)));
	return be64toh(*(uint64_t *)memcpy(&v64, at, sizeof(v64)));
}

/* False if the head is not all there. */
static inline bool scan_read_head(const uint8_t *at, size_t len, struct head *ret)
{
	const struct first *first;

	if (len == 0)
		return false;
	first = &scan_firsts[*at];
	ret->shape = first->shape;
	ret->size = 1U + first->width + first->fixed;
	ret->count = *at & first->mask;
	if (first->width == 0)
		return true;
	if (len <= first->width)
		return false;
	ret->count = (uint32_t)scan_load(at + 1, first->width);
	return true;
}

/* The end of a leaf that is all there, of bytes of which there is one at least; NULL: it is not, or something else. */
static inline const uint8_t *scan_leaf(const uint8_t *at, const uint8_t *end)
{
	const struct first *first = &scan_firsts[*at];
	size_t len = (size_t)(end - at), size = 1U + first->width + first->fixed;

	if (first->shape >= SHAPE_ARRAY || first->shape == SHAPE_BAD || len < size)
		return NULL;
	size += first->width == 0 ? *at & first->mask : scan_load(at + 1, first->width);
	return len >= size ? at + size : NULL;
}

/* The same of a short array of leaves, as a pair of a chunk's answer is. */
static inline const uint8_t *scan_leaves(const uint8_t *at, const uint8_t *end)
{
	unsigned int count = *at & 0x0f;

	if (*at < 0x90 || *at > 0x9f)
		return NULL;
	for (at++; count > 0 && at != NULL; count--)
		at = at < end ? scan_leaf(at, end) : NULL;
	return at;
}

/* As scan_feed(), for whatever frame. */
int scan_any(struct scan *scan, const uint8_t *frame, size_t len);

#endif
