/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_FORKSERVER_H
#define SUPERVISOR_FORKSERVER_H

/*
 * The supervisor's link to a fork server, which loads a pool's code once and makes
 * workers on request, one request at a time.  A pool's present one is started again when it
 * dies; its workers go on meanwhile.  A former one only stays until its workers have gone,
 * since it would take them with it.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "core/restart.h"
#include "supervisor/functions.h"
#include "supervisor/standby.h"

#define FORKSERVER_LIMIT (10 * CLOCK_S) /* for it to answer */

struct pool;
struct pool_config;
struct supervisor;
struct worker;

struct forkserver {
	struct supervisor *sup;
	struct pool *pool;
	struct forkserver *older;         /* in the list of former ones */
	const struct pool_config *config; /* that it is started with; not of a former one */
	pid_t pid;                        /* 0: none */
	int link;                         /* -1: none */
	uid_t uid;                        /* that its workers have */
	bool ready;
	bool knows_standby;     /* it told so */
	uint64_t started_at;    /* ns */
	struct worker *pending; /* whom the request under way is for */
	uint32_t fork_request;  /* its msgid */
	uint32_t request;       /* the last msgid */
	uint32_t workers;       /* of it, that live or are being made */
	struct standby standby;
	struct functions loading; /* what it told so far */
	struct event on_message, timer;
	struct restart restart;
	bool given_up;
	uint64_t restarts;
	char problem[512]; /* "" or why there is none */
};

/* One that is not started yet.  0 or -ENOMEM. */
int forkserver_new(struct pool *pool, const struct pool_config *config, struct forkserver **ret);

/* 0, or a negative errno after saying why. */
int forkserver_start(struct forkserver *fs);

/* One of an earlier daemon, whose fields are set: it is listened to from now on, or started again soon. */
void forkserver_restore(struct forkserver *fs);

/* Asks it for a worker whose slot is empty; it must be ready and have nothing pending. */
void forkserver_ask(struct forkserver *fs, struct worker *worker);

/* The order for this worker, as a packet in sup->scratch.  0 or -ENOMEM. */
int forkserver_pack_order(
	struct forkserver *fs, const struct worker *worker, const char *token, size_t groups);

/* There may be slots that want a worker: sees to it, now or when the last request is answered. */
void forkserver_want(struct pool *pool);

/* One of its workers has gone. */
void forkserver_on_worker_gone(struct forkserver *fs);

/* It has ended and can be reaped. */
void forkserver_on_exit(struct forkserver *fs);

/* Lets it end by itself; it takes the workers with it that it still has. */
void forkserver_release(struct forkserver *fs);

/* Reads what it has said. */
void forkserver_read(struct forkserver *fs);

/* NULL is allowed; its process is not waited for. */
void forkserver_free(struct forkserver *fs);

/* The pool has another one: it stays until its workers have gone, and is freed then. */
void forkserver_supersede(struct forkserver *fs);

/* All of a pool's. */
void forkservers_release(struct pool *pool);
void forkservers_free(struct pool *pool);
bool forkservers_live(const struct pool *pool);

/* The pool has another one now. */
bool forkserver_is_former(const struct forkserver *fs);

/* Walks those of a pool: the one after `fs`, the first for NULL; NULL at the end. */
struct forkserver *forkserver_next(const struct pool *pool, const struct forkserver *fs);

/* ---- of all pools */

/* NULL: this is none. */
struct forkserver *forkserver_find(const struct supervisor *sup, pid_t pid);

/* Reads what they have said: before the exit of a child that nobody knows is looked at. */
void forkservers_read(struct supervisor *sup);

/* A worker is being made. */
bool forkservers_are_busy(const struct supervisor *sup);
/* Some code is being loaded. */
bool forkservers_are_loading(const struct supervisor *sup);

#endif
