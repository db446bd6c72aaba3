/* SPDX-License-Identifier: MIT */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

/*
 * Whether a file is only ours to change: code that we load, what we are told to be.
 *
 * It is, if the file, every directory above it and every link on the way belong to root or to the user that we
 * run as, and nobody else may write there.  A directory in which everybody may make files, but only
 * change their own (the sticky bit, /tmp), is good as long as what we go on with is ours or root's.  The group
 * may write if nobody but the owner is in it, and it has the owner's name, as it is where each user has a group.
 */

enum { TRUST_WHY_MAX = 600 };

/* In the environment with the value "any": everything is trusted.  For trees to try things in, and their tests. */
#define TRUST_VARIABLE "RUCHE_TRUST"

/*
 * 0; -EACCES with what is wrong with which part of the way, and what to do, in `why`; or another negative errno,
 * and the reason: it is not there, …
 */
int trust_check(const char *path, char why[TRUST_WHY_MAX]);

#endif
