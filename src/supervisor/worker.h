/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_WORKER_H
#define SUPERVISOR_WORKER_H

/*
 * The supervisor's side of one worker: its pipes, its claim page, and what becomes of its
 * tasks when it dies.  One for each slot, for as long as the pool lives; a new worker takes
 * the place of the one that died.
 *
 * Everything that comes from the worker is untrusted: frames are scanned, answers are taken
 * for the task at the head of the slot alone, and only if it was started.  A worker that
 * breaks these rules is killed.
 */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "core/slot.h"
#include "supervisor/tail.h"
#include "wire/claim.h"
#include "wire/link.h"
#include "wire/scan.h"

struct message_error;
struct supervisor;

#define WORKER_GRACE (5 * CLOCK_S) /* from being asked to stop a task to SIGKILL */
#define WORKER_START_LIMIT                                                                         \
	(60 * CLOCK_S) /* from fork to ready: a plugin's init may take its time */

struct worker {
	struct supervisor *sup;
	struct slot *slot;
	pid_t pid; /* 0: none yet */
	struct claim_page *claims;
	int tasks_fd, results_fd, output_fd;
	struct event on_results, on_output, on_tasks_room;
	struct event timer; /* the grace period, the start limit, or the wait for a retry */

	struct buf out, in;
	struct scan scan;
	struct tail tail;      /* the last it wrote to stdout and stderr */
	uint32_t seq;          /* of the last task handed to it */
	bool ready;            /* it said so, which may come before its pid is known */
	bool faulty;           /* broke the rules: what it says does not count */
	bool useful;           /* it started a task, or lived for a while */
	bool dirty;            /* has something to be written */
	struct ref blocked_on; /* a session that takes no more of a stream */
	uint64_t forked_at;

	char problem[512];    /* what it said before it gave up, or what we make of it */
	char last_death[400]; /* of the worker before this one */
};

/* One worker for each slot of the pool.  0 or -ENOMEM. */
int workers_init(struct supervisor *sup);
void workers_fini(struct supervisor *sup);

/* Makes pipes and claim page for a new worker; `ret` gets the worker's ends, owned by the caller. */
int worker_prepare(struct worker *worker, int ret[LINK_WORKER_FDS]);
/* The fork server made it. */
void worker_on_forked(struct worker *worker, pid_t pid);
/*
 * It was not made, or nobody knows what became of it.  RESTART_USELESS if that was no fault of the
 * worker's, so that it is tried again without end.
 */
void worker_on_fork_failed(struct worker *worker, enum restart_life life, const char *why);

/* Gives back all that the dead worker had and asks for another. */
void worker_bury(struct worker *worker, enum restart_life life);

/* It has ended and can be reaped: settles its tasks and makes room for the next. */
void worker_on_exit(struct worker *worker);
struct worker *worker_find(struct supervisor *sup, pid_t pid);

/* Hands it the task, which has left the queue. */
void worker_hand(struct worker *worker, struct task *task);

/*
 * Gets a task back that the worker has not started, to the front of the queue.  False: too late.
 */
bool worker_take_back(struct supervisor *sup, struct task *task);

/* What it has not started goes back to the front of the queue, in the order it had. */
void worker_requeue_unstarted(struct worker *worker);

/* Asks it to stop the task it has started, and kills it if that takes longer than the grace period. */
void worker_request_stop(struct worker *worker, const struct task *task);

/* Bytes (a packed value) for the stdin of its command; false if more than `max` are on their way. */
bool worker_feed(struct worker *worker, const struct task *task, const uint8_t *value, size_t len,
	size_t max);

/* Kills it and all it started; `why` is for the log and for `ruche workers`. */
void worker_kill(struct worker *worker, const char *why);

/* The part of it that needs the pid. */
void worker_end_process(struct worker *worker);

/* Lets it end by itself: no more tasks will come. */
void worker_release(struct worker *worker);

/* Streams to this session may go on. */
void workers_unblock(struct supervisor *sup, struct ref session);
/* Writes what is to be written. */
void workers_flush(struct supervisor *sup);

#endif
