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
#include "supervisor/cgroup.h"
#include "supervisor/kit.h"
#include "supervisor/tail.h"
#include "wire/link.h"
#include "wire/scan.h"

struct cgroup;
struct forkserver;
struct message_error;
struct pool;
struct session;
struct supervisor;

#define WORKER_START_LIMIT                                                                         \
	(60 * CLOCK_S) /* from fork to ready: a plugin's init may take its time */

struct worker {
	struct supervisor *sup;
	struct pool *pool;
	struct forkserver *forkserver; /* that made it */
	struct slot *slot;
	pid_t pid;            /* 0: none yet */
	struct cgroup *group; /* that it has to itself; NULL: none */
	uint64_t memory_max;  /* of that; 0: no limit */
	struct kit kit;       /* what it shares with us */
	struct event on_results, on_output, on_tasks_room;
	uint64_t timer_at;  /* ns; to when the timer is set; 0: it is not */
	struct event timer; /* the grace period, the start limit, or the wait for a retry */

	struct buf out, in;
	struct scan scan;
	struct tail tail;       /* the last it wrote to stdout and stderr */
	uint32_t seq;           /* of the last task handed to it */
	uint32_t last_answered; /* seq of the last task that it answered */
	uint32_t last_taken;    /* and of the last whose answer was taken before it came; 0: none */
	uint32_t answered;      /* in the present read of its results */
	bool in_hand;           /* its answers are being dealt with: not to be caught up with now */
	bool ready;             /* it said so, which may come before its pid is known */
	bool faulty;            /* broke the rules: what it says does not count */
	bool useful;            /* it started a task, or lived for a while */
	bool worn_out;          /* asks to be replaced */
	bool is_killed;         /* by us, which was told */
	bool dirty;             /* has something to be written */
	struct ref blocked_on;  /* a session that takes no more of a stream */
	uint64_t forked_at;
	struct session *nested; /* those connections */

	char problem[512];    /* what it said before it gave up, or what we make of it */
	char last_death[400]; /* of the worker before this one */
};

/* Room for one worker for each slot of the pool.  0 or -ENOMEM. */
int workers_init(struct pool *pool);
/* Before its slot is first used; may be called again. */
void worker_init(struct pool *pool, struct slot *slot);
void workers_fini(struct pool *pool);

/* Whose task this is, which must be TASK_HANDED. */
struct worker *worker_of(struct supervisor *sup, const struct task *task);

/* What goes with a fork request. */
struct worker_ends {
	int fds[LINK_FDS_MAX];
	size_t count, groups; /* of all; of groups among them */
};

/* None yet, those of a kit first. */
#define WORKER_ENDS_NONE                                                                           \
	((struct worker_ends){                                                                     \
		.fds = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}, .count = LINK_WORKER_FDS})
void worker_ends_close(struct worker_ends *ends);

/* Is it to have a control group to itself? */
bool worker_has_group(const struct worker *worker);
/*
 * If so, makes that, for a worker of this birth, and adds its descriptors to `ends`.  0; or a negative errno, and `why` is told: then there
 * is none.
 */
int worker_make_group(struct worker *worker, uint32_t birth, struct worker_ends *ends,
	char why[CGROUP_ERROR_MAX]);
void worker_drop_group(struct worker *worker);

/* A new one, whose slot was empty, begins with this kit, which is taken. */
void worker_begin(struct worker *worker, struct kit *kit);
/*
 * One of an earlier daemon, whose fields and descriptors are set: it is listened to from now on.  0, or a negative
 * errno: its page cannot be mapped.
 */
int worker_restore(struct worker *worker, bool is_read, bool is_heard);
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

/* The task was handed to a worker that has not started it and never will. */
void worker_put_back(struct supervisor *sup, struct task *task);

/* What it has not started goes back to the front of the queue, in the order it had. */
void worker_requeue_unstarted(struct worker *worker);
/* The same from this entry of its slot on. */
void worker_requeue_from(struct worker *worker, uint32_t first);

/*
 * Asks it to stop the task it has started, and kills it if that takes longer than the grace
 * period.  The task's own calls are stopped as well.
 */
void worker_request_stop(struct worker *worker, const struct task *task);

/* Bytes (a packed value) for the stdin of its command; false if more than `max` are on their way. */
bool worker_feed(struct worker *worker, const struct task *task, const uint8_t *value, size_t len,
	size_t max);

/* Kills it and all it started; `why` is for the log and for `ruche workers`. */
void worker_kill(struct worker *worker, const char *why);

/* Its one timer: to that many ns from now; or off. */
void worker_set_timer(struct worker *worker, uint64_t ns);
void worker_clear_timer(struct worker *worker);

/* The part of it that needs the pid. */
void worker_end_process(struct worker *worker);

/* Lets it end by itself: no more tasks will come. */
void worker_release(struct worker *worker);

/* Lets it go as soon as it has nothing to do; its slot is then absent. */
void worker_leave(struct worker *worker);

/* Its slot, which has no worker and none on its way, is absent from now on. */
void worker_dismiss(struct worker *worker);

/* The task that it runs, or will next; NULL: none. */
struct task *worker_head(struct worker *worker);

/* Of the command that its task is, as the worker tells it, 0 before that; or of the worker itself. */
pid_t worker_task_pid(const struct worker *worker, const struct task *task);

/* Streams to this session may go on. */
void workers_unblock(struct supervisor *sup, struct ref session);
/* Writes what is to be written. */
void workers_flush(struct supervisor *sup);

#endif
