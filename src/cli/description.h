/* SPDX-License-Identifier: MIT */
#ifndef CLI_DESCRIPTION_H
#define CLI_DESCRIPTION_H

/* What the daemon knows about a task, as people read it. */

#include <msgpack.h>

#include "base/buf.h"

/*
 * A few lines, one matter each: 0 or -ENOMEM.  `more` is known of its outcome besides, or NULL: the
 * daemon does not look into results, and so knows no command's exit status.
 */
int description_append(struct buf *out, const msgpack_object *task, const char *more);

/* "queued 0.002 s, ran 1.250 s; attempts: 1": 0 or -ENOMEM. */
int description_append_times(struct buf *out, const msgpack_object *task);

#endif
