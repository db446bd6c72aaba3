/* SPDX-License-Identifier: MIT */

/* What is known of an error, in words. */

#include <ruche/ruche.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char *data;
	size_t len, size; /* without, and with, the ending NUL */
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	size_t room = text->size - text->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->data + text->len, room, format, args);
	va_end(args);
	if (len > 0)
		text->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void add_signal(struct text *text, int signal)
{
	const char *name = sigabbrev_np(signal);

	if (name != NULL)
		add(text, "; signal %d (SIG%s)", signal, name);
	else
		add(text, "; signal %d", signal);
}

const char *ruche_error_describe(const struct ruche_error *error, char *text, size_t size)
{
	struct text to = {.data = text, .size = size};

	if (text == NULL || size == 0)
		return "";
	*text = '\0';
	if (error == NULL)
		return text;
	add(&to, "%s; executed: %s", ruche_code_name(error->code),
		ruche_executed_name(error->executed));
	if (error->signal != 0)
		add_signal(&to, error->signal);
	if (error->cause != NULL && *error->cause != '\0')
		add(&to, "; cause: %s", error->cause);
	if (error->exit_status >= 0)
		add(&to, "; exit status %d", error->exit_status);
	if (error->attempts > 0)
		add(&to, "; attempts: %u", error->attempts);
	if (error->queued_for > 0 || error->ran_for > 0)
		add(&to, "; queued %.3f s, ran %.3f s", error->queued_for, error->ran_for);
	if (error->peak_memory != 0)
		add(&to, "; peak memory %.1f MiB", (double)error->peak_memory / (1 << 20));
	return text;
}
