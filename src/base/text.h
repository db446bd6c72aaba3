/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* As snprintf(3), for messages that may well be cut to fit. */
void text_format(char *ret, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
