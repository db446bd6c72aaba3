/* SPDX-License-Identifier: MIT */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

/* Points of time, read and written for people. */

enum { MOMENT_TEXT_MAX = 32 };

/*
 * Seconds since 1970, as a number ("1767225600.5"), or from a date or a date and a time of
 * ISO 8601: "2026-01-01", "2026-01-01T18:30", "2026-01-01 18:30:00.5", of the local time zone or of
 * the one that it ends with: "Z", "+01:00".  0, or -EINVAL: it is none of these, there is no such
 * day, or it is so long ago (before 1973) that a duration must have been meant.
 */
int moment_parse(const char *text, double *ret);

/* "2026-01-01 18:30:00" in local time: written to `text` and returned; "?" if it cannot be told. */
const char *moment_text(char text[MOMENT_TEXT_MAX], double seconds);

#endif
