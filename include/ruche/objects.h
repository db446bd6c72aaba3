/* SPDX-License-Identifier: MIT */
#ifndef RUCHE_OBJECTS_H
#define RUCHE_OBJECTS_H

/*
 * Queues, locks, events, conditions, barriers, pipes, shared values and processes, which belong to the daemon:
 * known by a name to all programs of one user, and released when whoever holds them dies.  ruche-objects(7)
 * tells what each does; everything of ruche.h holds here too.
 *
 * A handle (a connection) is the holder: two handles of one process are two holders.  Objects must be closed
 * before their handle is, or with it: ruche_close() closes those that are still open, and frees them.
 *
 * Functions that wait take `timeout_ms`: < 0 waits for ever, 0 does not wait.  Unless it says otherwise a
 * function blocks for the daemon's answer and returns 0, or a negative errno:
 *
 *	-ETIMEDOUT	time is up			-EAGAIN		it would have to wait, and may not; or a limit of the user
 *	-ENOENT		there is no such object, function or task	-EEXIST		there is one already
 *	-EPERM		not held by this handle		-EACCES		the daemon does not allow it
 *	-EDEADLK	all would wait for each other	-EIDRM		somebody has removed the object
 *	-EPIPE		a queue that is ended, a broken barrier, a pipe whose other end has gone
 *	-EINVAL		a NULL, another kind of object, an option that is not to be had
 *	-ECONNRESET	the daemon has gone		-EBUSY		inside a callback of ruche.h
 *	-EPROTO		the daemon's answer is none	-EMSGSIZE	over ruche_frame_max()
 *	-ECANCELED	the task that this runs in is to stop; or what waits was cancelled
 *
 * ruche_last_error() then has the daemon's words.
 */

#include <ruche/ruche.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ruche_object; /* a queue, lock, rlock, semaphore, event, condition or barrier in use */
struct ruche_pipe;   /* one end of a pipe */
struct ruche_value;  /* shared memory */
struct ruche_child;  /* a process of one's own, see ruche_process_start() */

/*
 * What the daemon said against the last function of this header that was to ask it on the handle, also that it has gone; NULL: nothing.
 * Valid until the next such function.  Those that pass messages at a pipe or work in a value's memory ask nobody.
 */
const struct ruche_error *ruche_last_error(const struct ruche *ruche);

/* ---- all kinds -------------------------------------------------------------------- */

enum ruche_kind {
	RUCHE_QUEUE,
	RUCHE_LOCK,
	RUCHE_RLOCK, /* its holder may acquire it again, and releases it as often */
	RUCHE_SEMAPHORE,
	RUCHE_EVENT,
	RUCHE_CONDITION,
	RUCHE_BARRIER,
	RUCHE_PIPE,
	RUCHE_VALUE,
	RUCHE_KIND_COUNT
};

/* "queue", "rlock"; "unknown" out of range. */
const char *ruche_kind_name(enum ruche_kind kind);

/* Zeroed means defaults.  What contradicts an object that is there is -EINVAL. */
struct ruche_object_options {
	bool exclusive;       /* make a new one; -EEXIST if there is one */
	bool existing;        /* make none; -ENOENT if there is none */
	bool persistent;      /* when it is made: it stays until it is removed */
	size_t maxsize;       /* queue: items in it at the most; 0: no bound */
	unsigned int value;   /* semaphore: units; 0: one */
	unsigned int parties; /* barrier: how many meet there */
	bool one_way;         /* pipe: end 0 receives, end 1 sends */
};

/*
 * Opens an object, making it if there is none.  `kind` is none of RUCHE_PIPE and RUCHE_VALUE, which have functions of
 * their own below.  `name`: 1 to 255 bytes.  `options` may be NULL.  The caller ends *ret with ruche_object_close().
 */
int ruche_object_open(struct ruche *ruche, struct ruche_object **ret, enum ruche_kind kind,
	const char *name, const struct ruche_object_options *options);

