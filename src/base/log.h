/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * Messages to stderr, one line each, as "name: text", with a <N> level in front
 * when stderr is the journal.  Control characters are escaped: the text may quote
 * bytes from clients and workers.  For programs alone: libraries and the floors below the
 * supervisor never log.
 */

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `name` is kept; messages above `max` are dropped. */
void log_open(const char *name, enum log_level max);

/*
 * Until the next log_open() a line that nobody takes at once is dropped, and counted in a later one: a daemon may not
 * stand still for its log.
 */
void log_never_wait(void);
/* Says how many those were, if there are any and somebody takes lines again. */
void log_account(void);

/* Is stderr the journal's? */
bool log_is_journal(void);
/* Are messages of this level written? */
bool log_shows(enum log_level level);
/* As syslog(3) numbers it, a digit. */
char log_priority(enum log_level level);

void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
