/* SPDX-License-Identifier: MIT */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

/*
 * For processes that are ours alone.  By itself malloc() gives a large buffer back to the kernel when it is freed,
 * and has each page of the next one made and cleared again: 38 ms for a message of 1 MiB through the
 * daemon, and 1.6 when the memory is kept.
 */

/* Keeps up to 64 MiB that are free. */
void heap_keep(void);

/* Memory of `len` bytes will soon be filled: in large pages, if it is large, as it is cheaper to get those. */
void heap_advise(void *data, size_t len);

/* Gives back what is free. */
void heap_trim(void);

#endif
