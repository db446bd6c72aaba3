/* SPDX-License-Identifier: MIT */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

/*
 * Reading the daemon's maps.  A member that is missing or of another type is the neutral
 * value: a tool of one version can then read a daemon of another.
 */

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

struct ruche_reply;

/* The result of a reply, unpacked: 0, to be ended by msgpack_unpacked_destroy(); or -EPROTO. */
int value_unpack(const struct ruche_reply *reply, msgpack_unpacked *ret);

const msgpack_object *value_get(const msgpack_object *map, const char *key); /* or NULL */

int64_t value_int(const msgpack_object *map, const char *key, int64_t missing);
double value_double(const msgpack_object *map, const char *key, double missing);

/*
 * A text as a new string, which the caller frees, with control characters replaced by "?";
 * `missing` copied if it is no string; NULL: no memory.
 */
char *value_string(const msgpack_object *value, const char *missing);

/* The same for what is under a key. */
char *value_text(const msgpack_object *map, const char *key, const char *missing);

/* The bytes under a key, string or binary, borrowed from the map; 0 bytes if there are none. */
size_t value_bytes(const msgpack_object *map, const char *key, const char **ret);

#endif
