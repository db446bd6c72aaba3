/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

/* The service manager, if there is one: the only file that knows of systemd. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How names begin under which we store descriptors; nobody else's do. */
#define NOTIFY_STORED "ruche-"

enum { NOTIFY_NAME_MAX = 128 };

/*
 * Descriptors are Unix sockets that listen, close-on-exec, and the taker's.  Those that the manager made, at most
 * `max`: how many.
 */
size_t notify_listen_fds(int *ret, size_t max);

/* The one that an earlier daemon of this service has stored under this name, or -ENOENT. */
int notify_take_stored(const char *name);

/* Closes what nobody has taken; what of it was stored is stored no longer. */
void notify_drop_given(void);

/* Keeps a copy with the manager until the service is stopped, restarts left out.  False: nobody does. */
bool notify_store(int fd, const char *name);

/*
 * Does it want to hear of us?  What it has put into the environment for that is taken out by this and the next, so
 * that no task speaks in our name.
 */
bool notify_is_wanted(void);

/* It restarts us unless it hears WATCHDOG=1 as often as this, ns; 0: it does not. */
uint64_t notify_watchdog(void);

/* An exec is near: the next program is to find it all in the environment again. */
void notify_pass_on(uint64_t watchdog);

/* sd_notify(3); nothing unless it is wanted. */
void notify_send(const char *state);

#endif
