/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_WRITER_H
#define SUPERVISOR_WRITER_H

/*
 * Packing a report.  msgpack-c fails only when a buffer cannot grow, and then leaves a
 * shorter value: each helper adds its outcome to `bad`, which is looked at once.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
	msgpack_packer *pk;
	int bad;
};

/* A key and its value, in a map. */
void put_key(struct writer *w, const char *name);
void put_nil(struct writer *w, const char *name);
void put_bool(struct writer *w, const char *name, int value);
void put_str(struct writer *w, const char *name, const char *value); /* NULL: nil */
void put_text(struct writer *w, const char *name, const void *text, size_t len);
void put_uint(struct writer *w, const char *name, uint64_t value);
void put_uint_if(struct writer *w, const char *name, uint64_t value, bool is_told); /* else nil */
void put_int_or_nil(struct writer *w, const char *name, int64_t value); /* negative: nil */
void put_int(struct writer *w, const char *name, int64_t value);
void put_double(struct writer *w, const char *name, double value);
void put_seconds(struct writer *w, const char *name, uint64_t ns);
void put_map(struct writer *w, const char *name, size_t pairs);

#endif