/* Gives back what the handle holds there, and frees `object`.  Sends, but does not wait.  NULL is allowed. */
void ruche_object_close(struct ruche_object *object);

/* Its name is free at once; whoever waits there gets -EIDRM. */
int ruche_object_remove(struct ruche *ruche, const char *name);

/* *ret, for the caller to free: an array of maps, or one map, see ruche-protocol(7). */
int ruche_objects(struct ruche *ruche, struct ruche_reply **ret);
int ruche_object_status(struct ruche *ruche, const char *name, struct ruche_reply **ret);

/* ---- queues ----------------------------------------------------------------------- */

/*
 * Each of these functions waits for the daemon's answer, tens of microseconds.  Who passes many items packs them together
 * (put_many, get_many), or has many requests under way: ruche_submit(ruche, &id, "ruche.queue.put", "sy", name, data, len),
 * or "ruche.queue.get" with the name alone, while the queue is open on the handle.  They are answered in the order in which they
 * were submitted, also if they have to wait, and all that was got by the time that the process dies counts as taken.
 *
 * `types` and what follows are as for ruche_submit(): one letter is that value, several are an array of them, none
 * is nil.  0 means that the daemon has it.
 */
int ruche_queue_put(struct ruche_object *queue, int timeout_ms, const char *types, ...);
int ruche_queue_put_packed(
	struct ruche_object *queue, int timeout_ms, const void *item, size_t item_len);
/* Of one packed array: *ret_count of its items, the first, are in the queue, also after a negative errno. */
int ruche_queue_put_many(struct ruche_object *queue, int timeout_ms, const void *items,
	size_t items_len, size_t *ret_count);

/* The item is the result of *ret, which the caller frees.  If this process dies it counts as taken. */
int ruche_queue_get(struct ruche_object *queue, int timeout_ms, struct ruche_reply **ret);
/* An array of 1 to `max` items: as many as there are once there is one. */
int ruche_queue_get_many(
	struct ruche_object *queue, size_t max, int timeout_ms, struct ruche_reply **ret);

/*
 * The same, but it stays this handle's until it is acknowledged: if it is not by the time that the handle is closed, or its
 * process dead, the item stands at the front of the queue again.
 */
int ruche_queue_get_ack(
	struct ruche_object *queue, int timeout_ms, uint64_t *ret_token, struct ruche_reply **ret);
int ruche_queue_ack(struct ruche_object *queue, uint64_t token);       /* -EPERM: not its own */
int ruche_queue_give_back(struct ruche_object *queue, uint64_t token); /* likewise */

/* `count` items got without acknowledgement have been dealt with. */
int ruche_queue_task_done(struct ruche_object *queue, size_t count);
/* Waits until all that was put has been acknowledged or dealt with. */
int ruche_queue_join(struct ruche_object *queue, int timeout_ms);
int ruche_queue_size(struct ruche_object *queue, size_t *ret);
/* Takes no more: put is -EPIPE from now on, and get when nothing is left. */
int ruche_queue_end(struct ruche_object *queue);

/* ---- locks ------------------------------------------------------------------------ */

enum {
	RUCHE_ABANDONED = 1
}; /* it is held, but its last holder died with it: what it protects may be half changed */

/*
 * Of a lock, an rlock, a condition, or one unit of a semaphore.  0 or RUCHE_ABANDONED: it is held.  -EDEADLK: only without
 * a time limit; ruche_last_error() names all who wait for each other, and what each holds.
 */
int ruche_acquire(struct ruche_object *lock, int timeout_ms);
int ruche_release(struct ruche_object *lock);

/* ---- events, conditions, barriers --------------------------------------------------- */

int ruche_event_set(struct ruche_object *event);
int ruche_event_clear(struct ruche_object *event);
int ruche_event_wait(struct ruche_object *event, int timeout_ms);
int ruche_event_is_set(struct ruche_object *event); /* 1 or 0 */

