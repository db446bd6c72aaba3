/* SPDX-License-Identifier: MIT */
#ifndef WORKER_LANDLOCK_H
#define WORKER_LANDLOCK_H

/*
 * Landlock, see landlock(7): after landlock_enter() this process and what it starts can make, change and
 * remove files only below the given paths, whatever their owner and mode allow.  Reading and running stay as they
 * are, as do descriptors that are open, and devices that keep nothing (/dev/null, the terminal).
 *
 * Until Linux 6.2 a file elsewhere can still be cut short, and modes, owners and times are no business of
 * Landlock's.  Before 5.19 (version 1 of Landlock) no file can be renamed or linked from one folder to another, also
 * where all may be changed: EXDEV.
 */

#include <stddef.h>

/*
 * Both: 0, or a negative errno with a message for people in `error` (PLUGIN_ERROR_MAX bytes).  The caller
 * closes *ret.
 */
int landlock_make(const char *const *paths, size_t count, int *ret, char *error);
/* No rights may be gained any more, see confine.h. */
int landlock_enter(int ruleset, char *error);

#endif
