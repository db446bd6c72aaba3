/* SPDX-License-Identifier: MIT */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A command's environment: ours, or nothing if `clear`, with `count` NAME=VALUEs set.  A
 * NULL-terminated array, which the caller frees; its strings are borrowed.  NULL: no memory.
 */
const char **environment_build(bool clear, const char *const *set, size_t count);

#endif
