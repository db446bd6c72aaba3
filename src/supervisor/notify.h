/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

/* The service manager, if there is one: the only file that knows of systemd. */

/* The socket that it listens on for us, close-on-exec; -1: none. */
int notify_listen_fd(void);

/* sd_notify(3); nothing without a manager. */
void notify_send(const char *state);

#endif
