/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/moment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double earliest = 1e8; /* in 1973 */
static const double latest = 1e11;  /* in the year 5138 */

static const char *const formats[] = {
	"%Y-%m-%dT%H:%M:%S",
	"%Y-%m-%d %H:%M:%S",
	"%Y-%m-%dT%H:%M",
	"%Y-%m-%d %H:%M",
	"%Y-%m-%d",
};

enum { FORMATS = sizeof(formats) / sizeof(*formats), FORMATS_WITH_SECONDS = 2 };

/* "", ".25": what is behind the seconds.  The end of it. */
static const char *read_fraction(const char *at, double *ret)
{
	size_t digits = *at == '.' ? strspn(at + 1, "0123456789") : 0;

	*ret = digits > 0 ? strtod(at, NULL) : 0;
	return digits > 0 ? at + 1 + digits : at;
}

/* 0 or -EINVAL; timegm() and mktime() would take the 30th of February for the 2nd of March. */
static int count_seconds(struct tm *tm, bool is_local, double *ret)
{
	int day = tm->tm_mday;
	time_t seconds;

	tm->tm_isdst = -1;
	seconds = is_local ? mktime(tm) : timegm(tm);
	if (seconds == (time_t)-1 || tm->tm_mday != day)
		return -EINVAL;
	*ret = (double)seconds;
	return 0;
}

static int read_date(const char *text, double *ret)
{
	const char *end = NULL, *zone;
	struct tm tm = {0};
	double seconds, fraction = 0;
	long east;
	int i;

	for (i = 0; i < FORMATS && end == NULL; i++) {
		tm = (struct tm){0};
		end = strptime(text, formats[i], &tm);
	}
	if (end == NULL)
		return -EINVAL;
	if (i <= FORMATS_WITH_SECONDS)
		end = read_fraction(end, &fraction);
	zone = *end != '\0' ? strptime(end, "%z", &tm) : NULL;
	east = zone != NULL ? tm.tm_gmtoff : 0;
	if ((zone != NULL ? *zone : *end) != '\0' || count_seconds(&tm, zone == NULL, &seconds) < 0)
		return -EINVAL;
	*ret = seconds + fraction - (double)east;
	return 0;
}

static bool is_number(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789.") == strlen(text) &&
	       strchr(text, '.') == strrchr(text, '.');
}

int moment_parse(const char *text, double *ret)
{
	double seconds;

	if (is_number(text))
		seconds = strtod(text, NULL);
	else if (read_date(text, &seconds) < 0)
		return -EINVAL;
	if (seconds < earliest || seconds > latest)
		return -EINVAL;
	*ret = seconds;
	return 0;
}

const char *moment_text(char text[MOMENT_TEXT_MAX], double seconds)
{
	time_t whole = seconds >= 0 && seconds <= latest ? (time_t)seconds : -1;
	struct tm tm;

	if (whole < 0 || localtime_r(&whole, &tm) == NULL ||
		strftime(text, MOMENT_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(text, MOMENT_TEXT_MAX, "?");
	return text;
}
