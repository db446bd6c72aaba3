/* SPDX-License-Identifier: MIT */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

/* Columns for people: as wide as their widest cell, numbers to the right. */

#include <stddef.h>

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table {
	const char *const
		*heads; /* NULL-terminated; one that begins with '>' is set to the right */
	size_t columns, cells;
	char **cell; /* owned, row after row */
};

/* `heads` must outlive the table. */
void table_init(struct table *table, const char *const *heads);
void table_fini(struct table *table);

/* The next cell, in reading order; an empty one is shown as "-".  0 or -ENOMEM. */
int table_take(struct table *table, char *text); /* takes `text`, which may be NULL: -ENOMEM */
int table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

int table_append(struct buf *out, const struct table *table); /* 0 or -ENOMEM */

#endif
