/* SPDX-License-Identifier: MIT */
#ifndef WIRE_VALUE_H
#define WIRE_VALUE_H

/*
 * What lies in the memory of a shared value, which the daemon makes and all who have it open map: a head, a lock, and from
 * VALUE_DATA_OFF on the elements, as this machine has them.  Whoever can write there can spoil all of it, so what was
 * read from a head is kept elsewhere.
 */

#include <stddef.h>
#include <stdint.h>

enum {
	VALUE_LOCK_OFF =
		64, /* a pthread_mutex_t: robust, shared by processes, checking for errors */
	VALUE_DATA_OFF = 4096, /* it is a multiple of each element's size */
	VALUE_TYPE_COUNT = 11, /* of numbers that a type may have: 1 to 10; 0 is none */
};

#define VALUE_MAGIC "ruchev1" /* with its NUL */

struct value_head {
	char magic[8];
	uint32_t type, reserved;
	uint64_t count, data_off;
};

/* "int64"; NULL: there is no such type. */
const char *value_type_name(uint32_t type);
/* 0: there is no such type. */
uint32_t value_type_from_name(const char *name, size_t len);
size_t value_type_size(uint32_t type); /* bytes of an element; 0: there is no such type */

/* The bytes of the whole; 0: no such type, no element, or more than any memory has. */
uint64_t value_memory_size(uint32_t type, uint64_t count);

/*
 * Writes head and lock into the first VALUE_DATA_OFF bytes of memory that is zero, when nobody else has it yet.  0 or a negative
 * errno.
 */
int value_init(void *map, uint32_t type, uint64_t count);

/* Is this the head of a value that takes `size` bytes?  0 and what it says, or -EPROTO. */
int value_read_head(const void *map, uint64_t size, uint32_t *ret_type, uint64_t *ret_count);

#endif
