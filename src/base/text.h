/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* As snprintf(3), for messages that may well be cut to fit. */
void text_format(char *ret, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Behind what is there, cut to fit. */
void text_append(char *text, size_t size, const char *more);

/*
 * Bytes from anywhere as one may show them: control characters but those in `keep` (NULL: all), and what is not UTF-8,
 * become \xNN.  As much as fits, whole characters, with a NUL behind; how many bytes that are.  `size` is not 0.
 */
size_t text_escape(char *ret, size_t size, const char *text, size_t len, const char *keep);

#endif
