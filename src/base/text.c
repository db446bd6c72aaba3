/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void text_format(char *ret, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret, size, format, args);
	va_end(args);
}

void text_append(char *text, size_t size, const char *more)
{
	size_t len = strlen(text);

	text_format(text + len, size - len, "%s", more);
}

/* Terminals obey those of 8 bits, U+0080 to U+009F, as well. */
static bool is_control(const char *text, size_t len, const char *keep)
{
	uint8_t c = (uint8_t)text[0];

	if (len == 2)
		return c == 0xc2 && (uint8_t)text[1] < 0xa0;
	if (len > 2 || (c >= 0x20 && c != 0x7f))
		return false;
	return keep == NULL || c == 0 || strchr(keep, c) == NULL;
}

static void put_hex(char *ret, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";

	ret[0] = '\\';
	ret[1] = 'x';
	ret[2] = digits[c >> 4];
	ret[3] = digits[c & 15];
}

size_t text_escape(char *ret, size_t size, const char *text, size_t len, const char *keep)
{
	size_t at = 0;

	while (len > 0) {
		size_t n = utf8_len(text, len);
		bool plain = n > 0 && !is_control(text, n, keep);

		if (n == 0)
			n = 1;
		if (at + (plain ? n : 4 * n) >= size)
			break;
		if (plain)
			memcpy(ret + at, text, n);
		for (size_t i = 0; !plain && i < n; i++)
			put_hex(ret + at + 4 * i, (uint8_t)text[i]);
		at += plain ? n : 4 * n;
		text += n;
		len -= n;
	}
	ret[at] = '\0';
	return at;
}
