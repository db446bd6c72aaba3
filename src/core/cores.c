/* SPDX-License-Identifier: MIT */
#include "core/cores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double cores_parse_quota(const char *text)
{
	double quota, period;

	if (sscanf(text, "%lf %lf", &quota, &period) != 2 || quota <= 0 || period <= 0)
		return CORES_UNLIMITED;
	return quota / period;
}

/* Is `controller` one of the comma-separated names in the first `len` bytes? */
static bool names_controller(const char *names, size_t len, const char *controller)
{
	size_t want = strlen(controller);

	while (len > 0) {
		const char *comma = memchr(names, ',', len);
		size_t n = comma == NULL ? len : (size_t)(comma - names);

		if (n == want && memcmp(names, controller, n) == 0)
			return true;
		n += comma != NULL;
		names += n;
		len -= n;
	}
	return false;
}

/* Lines are "hierarchy:controllers:path"; the unified one is "0::path". */
static bool line_matches(
	const char *line, const char *controllers, const char *path, const char *controller)
{
	size_t len = (size_t)(path - controllers) - 1;

	if (controller == NULL)
		return len == 0 && strncmp(line, "0:", 2) == 0;
	return names_controller(controllers, len, controller);
}

bool cores_parse_cgroup(const char *text, const char *controller, char *ret, size_t size)
{
	for (const char *line = text; line != NULL && *line != '\0';) {
		const char *end = strchrnul(line, '\n');
		const char *colon = memchr(line, ':', (size_t)(end - line));
		const char *path = colon ? memchr(colon + 1, ':', (size_t)(end - colon - 1)) : NULL;

		if (path != NULL && line_matches(line, colon + 1, path + 1, controller)) {
			size_t len = (size_t)(end - path - 1);

			if (len >= size)
				return false;
			memcpy(ret, path + 1, len);
			ret[len] = '\0';
			return true;
		}
		line = *end == '\n' ? end + 1 : NULL;
	}
	return false;
}

static bool has(const int *cores, size_t count, int core)
{
	for (size_t i = 0; i < count; i++)
		if (cores[i] == core)
			return true;
	return false;
}

size_t cores_in_common(const int *cores, size_t count, const int *usable, size_t usable_count)
{
	size_t common = 0;

	for (size_t i = 0; i < usable_count; i++)
		common += has(cores, count, usable[i]);
	return common;
}

size_t cores_count(size_t available, double quota)
{
	size_t whole;

	if (quota >= (double)available)
		return available > 0 ? available : 1;
	whole = (size_t)quota;
	if ((double)whole < quota)
		whole++;
	return whole > 0 ? whole : 1;
}
