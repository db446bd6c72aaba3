/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_PIECES_H
#define SUPERVISOR_PIECES_H

/* Looking into packed values that were scanned before, without decoding them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One packed value among others; len 0: there is none. */
struct piece {
	const uint8_t *data;
	size_t len;
};

/* Value `index` of those that follow each other from `first`; none if there are not as many. */
struct piece piece_at(const uint8_t *first, const uint8_t *end, uint32_t index);

/* Element `index` of an array; none if it is no array, or shorter. */
struct piece piece_in_array(struct piece array, uint32_t index);

/* The value of a string key in a map; none if there is none or it is no map. */
struct piece piece_in_map(struct piece map, const char *key);

bool piece_is_str(struct piece piece, const char *text);
bool piece_is_true(struct piece piece);

#endif
