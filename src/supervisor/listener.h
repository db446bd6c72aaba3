/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_LISTENER_H
#define SUPERVISOR_LISTENER_H

/*
 * Where clients come in: a Unix socket of our own, or those that systemd listens on.  A
 * socket left by a daemon that died is taken over; that of a living one is refused.  One of our own
 * is given to systemd to keep, if there is one, and taken back from there by the next daemon.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

struct supervisor;

enum { CLIENTS_MAX = 1024, LISTENER_SOCKETS_MAX = 16 };

struct listener {
	int fds[LISTENER_SOCKETS_MAX];
	struct event on_connect[LISTENER_SOCKETS_MAX];
	size_t count;  /* of sockets; all serve alike */
	int reserve;   /* a descriptor to give up when there is no other, to refuse politely */
	bool refusing; /* the last client was turned away; said once */
	char *path;    /* ours to remove; NULL if systemd's */
	bool stored;   /* the service manager has a copy, so the file is left */
	char *address; /* for our own tasks */
	dev_t dev;
	ino_t ino; /* of the socket we made */
	struct event pause;
};

/* Binds and listens, so that clients can connect; none is served yet.  0, or a negative errno after saying why. */
int listener_open(struct supervisor *sup);
/*
 * Where our own tasks find us: the socket's path, or "@…" for the nameless one of a private daemon.
 * NULL: nowhere.  Valid as long as the listener.
 */
const char *listener_address(const struct listener *listener);
/* That of an earlier daemon, whose sockets and paths are set: it goes on. */
void listener_restore(struct supervisor *sup);
/* Begins to serve. */
void listener_start(struct supervisor *sup);
/* Refuses new clients and removes the socket.  May be called again. */
void listener_close(struct supervisor *sup);

#endif
