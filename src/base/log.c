/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { TEXT_MAX = 2048, LINE_SIZE = 4096 }; /* what a pipe takes at once, PIPE_BUF */

static const char *program = "ruche";
static enum log_level threshold = LOG_LEVEL_INFO;
static bool to_journal, never_wait;
static unsigned int lost; /* lines that found no room since one was written */

/* systemd names the device and inode of the journal's stream in the environment. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(mine, sizeof(mine), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return strcmp(stream, mine) == 0;
}

void log_open(const char *name, enum log_level max)
{
	program = name;
	threshold = max;
	to_journal = stderr_is_journal();
	never_wait = false;
	lost = 0;
}

void log_never_wait(void)
{
	never_wait = true;
}

bool log_shows(enum log_level level)
{
	return level <= threshold;
}

bool log_is_journal(void)
{
	return to_journal;
}

char log_priority(enum log_level level)
{
	return "3467"[level];
}

/*
 * A pipe that is ready has room for a line.  Only a terminal that somebody has stopped may still keep us waiting, and
 * whoever did that sits there.
 */
static ssize_t write_now(const char *line, size_t len)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || errno != ENOTSOCK)
		return n;
	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) == 0)
		errno = EIO;
	else if (out.revents != 0)
		return write(STDERR_FILENO, line, len);
	else
		errno = EAGAIN;
	return -1;
}

static size_t start_line(enum log_level level, char line[LINE_SIZE])
{
	if (to_journal)
		return (size_t)snprintf(line, LINE_SIZE, "<%c>", log_priority(level));
	return (size_t)snprintf(line, LINE_SIZE, "%s: ", program);
}

static int write_line(enum log_level level, const char *text)
{
	char line[LINE_SIZE];
	size_t at = start_line(level, line);
	ssize_t n;

	at += text_escape(line + at, LINE_SIZE - at - 1, text, strlen(text), NULL);
	line[at++] = '\n';
	n = never_wait ? write_now(line, at) : write(STDERR_FILENO, line, at);
	return n < 0 ? -errno : 0;
}

void log_account(void)
{
	char text[64];

	if (lost == 0)
		return;
	text_format(text, sizeof(text), "lines that nobody took in time: %u", lost);
	if (write_line(LOG_LEVEL_WARNING, text) == 0)
		lost = 0;
}

static __attribute__((format(printf, 2, 0))) void emit(
	enum log_level level, const char *format, va_list args)
{
	char text[TEXT_MAX];

	if (!log_shows(level))
		return;
	vsnprintf(text, sizeof(text), format, args);
	log_account();
	if ((lost > 0 || write_line(level, text) == -EAGAIN) && lost < UINT_MAX)
		lost++; /* in any other case there is nowhere to say so */
}

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit(level, format, args);
	va_end(args);
}

#define DEFINE_LEVEL(function, level)                                                              \
	void function(const char *format, ...)                                                     \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		emit(level, format, args);                                                         \
		va_end(args);                                                                      \
	}

DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(log_warning, LOG_LEVEL_WARNING)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)
DEFINE_LEVEL(log_debug, LOG_LEVEL_DEBUG)
