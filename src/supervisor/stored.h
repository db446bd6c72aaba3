/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_STORED_H
#define SUPERVISOR_STORED_H

/*
 * A socket of our own in the service manager's descriptor store, where it goes on listening from the end of one daemon
 * to the start of the next.  It is known there by its file, so that one whose file has been removed or replaced, which
 * no client could reach, is not taken for it.
 */

#include <stdbool.h>
#include <sys/types.h>

/* The socket bound to `path`, which is this file, is the caller's; or -ENOENT. */
int stored_take(const char *path, dev_t dev, ino_t ino);

/* False: there is no such manager. */
bool stored_put(int fd, dev_t dev, ino_t ino);

#endif
