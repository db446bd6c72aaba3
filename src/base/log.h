/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * Messages to stderr, one line each, as "name: text", with a <N> level in front
 * when stderr is the journal.  Control characters are escaped: the text may quote
 * bytes from clients and workers.  For programs alone: libraries and the floors below the
 * supervisor never log.
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `name` is kept; messages above `max` are dropped. */
void log_open(const char *name, enum log_level max);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
