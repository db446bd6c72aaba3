/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_OBJECT_REPLY_H
#define CLIENT_OBJECT_REPLY_H

/*
 * What the daemon answers to the functions of objects.h, as they say it: a negative errno, and its own words for
 * ruche_last_error().
 */

#include <ruche/ruche.h>

/* A function begins: there is no last error.  0; -EINVAL: one of them is NULL; -EBUSY: inside a callback. */
int object_begin(struct ruche *ruche, const void *ret);

/*
 * Takes `reply` if it is an error, which is the handle's last one then, and returns its errno.  0: it is a result, which stays the
 * caller's, and there is no last error.
 */
int object_result(struct ruche *ruche, struct ruche_reply *reply);

/* What could not be asked, for `error`, a negative errno: if the daemon has gone, that is the last error.  Returns `error`. */
int object_not_asked(struct ruche *ruche, int error);

/*
 * Waits for the answer to call `id`, which was sent if `status` is 0.  0: *ret is a result, for the caller to free; or a negative errno.
 */
int object_wait(struct ruche *ruche, int status, uint32_t id, struct ruche_reply **ret);

#endif
