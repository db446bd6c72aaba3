/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
	FROM_KERNEL = 32 * 1024 * 1024, /* the most that glibc takes for this */
	KEPT = 64 * 1024 * 1024,
	ADVISED = 4 * 1024 * 1024,
	PAGE = 4096,
};

void heap_keep(void)
{
	mallopt(M_MMAP_THRESHOLD, FROM_KERNEL);
	mallopt(M_TRIM_THRESHOLD, KEPT);
}

void heap_advise(void *data, size_t len)
{
	uintptr_t begin = ((uintptr_t)data + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t end = ((uintptr_t)data + len) & ~(uintptr_t)(PAGE - 1);

	if (len >= ADVISED)
		madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

void heap_trim(void)
{
	malloc_trim(0);
}
