/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

void table_init(struct table *table, const char *const *heads)
{
	*table = (struct table){.heads = heads};
	while (table->columns < TABLE_COLUMNS_MAX && heads[table->columns] != NULL)
		table->columns++;
}

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->cells; i++)
		free(table->cell[i]);
	free(table->cell);
	*table = (struct table){0};
}

int table_take(struct table *table, char *text)
{
	char **cell;

	if (text == NULL)
		return -ENOMEM;
	cell = realloc(table->cell, (table->cells + 1) * sizeof(*cell));
	if (cell == NULL) {
		free(text);
		return -ENOMEM;
	}
	cell[table->cells++] = text;
	table->cell = cell;
	return 0;
}

int table_add(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return table_take(table, len < 0 ? NULL : text);
}

static bool is_right(const char *head)
{
	return *head == '>';
}

static const char *shown(const char *text)
{
	return *text != '\0' ? text : "-";
}

static size_t width_of(const struct table *table, size_t column)
{
	size_t width = strlen(table->heads[column]) - is_right(table->heads[column]);

	for (size_t i = column; i < table->cells; i += table->columns)
		if (strlen(shown(table->cell[i])) > width)
			width = strlen(shown(table->cell[i]));
	return width;
}

static int append_cell(struct buf *out, const struct table *table, size_t column, const char *text)
{
	bool is_last = column + 1 == table->columns;
	int width = (int)width_of(table, column);

	if (!is_right(table->heads[column]))
		width = is_last ? 0 : -width;
	return cli_append(out, "%*s%s", width, text, is_last ? "\n" : "  ");
}

int table_append(struct buf *out, const struct table *table)
{
	for (size_t i = 0; i < table->columns; i++)
		if (append_cell(out, table, i, table->heads[i] + is_right(table->heads[i])) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < table->cells; i++)
		if (append_cell(out, table, i % table->columns, shown(table->cell[i])) < 0)
			return -ENOMEM;
	return 0;
}
