/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_OBJECT_REPLY_H
#define CLIENT_OBJECT_REPLY_H

/*
 * What the daemon answers to the functions of objects.h, as they say it: a negative errno, and its own words for
 * ruche_last_error().
 */

#include <ruche/ruche.h>

/*
 * Takes `reply` if it is an error, which is the handle's last one then, and returns its errno.  0: it is a result, which stays the
 * caller's, and there is no last error.
 */
int object_result(struct ruche *ruche, struct ruche_reply *reply);

/* A function begins: there is no last error. */
void object_forget_error(struct ruche *ruche);

#endif
