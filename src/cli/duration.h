/* SPDX-License-Identifier: MIT */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

/* How long something takes, read and written for people. */

enum { DURATION_TEXT_MAX = 32 };

/* "0.35 s", "12.1 s", "3 min 4 s", "5 h 6 min", "7 d 8 h": written to `text` and returned. */
const char *duration_text(char text[DURATION_TEXT_MAX], double seconds);

/*
 * Seconds from "1.5", "1.5s", "500ms", "2min" (or "2m"), "1h" or "7d", perhaps with a space
 * before the unit.  0, or -EINVAL: it is no such text, negative, or not finite.
 */
int duration_parse(const char *text, double *ret);

/* For poll() and libruche: milliseconds, rounded up; what is too long for an int is INT_MAX. */
int duration_ms(double seconds);

#endif
