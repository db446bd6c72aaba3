/* SPDX-License-Identifier: MIT */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

/* An element of a shared value, whatever its type. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ruche/objects.h>

#include "base/buf.h"

struct number {
	int64_t integer; /* of a uint64: the same bits */
	double real;     /* of a float or double */
};

/* From the command line.  NULL, or what is wrong with it. */
const char *number_parse(enum ruche_type type, const char *text, struct number *ret);

/* As it lies in memory. */
void number_store(enum ruche_type type, const struct number *number, void *to);

/* As JSON: 0 or -ENOMEM. */
int number_append(struct buf *out, enum ruche_type type, const struct number *number);

/* Atomically, as ruche_value_get() and its kin. */
void number_get(const struct ruche_value *value, size_t index, struct number *ret);
void number_set(struct ruche_value *value, size_t index, const struct number *to);
/* *ret: what it is after. */
void number_add(
	struct ruche_value *value, size_t index, const struct number *by, struct number *ret);

#endif