/*
 * Lets go of the condition's lock, which must be held, and waits to be notified.  0 or RUCHE_ABANDONED, or -ETIMEDOUT:
 * the lock is held again, for which it waits however long that takes.
 */
int ruche_condition_wait(struct ruche_object *condition, int timeout_ms);
/* Wakes `count` of those who wait, 0: all.  The lock must be held. */
int ruche_condition_notify(struct ruche_object *condition, unsigned int count);

/*
 * Waits until as many as its parties do.  *ret_index, which may be NULL: from 0, the order in which they came.
 * -EPIPE: it is broken, since a member's time was up, or a member has died.
 */
int ruche_barrier_wait(struct ruche_object *barrier, int timeout_ms, unsigned int *ret_index);
int ruche_barrier_abort(struct ruche_object *barrier); /* breaks it */
int ruche_barrier_reset(struct ruche_object *barrier); /* mends it */

/* ---- pipes ------------------------------------------------------------------------ */

/*
 * Takes end 0 or 1 of a pipe, which each can be taken once (-EAGAIN), and makes the pipe if there is none.  What is sent
 * and received is values, not bytes.  The end is this process's own: the daemon has no part in what passes, and it
 * outlives the handle.  The caller ends *ret with ruche_pipe_close().
 */
int ruche_pipe_open(struct ruche *ruche, struct ruche_pipe **ret, const char *name, int end,
	const struct ruche_object_options *options);
void ruche_pipe_close(struct ruche_pipe *pipe); /* the other end sees it; NULL is allowed */

/*
 * The end, which nobody has taken, is for the call `id` of this handle, or else for `task`: its function takes it by
 * ruche_pipe_open().  If it has not when it ends, the end is closed and nobody waits at the other one.
 */
int ruche_pipe_hand(struct ruche *ruche, const char *name, int end, uint32_t id, uint64_t task);

/* Values as for ruche_queue_put().  Waits while the other end has too much unread.  -EPIPE: that has gone. */
int ruche_pipe_send(struct ruche_pipe *pipe, int timeout_ms, const char *types, ...);
int ruche_pipe_send_packed(struct ruche_pipe *pipe, int timeout_ms, const void *data, size_t len);
/* -EPIPE: the other end has gone, and all that it sent was received. */
int ruche_pipe_receive(struct ruche_pipe *pipe, int timeout_ms, struct ruche_reply **ret);
/* 1: ruche_pipe_receive() would not wait; 0: it would. */
int ruche_pipe_poll(struct ruche_pipe *pipe, int timeout_ms);
int ruche_pipe_fd(const struct ruche_pipe *pipe); /* for an event loop */

/* ---- shared values ------------------------------------------------------------------ */

enum ruche_type {
	RUCHE_INT8 = 1,
	RUCHE_UINT8,
	RUCHE_INT16,
	RUCHE_UINT16,
	RUCHE_INT32,
	RUCHE_UINT32,
	RUCHE_INT64,
	RUCHE_UINT64,
	RUCHE_FLOAT,
	RUCHE_DOUBLE,
	RUCHE_TYPE_COUNT
};

/* "int64"; "unknown" out of range.  And back: 0 if there is no such type. */
const char *ruche_type_name(enum ruche_type type);
enum ruche_type ruche_type_from_name(const char *name);
size_t ruche_type_size(enum ruche_type type); /* bytes; 0 out of range */

/*
 * `count` elements in memory that all who open it share.  When it is made they are copied from `initial`, or are zero
 * if that is NULL.  The memory stays this process's until ruche_value_close(), with the handle or without; the name and its being
 * shared with newcomers end with the last handle that has it open.
 */
int ruche_value_open(struct ruche *ruche, struct ruche_value **ret, const char *name,
	enum ruche_type type, size_t count, const void *initial,
	const struct ruche_object_options *options);
void ruche_value_close(struct ruche_value *value); /* NULL is allowed */

