/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_FORKSERVER_H
#define SUPERVISOR_FORKSERVER_H

/*
 * The supervisor's link to the fork server, which loads the pool's code once and makes
 * workers on request, one request at a time.  When it dies it is started again; its
 * workers go on meanwhile.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/restart.h"
#include "supervisor/functions.h"

struct supervisor;
struct worker;

struct forkserver {
	struct supervisor *sup;
	pid_t pid; /* 0: none */
	int link;  /* -1: none */
	bool ready;
	uint64_t started_at;      /* ns */
	struct worker *pending;   /* whom the request under way is for */
	uint32_t request;         /* its msgid */
	struct functions loading; /* what it told so far */
	struct event on_message, timer;
	struct restart restart;
	bool given_up;
	uint64_t restarts;
	char problem[512]; /* "" or why there is none */
};

void forkserver_init(struct supervisor *sup);
void forkserver_fini(struct supervisor *sup);

/* 0, or a negative errno after saying why. */
int forkserver_start(struct supervisor *sup);

/* There may be slots that want a worker: sees to it, now or when the last request is answered. */
void forkserver_want(struct supervisor *sup);

/* It has ended and can be reaped. */
void forkserver_on_exit(struct supervisor *sup);

/* Reads what it has said: before the exit of a child that nobody knows is looked at. */
void forkserver_read(struct supervisor *sup);

/* Lets it end by itself, once the workers have gone. */
void forkserver_release(struct supervisor *sup);

#endif
