/* SPDX-License-Identifier: MIT */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_MAX = 512, LINE_SIZE = 8192 };

static _Noreturn void die(const char *what, const char *where)
{
	fprintf(stderr, "golden vectors: %s: %s\n", what, where);
	exit(99);
}

static FILE *open_protocol(void)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/src/wire/PROTOCOL.md", top == NULL ? "." : top);
	file = fopen(path, "r");
	if (file == NULL)
		die("cannot open", path);
	return file;
}

/* Copies the next field, up to " | " or the end of the line, and steps over it. */
static void take_field(char **at, char *out, size_t size)
{
	char *end = strstr(*at, " | ");
	size_t len = end == NULL ? strlen(*at) : (size_t)(end - *at);

	if (len == 0 || len >= size)
		die("a field is missing or too long", *at);
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += end == NULL ? len : len + 3;
}

static size_t parse_hex(const char *text, uint8_t *out, size_t size)
{
	size_t len = 0;
	unsigned int byte;
	int used;

	for (; sscanf(text, " %2x%n", &byte, &used) == 1; text += used) {
		if (len == size)
			die("too many bytes", text);
		out[len++] = (uint8_t)byte;
	}
	if (*text != '\0')
		die("not hex", text);
	return len;
}

static void parse_line(char *line, struct golden *ret)
{
	char hex[LINE_SIZE];

	take_field(&line, ret->name, sizeof(ret->name));
	take_field(&line, ret->kind, sizeof(ret->kind));
	take_field(&line, hex, sizeof(hex));
	if (strlen(line) >= sizeof(ret->meaning))
		die("too long", line);
	strcpy(ret->meaning, line);
	ret->len = parse_hex(hex, ret->bytes, sizeof(ret->bytes));
}

static size_t read_all(struct golden *vectors)
{
	FILE *file = open_protocol();
	char line[LINE_SIZE];
	bool inside = false;
	size_t count = 0;

	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "```", 3) == 0)
			inside = strcmp(line, "```golden") == 0;
		else if (inside && count < GOLDEN_MAX)
			parse_line(line, &vectors[count++]);
		else if (inside)
			die("too many", line);
	}
	fclose(file);
	if (count == 0)
		die("none in the file", "PROTOCOL.md");
	return count;
}

const struct golden *golden_read(size_t *ret_count)
{
	static struct golden vectors[GOLDEN_MAX];
	static size_t count;

	if (count == 0)
		count = read_all(vectors);
	*ret_count = count;
	return vectors;
}

bool golden_is(const struct golden *golden, const char *kind)
{
	return strcmp(golden->kind, kind) == 0;
}

bool golden_is_message(const struct golden *golden)
{
	return golden_is(golden, "request") || golden_is(golden, "response") ||
	       golden_is(golden, "notification");
}
