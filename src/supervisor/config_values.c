/* SPDX-License-Identifier: MIT */
#include "supervisor/config_values.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const char digits[] = "0123456789";

struct unit {
	const char *name;
	uint64_t size;
};

/* The largest first; what has no unit is the last. */
static const struct unit size_units[] = {
	{"T", UINT64_C(1) << 40},
	{"G", UINT64_C(1) << 30},
	{"M", UINT64_C(1) << 20},
	{"K", UINT64_C(1) << 10},
	{"", 1},
	{NULL, 0},
};

static const struct unit time_units[] = {
	{"d", 86400 * CLOCK_S},
	{"h", 3600 * CLOCK_S},
	{"min", 60 * CLOCK_S},
	{"s", CLOCK_S},
	{"ms", CLOCK_MS},
	{"", CLOCK_S},
	{NULL, 0},
};

/* What follows a number: blanks, and the name of a unit.  0: none of them. */
static uint64_t find_unit(const struct unit *units, const char *text)
{
	text += strspn(text, " \t");
	for (; units->name != NULL; units++)
		if (strcmp(units->name, text) == 0)
			return units->size;
	return 0;
}

static int check_range(uint64_t value, struct value_range range, uint64_t *ret)
{
	if (value < range.min || value > range.max)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* The digits that text begins with, which may be followed by anything. */
static int read_digits(const char *text, const char **ret_end, uint64_t *ret)
{
	size_t len = strspn(text, digits);

	errno = 0;
	*ret = strtoull(text, NULL, 10);
	*ret_end = text + len;
	return len == 0 || errno != 0 ? -EINVAL : 0;
}

int value_number(const char *text, struct value_range range, uint64_t *ret)
{
	const char *end;
	uint64_t value;

	if (read_digits(text, &end, &value) < 0 || *end != '\0')
		return -EINVAL;
	return check_range(value, range, ret);
}

int value_integer(const char *text, int min, int max, int *ret)
{
	bool negative = *text == '-';
	struct value_range range = {0, negative ? (uint64_t)-min : (uint64_t)max};
	uint64_t value;

	if (value_number(text + negative, range, &value) < 0)
		return -EINVAL;
	*ret = negative ? -(int)value : (int)value;
	return 0;
}

int value_size(const char *text, struct value_range range, uint64_t *ret)
{
	const char *end;
	uint64_t value, unit;

	if (read_digits(text, &end, &value) < 0)
		return -EINVAL;
	unit = find_unit(size_units, end);
	if (unit == 0 || value > UINT64_MAX / unit)
		return -EINVAL;
	return check_range(value * unit, range, ret);
}

/* "12" or "12.5" at the beginning: what strtod() takes beyond that is nothing for people. */
static size_t decimal_len(const char *text)
{
	size_t whole = strspn(text, digits);
	size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;

	return whole == 0 || fraction == 0 ? whole : whole + 1 + fraction;
}

int value_time(const char *text, struct value_range range, uint64_t *ret)
{
	size_t len = decimal_len(text);
	uint64_t unit = find_unit(time_units, text + len);
	double ns;

	if (len == 0 || unit == 0)
		return -EINVAL;
	ns = strtod(text, NULL) * (double)unit;
	if (ns > (double)range.max)
		return -EINVAL;
	return check_range((uint64_t)ns, range, ret);
}

int value_umask(const char *text, mode_t *ret)
{
	size_t len = strspn(text, "01234567");
	unsigned long value = strtoul(text, NULL, 8);

	if (len == 0 || text[len] != '\0' || len > 6 || value > 0777)
		return -EINVAL;
	*ret = (mode_t)value;
	return 0;
}

/* ---- who -------------------------------------------------------------------------------- */

static const struct value_range ids = {0, UINT32_MAX - 1};

int value_user(const char *text, uid_t *ret)
{
	const struct passwd *entry;
	uint64_t uid;

	if (value_number(text, ids, &uid) == 0) {
		*ret = (uid_t)uid;
		return 0;
	}
	entry = getpwnam(text);
	if (entry == NULL)
		return -EINVAL;
	*ret = entry->pw_uid;
	return 0;
}

int value_group(const char *text, gid_t *ret)
{
	const struct group *entry;
	uint64_t gid;

	if (value_number(text, ids, &gid) == 0) {
		*ret = (gid_t)gid;
		return 0;
	}
	entry = getgrnam(text);
	if (entry == NULL)
		return -EINVAL;
	*ret = entry->gr_gid;
	return 0;
}

/* ---- limits of resources ---------------------------------------------------------------- */

static int read_rlim(const char *text, rlim_t *ret)
{
	struct value_range range = {0, RLIM_INFINITY - 1};
	uint64_t value;

	if (strcmp(text, "unlimited") == 0) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	if (value_size(text, range, &value) < 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

int value_rlimit(const char *text, struct rlimit *ret)
{
	const char *colon = strchr(text, ':');
	char soft[VALUE_TEXT_MAX];
	struct rlimit limit;

	if (colon != NULL && colon - text >= VALUE_TEXT_MAX)
		return -EINVAL;
	text_format(soft, sizeof(soft), "%.*s", colon != NULL ? (int)(colon - text) : -1, text);
	if (read_rlim(colon != NULL ? soft : text, &limit.rlim_cur) < 0 ||
		read_rlim(colon != NULL ? colon + 1 : text, &limit.rlim_max) < 0 ||
		limit.rlim_cur > limit.rlim_max)
		return -EINVAL;
	*ret = limit;
	return 0;
}

/* ---- cores ------------------------------------------------------------------------------ */

/* "3" or "0-3", then the end or a comma.  What follows it, or NULL if it is neither. */
static const char *read_span(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
	if (read_digits(text, &text, ret_first) < 0)
		return NULL;
	*ret_last = *ret_first;
	if (*text == '-' && read_digits(text + 1, &text, ret_last) < 0)
		return NULL;
	if (*ret_first > *ret_last || *ret_last >= VALUE_CORES_MAX)
		return NULL;
	text += strspn(text, " \t");
	if (*text == '\0')
		return text;
	if (*text++ != ',')
		return NULL;
	text += strspn(text, " \t");
	return *text == '\0' ? NULL : text;
}

struct cores {
	int *all;
	size_t count;
	bool there[VALUE_CORES_MAX];
};

/* -EINVAL: one of them is there already. */
static int add_span(struct cores *cores, uint64_t first, uint64_t last)
{
	for (uint64_t core = first; core <= last; core++) {
		if (cores->there[core])
			return -EINVAL;
		cores->there[core] = true;
		cores->all[cores->count++] = (int)core;
	}
	return 0;
}

static int read_cores(const char *text, struct cores *cores)
{
	uint64_t first, last;

	do {
		text = read_span(text, &first, &last);
		if (text == NULL || add_span(cores, first, last) < 0)
			return -EINVAL;
	} while (*text != '\0');
	return 0;
}

int value_cores(const char *text, int **ret, size_t *ret_count)
{
	struct cores cores = {.all = calloc(VALUE_CORES_MAX, sizeof(int))};

	if (cores.all == NULL)
		return -ENOMEM;
	if (read_cores(text, &cores) < 0) {
		free(cores.all);
		return -EINVAL;
	}
	*ret = cores.all;
	*ret_count = cores.count;
	return 0;
}

/* ---- the other way ---------------------------------------------------------------------- */

static void unit_text(const struct unit *units, uint64_t value, char ret[VALUE_TEXT_MAX])
{
	while (units[1].name != NULL && (value < units->size || value % units->size != 0))
		units++;
	text_format(ret, VALUE_TEXT_MAX, "%llu%s", (unsigned long long)(value / units->size),
		units->name);
}

void value_size_text(uint64_t size, char ret[VALUE_TEXT_MAX])
{
	unit_text(size_units, size, ret);
}

void value_time_text(uint64_t ns, char ret[VALUE_TEXT_MAX])
{
	unit_text(time_units, ns, ret);
}