/* The elements themselves, for as long as it is open. */
void *ruche_value_data(struct ruche_value *value);
size_t ruche_value_count(const struct ruche_value *value);
enum ruche_type ruche_value_type(const struct ruche_value *value);

/*
 * The lock in that memory.  When nobody else has it neither makes a system call.  A thread is its holder.  0, or
 * RUCHE_ABANDONED: its last holder died with it.  -EDEADLK: this thread has it already.  -EPERM: it has not.
 */
int ruche_value_lock(struct ruche_value *value, int timeout_ms);
int ruche_value_unlock(struct ruche_value *value);

/*
 * One element, atomically, without the lock, and without waiting for whoever has that.  They return what it was
 * before; out of range they do nothing and return 0.  Those of int64 are for types of integers, the value converted
 * as by a cast; those of double are for all.
 */
int64_t ruche_value_get(const struct ruche_value *value, size_t index);
int64_t ruche_value_set(struct ruche_value *value, size_t index, int64_t to);
int64_t ruche_value_add(struct ruche_value *value, size_t index, int64_t by);
/* Sets it to `to` if it is `from`: 1 or 0. */
int ruche_value_swap(struct ruche_value *value, size_t index, int64_t from, int64_t to);
double ruche_value_get_double(const struct ruche_value *value, size_t index);
double ruche_value_set_double(struct ruche_value *value, size_t index, double to);
double ruche_value_add_double(struct ruche_value *value, size_t index, double by);

/* ---- processes --------------------------------------------------------------------- */

/*
 * Starts a function, or a command, as a process of its own: a task that waits for no slot of the pool, with everything else that
 * ruche_apply() does.  Returns when the daemon has it.  -EAGAIN: there are too many; it is not kept waiting, whatever
 * the options say.  The caller ends *ret with ruche_process_close().
 */
int ruche_process_start(struct ruche *ruche, struct ruche_child **ret,
	const struct ruche_options *options, const char *function, const char *types, ...);
int ruche_process_start_packed(struct ruche *ruche, struct ruche_child **ret,
	const struct ruche_options *options, const char *function, const void *args,
	size_t args_len);
int ruche_process_start_command(struct ruche *ruche, struct ruche_child **ret,
	const struct ruche_options *options, const struct ruche_command *command);

/* 0: it has ended; -ETIMEDOUT.  Then *ret, if not NULL, is its reply, owned by the child. */
int ruche_process_join(struct ruche_child *child, int timeout_ms, const struct ruche_reply **ret);
int ruche_process_is_alive(struct ruche_child *child); /* 1, from its start on, or 0 */
/* Of its worker, or of its command.  Also when it has ended.  -EAGAIN: it has not started yet, or never did. */
int ruche_process_pid(struct ruche_child *child, pid_t *ret);
/*
 * 0: *ret is how it ended: 0 for a function that returned a result and 1 for one that failed, a command's exit status, or -N when signal N
 * ended it; -SIGTERM also for a function that stopped because it was asked to.  -EAGAIN: it has not.
 */
int ruche_process_exitcode(struct ruche_child *child, int *ret);
uint64_t ruche_process_task(const struct ruche_child *child); /* its id */
int ruche_process_terminate(
	struct ruche_child *child);                /* SIGTERM, and after the grace period SIGKILL */
int ruche_process_kill(struct ruche_child *child); /* SIGKILL at once */
/*
 * Frees it; a process that still runs is stopped, unless it was started with `detach`.  NULL is allowed.  Those that are still open
 * ruche_close() closes and frees.
 */
void ruche_process_close(struct ruche_child *child);

/* ---- cores -------------------------------------------------------------------------- */

/* How many cores the workers of a pool may really use; NULL: the default pool. */
int ruche_cpu_count(struct ruche *ruche, const char *pool, unsigned int *ret);

#ifdef __cplusplus
}
#endif

#endif
