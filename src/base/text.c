/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

void text_format(char *ret, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret, size, format, args);
	va_end(args);
}
