/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 2048 };

static const char *program = "ruche";
static enum log_level threshold = LOG_LEVEL_INFO;
static int to_journal;

/* systemd names the device and inode of the journal's stream in the environment. */
static int stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return 0;
	snprintf(mine, sizeof(mine), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return strcmp(stream, mine) == 0;
}

void log_open(const char *name, enum log_level max)
{
	program = name;
	threshold = max;
	to_journal = stderr_is_journal();
}

static size_t escape(char *out, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text != '\0' && at + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f)
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, 5, "\\x%02x", c);
	}
	return at;
}

static __attribute__((format(printf, 2, 0))) void emit(
	enum log_level level, const char *format, va_list args)
{
	static const char journal_level[] = {'3', '4', '6', '7'};
	char text[TEXT_MAX], line[TEXT_MAX * 2];
	size_t at = 0;

	if (level > threshold)
		return;
	vsnprintf(text, sizeof(text), format, args);
	if (to_journal)
		at = (size_t)snprintf(line, sizeof(line), "<%c>", journal_level[level]);
	else
		at = (size_t)snprintf(line, sizeof(line), "%s: ", program);
	at += escape(line + at, sizeof(line) - at - 1, text);
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, at) < 0)
		return; /* nowhere left to say so */
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
