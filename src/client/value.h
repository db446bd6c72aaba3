/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_VALUE_H
#define CLIENT_VALUE_H

/*
 * Single packed values, already known to be well-formed: `data` is one value of `len`
 * bytes.  All return 0, or -EINVAL if it is of another type or does not fit.  Containers
 * are refused without a look inside, so that nothing is ever decoded at length.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One packed value inside a larger piece of memory. */
struct piece {
	const uint8_t *data;
	size_t len;
};

static inline bool value_is_nil(struct piece value)
{
	return value.data[0] == 0xc0;
}

int value_get_int128(const void *data, size_t len, __int128 *ret);
int value_get_double(const void *data, size_t len, double *ret); /* integers too */
int value_get_bool(const void *data, size_t len, bool *ret);

/* Text or binary; borrowed from `data`. */
int value_get_bytes(const void *data, size_t len, const char **ret, size_t *ret_len);

/*
 * The first `count` elements of an array; it may have more, which are for a later protocol.
 * -EPROTO: it is none, or has fewer.
 */
int value_split(struct piece array, uint32_t count, struct piece *ret);

/* The value of a string key in a map: -ENOENT if there is none, or `map` is no map. */
int value_find(struct piece map, const char *key, struct piece *ret);

#endif
