/* SPDX-License-Identifier: MIT */
#include "cli/duration.h"

#include <stdio.h>

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
