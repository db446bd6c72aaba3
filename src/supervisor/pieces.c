/* SPDX-License-Identifier: MIT */
#include "supervisor/pieces.h"

#include <string.h>

#include "wire/scan.h"

struct piece piece_at(const uint8_t *first, const uint8_t *end, uint32_t index)
{
	struct piece piece = {.data = first};

	for (uint32_t i = 0; i <= index; i++) {
		piece.data += piece.len;
		if (scan_value(piece.data, (size_t)(end - piece.data), &piece.len) < 0)
			return (struct piece){0};
	}
	return piece;
}

struct piece piece_in_array(struct piece array, uint32_t index)
{
	uint32_t count;
	size_t head;

	if (scan_array(array.data, array.len, &count, &head) < 0 || index >= count)
		return (struct piece){0};
	return piece_at(array.data + head, array.data + array.len, index);
}

struct piece piece_in_map(struct piece map, const char *key)
{
	const uint8_t *end, *at;
	uint32_t pairs;
	size_t head;

	if (scan_map(map.data, map.len, &pairs, &head) < 0)
		return (struct piece){0};
	end = map.data + map.len;
	at = map.data + head;
	for (uint32_t i = 0; i < pairs; i++) {
		struct piece name = piece_at(at, end, 0), value = piece_at(at, end, 1);

		if (value.len == 0 || piece_is_str(name, key))
			return value;
		at = value.data + value.len;
	}
	return (struct piece){0};
}

bool piece_is_str(struct piece piece, const char *text)
{
	uint32_t len;
	size_t head;

	return piece.len > 0 && scan_str(piece.data, piece.len, &len, &head) == 0 &&
	       len == strlen(text) && memcmp(piece.data + head, text, len) == 0;
}

bool piece_is_true(struct piece piece)
{
	return piece.len > 0 && *piece.data == 0xc3;
}
