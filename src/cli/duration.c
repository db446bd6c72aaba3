/* SPDX-License-Identifier: MIT */
#include "cli/duration.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	double size;
	const char *name;
} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

enum { UNITS = sizeof(units) / sizeof(*units) };

const char *duration_text(char text[DURATION_TEXT_MAX], double seconds)
{
	if (seconds >= 1e9)
		seconds = 1e9;
	if (!(seconds >= 60)) {
		snprintf(text, DURATION_TEXT_MAX, "%.*f s", seconds < 1 ? 2 : 1,
			seconds > 0 ? seconds : 0);
		return text;
	}
	for (int i = 0; i < UNITS - 1; i++) {
		int whole = (int)(seconds / units[i].size);

		if (whole == 0)
			continue;
		snprintf(text, DURATION_TEXT_MAX, "%d %s %d %s", whole, units[i].name,
			(int)((seconds - whole * units[i].size) / units[i + 1].size),
			units[i + 1].name);
		break;
	}
	return text;
}

static const struct {
	const char *name;
	double size;
} suffixes[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};

int duration_parse(const char *text, double *ret)
{
	size_t digits = strspn(text, "0123456789.");
	double number;
	char *end;

	number = strtod(text, &end);
	/* strtod() knows more than we want: "1e5", "0x10", "inf". */
	if (digits == 0 || end != text + digits || !isfinite(number))
		return -EINVAL;
	end += *end == ' ';
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (strcmp(end, suffixes[i].name) == 0) {
			*ret = number * suffixes[i].size;
			return isfinite(*ret) ? 0 : -EINVAL;
		}
	return -EINVAL;
}

int duration_ms(double seconds)
{
	double ms = ceil(seconds * 1000);

	return ms < INT_MAX ? (int)ms : INT_MAX;
}
