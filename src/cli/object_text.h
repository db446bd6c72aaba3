/* SPDX-License-Identifier: MIT */
#ifndef CLI_OBJECT_TEXT_H
#define CLI_OBJECT_TEXT_H

/* What the daemon knows about an object, as people read it.  0 or -ENOMEM. */

#include <msgpack.h>

#include "base/buf.h"

/* All objects as a table, a row each. */
int object_text_append_table(struct buf *out, const msgpack_object *objects);

/* One, a few lines: who holds it, and who waits there how long. */
int object_text_append(struct buf *out, const msgpack_object *object);

#endif
