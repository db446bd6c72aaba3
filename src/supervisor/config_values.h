/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CONFIG_VALUES_H
#define SUPERVISOR_CONFIG_VALUES_H

/*
 * What stands behind a key, as text, and what it means.  Each function reads the whole text: 0, or
 * -EINVAL if it is anything else, or out of range.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct value_range {
	uint64_t min, max;
};

enum { VALUE_CORES_MAX = 4096, VALUE_TEXT_MAX = 32 };

/* "12" */
int value_number(const char *text, struct value_range range, uint64_t *ret);

/* "-5" */
int value_integer(const char *text, int min, int max, int *ret);

/* "64M", "64 M": K, M, G, T are powers of 1024 */
int value_size(const char *text, struct value_range range, uint64_t *ret);

/* "90", "1.5min", "200 ms": ms, s, min, h, d; seconds by themselves.  *ret is in nanoseconds. */
int value_time(const char *text, struct value_range range, uint64_t *ret);

/* "022" */
int value_umask(const char *text, mode_t *ret);

/* "1024", "1024:4096", "unlimited", "8M:unlimited" */
int value_rlimit(const char *text, struct rlimit *ret);

/* "0-3,5": the caller frees *ret.  -ENOMEM too. */
int value_cores(const char *text, int **ret, size_t *ret_count);

/* A user's or group's name, or its number, whether anybody has that or not. */
int value_user(const char *text, uid_t *ret);
int value_group(const char *text, gid_t *ret);

/* The shortest text that means it, for messages. */
void value_size_text(uint64_t size, char ret[VALUE_TEXT_MAX]);
void value_time_text(uint64_t ns, char ret[VALUE_TEXT_MAX]);

#endif
