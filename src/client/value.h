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

int value_get_int128(const void *data, size_t len, __int128 *ret);
int value_get_double(const void *data, size_t len, double *ret); /* integers too */
int value_get_bool(const void *data, size_t len, bool *ret);

/* Text or binary; borrowed from `data`. */
int value_get_bytes(const void *data, size_t len, const char **ret, size_t *ret_len);

#endif
