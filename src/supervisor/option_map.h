/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_OPTION_MAP_H
#define SUPERVISOR_OPTION_MAP_H

/*
 * Options as they travel: one packed map of names and values, read into a struct by a table of
 * the names that there are.  What is not in the table, or has a value that makes no sense, is refused by its
 * name.  Strings are not copied: they lie in the packed bytes and live as long as those.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTION_ERROR_MAX = 256 };

struct option_text {
	const char *text; /* NULL: not given */
	size_t len;
};

struct option_key {
	const char *name; /* NULL: the end of the table */
	size_t offset;    /* in the struct */
	/* False if this value is not to be had. */
	bool (*get)(const msgpack_object *value, void *to);
	const char *wanted; /* "the option 'x' takes ..." */
};

/*
 * Sets in the struct `to` what is given; the rest stays.  0, also for nil and for nothing at all, or -EINVAL with
 * what is wrong in `error`.
 */
int option_map_read(const struct option_key *keys, void *to, const void *data, size_t len,
	char error[OPTION_ERROR_MAX]);

/* ---- values */

bool option_get_text(
	const msgpack_object *value, void *to); /* struct option_text, 1 to 255 bytes */
bool option_get_seconds(const msgpack_object *value, void *to);      /* double, at least 0 */
bool option_get_some_seconds(const msgpack_object *value, void *to); /* and more than 0 */
bool option_get_limit(const msgpack_object *value, void *to);        /* seconds; nil sets nothing */
bool option_get_truth(const msgpack_object *value, void *to);        /* bool */
bool option_get_int(const msgpack_object *value, int64_t min, int64_t max, int64_t *to);

/* The key or value is this word. */
bool option_is(const msgpack_object *value, const char *word);

#endif
