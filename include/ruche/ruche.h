/* SPDX-License-Identifier: MIT */
#ifndef RUCHE_H
#define RUCHE_H

/*
 * libruche: the C client of ruched.
 *
 * A handle is one connection with any number of calls under way.  There is a
 * blocking side (ruche_call, ruche_wait) and one for event loops (ruche_submit,
 * ruche_fd, ruche_events, ruche_process, ruche_next); both may be mixed.
 *
 * Threads: a handle belongs to one thread at a time; different handles are
 * independent.  The library never prints, never exits, never raises SIGPIPE,
 * installs no signal handler and keeps no global state.
 *
 * Errors: functions return 0 (or another documented non-negative outcome), or a
 * negative errno.  NULL where a pointer is needed is -EINVAL (0, NULL or
 * RUCHE_FAILED from the few that return no errno).  -ENOMEM is possible wherever
 * something is kept, and changes nothing.  That a *task* failed is not an error of
 * these functions: it is told by its reply.
 *
 * Every call that was submitted gets exactly one reply: when the daemon goes
 * away, those still open are answered by the library with RUCHE_DISCONNECTED.
 * From then on nothing can be submitted: -ECONNRESET.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ruche/codes.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ruche;       /* a connection */
struct ruche_reply; /* the end of one call: a result or an error */

/* ---- connections ---------------------------------------------------------------- */

/*
 * Connects to a daemon.  `path` is its socket, "@name" an abstract one; NULL is that of
 * $RUCHE_SOCKET, or else the first with a daemon of $XDG_RUNTIME_DIR/ruche/ruche.sock and
 * /run/ruche/ruche.sock.  Blocks for the connect() alone.  -ENOENT or -ECONNREFUSED: no
 * daemon there.  The caller owns *ret and ends it with ruche_close().
 *
 * Inside a task, which finds $RUCHE_TASK, the connection says first whose calls these are.
 */
int ruche_open(const char *path, struct ruche **ret);

/* How to start a daemon of one's own; zeroed means defaults. */
struct ruche_private {
	unsigned int workers; /* 0: one for each usable core */
	const char *const
		*plugins;   /* NULL-terminated paths loaded besides the installed ones, or NULL */
	const char *daemon; /* the ruched to start; NULL: $RUCHE_DAEMON, else the installed one */
};

/*
 * Starts a daemon for this handle alone, over a socket that has no name.  It
 * ends, with its workers and their children, when the handle is closed or its
 * process dies.  `options` may be NULL.  Blocks until the daemon was started, not
 * until its workers are ready.  -ENOENT: no ruched there.
 */
int ruche_open_private(const struct ruche_private *options, struct ruche **ret);

/*
 * Closes the connection and frees the handle with every reply not yet fetched.
 * Calls still under way are cancelled by the daemon.  Does not block, except after
 * ruche_open_private(), where it waits for the daemon to end.  NULL is allowed.
 */
void ruche_close(struct ruche *ruche);

/* ---- calls ---------------------------------------------------------------------- */

/*
 * Arguments are given by a string of types, one letter each, and as many values:
 *
 *	i  int64_t		u  uint64_t		d  double
 *	b  int (a truth)	s  const char * (UTF-8)	n  (nil; takes no value)
 *	y  const void *, size_t (binary)
 *	m  const void *, size_t (exactly one packed MessagePack value, copied as it is)
 *
 * "" is no arguments.  Mind the casts: (int64_t)1, not 1.  An unknown letter, or
 * bytes under `m` that are not one value, is -EINVAL.
 */

/*
 * Calls a function and waits for its end.  0: *ret is its reply, which the
 * caller frees with ruche_reply_free(); whether the task succeeded is in there.
 * `function` has 1 to 255 bytes, else -EINVAL.  Should -ENOMEM come only after it
 * was submitted, the call is cancelled and its reply comes by ruche_next().
 */
int ruche_call(struct ruche *ruche, struct ruche_reply **ret, const char *function,
	const char *types, ...);

/*
 * Starts a call and returns at once with its id, which is never 0.  It is kept, to be
 * sent by ruche_process() or any blocking function, many calls in one write; when
 * 64 KiB or a tenth of a millisecond have come together, ruche_submit() itself sends
 * what can be sent without blocking.  -EMSGSIZE: over ruche_frame_max(), nothing was
 * sent.
 */
int ruche_submit(
	struct ruche *ruche, uint32_t *ret_id, const char *function, const char *types, ...);

/* The same with the arguments packed already: `args` is one MessagePack array. */
int ruche_submit_packed(struct ruche *ruche, uint32_t *ret_id, const char *function,
	const void *args, size_t args_len);

/* A command to be run by a worker. */
struct ruche_command {
	const char *const
		*argv;   /* NULL-terminated; argv[0] is looked up in the command's PATH; no shell */
	const char *cwd; /* NULL: / */
	const char *const
		*env; /* NULL-terminated NAME=VALUE, the whole environment; NULL: the daemon's */
	const void *input; /* its stdin, copied; NULL and 0: nothing to read */
	size_t input_len;
	bool stream; /* its output is told to ruche_on_output() as it comes, not kept for the reply */
	bool stream_input; /* its stdin is fed by ruche_on_input() and ruche_send_input() */
};

/*
 * Starts a command as ruche_submit() starts a function.  The result is a map:
 * `exit_status` (int, or nil), `signal` (int, or nil), `stdout` and `stderr`
 * (binary; empty if streamed), `truncated` (true if either was cut).  That a
 * command ends with another status than 0 is a result, not an error.
 */
int ruche_submit_command(
	struct ruche *ruche, uint32_t *ret_id, const struct ruche_command *command);

/*
 * Asks for a call to be stopped: at once when it has not started, else by
 * `signal` (0: SIGTERM) to a command or by ruche_should_stop() to a function, and by
 * SIGKILL to it and its whole process tree after the daemon's grace period.  The
 * call still gets its one reply: RUCHE_CANCELLED, or its result if that came
 * first.  Returns at once.  -ENOENT: no such call is open.
 */
int ruche_cancel(struct ruche *ruche, uint32_t id, int signal);

/* ---- what may be asked of a call ------------------------------------------------- */

#define RUCHE_RETRY_ON(code) (1U << (code)) /* for RUCHE_CRASHED, RUCHE_TIMEOUT, RUCHE_FAILED */

/*
 * Zeroed means defaults; ruche-tasks(7) tells what each does.  Times are seconds, points
 * of time seconds since 1970.  Strings are copied.
 */
struct ruche_options {
	const char *pool;      /* NULL: the default pool, or that of "pool/function" */
	int priority;          /* -10 to 10, higher ones run first */
	double timeout;        /* of each run; then it is stopped: RUCHE_TIMEOUT */
	double deadline;       /* point of time, queueing and all attempts included */
	double expires;        /* not started so long after it was submitted: RUCHE_TIMEOUT */
	double delay, at;      /* not before: from now, or a point of time */
	unsigned int attempts; /* runs at the most; 0 and 1: one */
	unsigned int retry_on; /* RUCHE_RETRY_ON() of each code; 0: crashed alone */
	double backoff;    /* before the second run, doubled each time; 0: a tenth of a second */
	const char *key;   /* a second call of the same key gets the first one's answer */
	double key_window; /* how long after its end a key is remembered; 0: an hour */
	double keep;  /* ruche_task_submit(): how long its result is kept; 0: the daemon's time */
	bool detach;  /* ruche_task_submit(): it outlives the connection */
	bool no_wait; /* over a limit: RUCHE_BUSY at once, instead of waiting for room */
	const char *tag; /* for people who look at the daemon's tasks */
	bool process; /* in a worker of its own, outside the pool's slots, see ruche_process_start() */
};

/*
 * ruche_call() and ruche_submit() with options (NULL: none).  An option out of range is
 * told by the reply, RUCHE_BAD_ARGUMENTS.
 */
int ruche_apply(struct ruche *ruche, struct ruche_reply **ret, const struct ruche_options *options,
	const char *function, const char *types, ...);
int ruche_apply_async(struct ruche *ruche, uint32_t *ret_id, const struct ruche_options *options,
	const char *function, const char *types, ...);
int ruche_apply_packed(struct ruche *ruche, uint32_t *ret_id, const struct ruche_options *options,
	const char *function, const void *args, size_t args_len);
int ruche_apply_command(struct ruche *ruche, uint32_t *ret_id, const struct ruche_options *options,
	const struct ruche_command *command);

/*
 * Without fetching its reply: has this call ended?  1, 0, or -ENOENT: no such call is
 * open.  And did it end with a result?  1, 0, or -EAGAIN while it has not ended.  Neither
 * blocks nor reads from the daemon.
 */
int ruche_ready(const struct ruche *ruche, uint32_t id);
int ruche_successful(const struct ruche *ruche, uint32_t id);

/*
 * Waits until one of `count` calls has ended, and tells which (the first of them), or until all
 * have; fetches nothing.  1; 0: time is up; -ENOENT: one of them is not open.
 */
int ruche_wait_any(
	struct ruche *ruche, const uint32_t *ids, size_t count, int timeout_ms, size_t *ret_index);
int ruche_wait_all(struct ruche *ruche, const uint32_t *ids, size_t count, int timeout_ms);

/* ---- tasks that are known by an id ------------------------------------------------ */

/*
 * A task that is submitted to the daemon and asked for later, from any connection of
 * the same user.  Its id is never 0 and never used again.  All of these block for the
 * daemon's answer.  They return 0, or a negative errno as ruche_call() does; what the daemon
 * says against it is in the reply: RUCHE_UNKNOWN_TASK, RUCHE_DENIED, …
 */

/*
 * *ret_task is the id and *ret is NULL; or it is 0 and *ret, which the caller frees, tells why it
 * was refused.  -EPROTO: the daemon gave no id.
 */
int ruche_task_submit(struct ruche *ruche, uint64_t *ret_task, struct ruche_reply **ret,
	const struct ruche_options *options, const char *function, const char *types, ...);
int ruche_task_submit_packed(struct ruche *ruche, uint64_t *ret_task, struct ruche_reply **ret,
	const struct ruche_options *options, const char *function, const void *args,
	size_t args_len);
int ruche_task_submit_command(struct ruche *ruche, uint64_t *ret_task, struct ruche_reply **ret,
	const struct ruche_options *options, const struct ruche_command *command);

/*
 * Waits for its end: *ret is what ruche_call() would have given; RUCHE_PENDING if it has not
 * ended after `timeout_ms` (< 0: for ever).  Can be asked again and again, as long as the
 * result is kept.
 */
int ruche_task_result(struct ruche *ruche, uint64_t task, int timeout_ms, struct ruche_reply **ret);

/*
 * Waits until all, or any, of `count` tasks have ended, or for `timeout_ms`.  *ret: an array of
 * those ids that have, in the order given.
 */
int ruche_task_wait(struct ruche *ruche, const uint64_t *tasks, size_t count, bool any,
	int timeout_ms, struct ruche_reply **ret);

/*
 * As ruche_cancel().  *ret: the string "cancelled" (it had not started), "stopping" (it was asked
 * to), or "finished" (the result came first).
 */
int ruche_task_cancel(struct ruche *ruche, uint64_t task, int signal, struct ruche_reply **ret);

/* *ret: a map that tells all about it, see ruche-protocol(7). */
int ruche_task_status(struct ruche *ruche, uint64_t task, struct ruche_reply **ret);

/*
 * The output of a submitted command that streams: what there is, and with `follow` what
 * comes until its end, is told to `on_output`, which may be NULL.
 */
int ruche_task_log(struct ruche *ruche, uint64_t task, bool follow,
	void (*on_output)(void *user, int stream, const void *data, size_t len), void *user,
	struct ruche_reply **ret);

/* ---- one function, many items ----------------------------------------------------- */

struct ruche_map; /* a map under way */

/* Zeroed means defaults. */
struct ruche_map_options {
	const struct ruche_options *call; /* for each task; NULL: none */
	size_t chunk;                     /* items in one task; 0: chosen from how long they take */
	size_t window;                    /* items taken in and not yet handed out; 0: chosen */
	bool unordered;                   /* results as they come, not in the order of the items */
	bool star; /* each item is an array of all arguments, not the only argument */
};

/*
 * A map calls one function for each of many items, and hands out exactly one reply for each item
 * that it took in, with its index; what ruche_reply_id() gives of them is 0.  Memory is bounded
 * by the window, however many items there are.  Its calls are its own: ruche_next(),
 * ruche_wait(), ruche_pending() and the callbacks know nothing of them.
 *
 * Many items may travel as one task, a chunk.  By default their number grows from 1 as long as
 * a chunk takes no more than about a millisecond; slow items go alone, as do those with options
 * that are for one run (timeout, deadline, expires, delay, at, attempts, key).  With `chunk`
 * given, such options are for the whole chunk.  A worker may answer a part of a chunk; the rest,
 * which was not started, is sent again.
 *
 * When a chunk ends with an error, the items that had ended have their results, the one
 * that ran has the error, and those behind it, which were not started, are sent again: one
 * crash costs one item.  Where the error does not tell how far the chunk came, each item has
 * it, `executed` included; nothing is run a second time on a guess.  A pool that does not know
 * chunks gets single items.
 *
 * What cannot be sent is told by the reply: RUCHE_TOO_LARGE, or RUCHE_BAD_ARGUMENTS (nested too
 * deeply; no array, with `star`).
 */

/*
 * The next item: one packed MessagePack value, borrowed until the next call.  1; 0: there
 * are no more; -EAGAIN: none just now, to be asked again by the next ruche_map_next(), which
 * returns 0 rather than block when nothing is under way; or another negative errno, which
 * ends the map.  It may start calls and cancel the map, but neither free nor wait for it.
 */
struct ruche_items {
	int (*next)(void *user, const void **ret, size_t *ret_len);
	void *user;
};

/*
 * Starts a map and returns at once.  Items are asked for as room comes, at most `window`
 * ahead, inside ruche_map_next(), which does not keep a reply waiting for a source that is
 * slow.  `ruche` must outlive it; other calls may go on beside it.  *ret is ended with
 * ruche_map_free().  -ECONNRESET: the daemon has gone.
 */
int ruche_imap(struct ruche *ruche, struct ruche_map **ret, const struct ruche_map_options *options,
	const char *function, const struct ruche_items *items);
int ruche_imap_unordered(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function,
	const struct ruche_items *items);
/*
 * The same over a packed array of items, which is borrowed until the map is freed.  It goes on
 * in whatever reads from the daemon, ruche_process() for one, and keeps all replies unless
 * `window` is given.
 */
int ruche_map_async(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len);

/*
 * Waits for the next reply: 1, *ret_index (from 0; may be NULL) and *ret, which the caller
 * frees: one for each item, failed or not.  0: time is up.  -ENOENT: there are no more.  When all
 * that was taken in is handed out: what ended the source; -EINVAL if that was an item which is not
 * one value; -ECONNRESET if the daemon went away before the last item was asked for.
 * -EBUSY: inside a callback or the map's own source.
 */
int ruche_map_next(
	struct ruche_map *map, int timeout_ms, size_t *ret_index, struct ruche_reply **ret);

/* Have all items ended that were taken in, and are there no more?  1 or 0; does not block. */
int ruche_map_ready(const struct ruche_map *map);

/* Takes no more items and cancels those under way; their replies still come. */
void ruche_map_cancel(struct ruche_map *map);

/* Cancels what is under way and drops its replies.  NULL is allowed. */
void ruche_map_free(struct ruche_map *map);

/*
 * All at once: blocks until every item has ended.  `items` is a packed array; *ret an array of its
 * length of replies in the items' order, to be freed with ruche_replies_free().
 * ruche_starmap() takes an array of arrays of arguments.  After a negative errno there are no
 * replies, and what was under way is cancelled.
 */
int ruche_map(struct ruche *ruche, struct ruche_reply ***ret, size_t *ret_count,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len);
int ruche_starmap(struct ruche *ruche, struct ruche_reply ***ret, size_t *ret_count,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len);
void ruche_replies_free(struct ruche_reply **replies, size_t count);

/* ---- replies -------------------------------------------------------------------- */

/*
 * Waits for a reply: of call `id`, or of any call if `id` is 0.  `timeout_ms` < 0
 * waits for ever, 0 not at all.  1: *ret is the reply, which the caller frees.  0:
 * time is up.  -ENOENT: no such call is open (with 0: none at all).  Signals do not
 * end it early.
 */
int ruche_wait(struct ruche *ruche, uint32_t id, int timeout_ms, struct ruche_reply **ret);

/* For event loops: poll ruche_fd() for ruche_events() (POLLIN, POLLOUT), then ruche_process(). */
int ruche_fd(const struct ruche *ruche);
short ruche_events(const struct ruche *ruche);

/*
 * Sends and reads what can be without blocking and runs the callbacks below.
 * 0, also after the daemon went away (its open calls are then answered), or
 * -ECONNRESET when it has gone and no reply is left to fetch.
 */
int ruche_process(struct ruche *ruche);

/*
 * Sends what can be without blocking, and reads nothing: spares who has submitted and is about to poll a read that finds
 * nothing.  What is left ruche_events() tells.  0, or -ECONNRESET: nothing is sent any more; replies may still come.
 */
int ruche_flush(struct ruche *ruche);

/* The oldest finished reply not fetched yet, without blocking: 1 and *ret, or 0. */
int ruche_next(struct ruche *ruche, struct ruche_reply **ret);

/* How many calls are open: submitted, their reply not yet fetched. */
size_t ruche_pending(const struct ruche *ruche);

void ruche_reply_free(struct ruche_reply *reply); /* NULL is allowed */

uint32_t ruche_reply_id(const struct ruche_reply *reply);

/* RUCHE_OK, or why there is no result. */
enum ruche_code ruche_reply_code(const struct ruche_reply *reply);

/*
 * The result.  0, or -EINVAL if it is of another type or does not fit (or there
 * is none).  Pointers are valid until the reply is freed.
 */
int ruche_reply_int64(const struct ruche_reply *reply, int64_t *ret);
int ruche_reply_uint64(const struct ruche_reply *reply, uint64_t *ret);
__extension__ int ruche_reply_int128(const struct ruche_reply *reply, __int128 *ret);
int ruche_reply_double(const struct ruche_reply *reply, double *ret); /* integers too */
int ruche_reply_bool(const struct ruche_reply *reply, bool *ret);
/*
 * Text or binary; not NUL-terminated.  A long one may lie in memory that is shared with the daemon's workers, and
 * then a multiple of 64 is its address: read it, and free the reply when that is done, so that the memory can be used again.
 */
int ruche_reply_bytes(const struct ruche_reply *reply, const char **ret, size_t *ret_len);
/* The result as it came: one packed MessagePack value. */
int ruche_reply_packed(const struct ruche_reply *reply, const void **ret, size_t *ret_len);

/* All there is to know about a failure.  Strings are never NULL. */
struct ruche_error {
	enum ruche_code code;
	const char *message;          /* one line for people */
	enum ruche_executed executed; /* RUCHE_EXECUTED_NO alone is safe to try again */
	int signal;                   /* that ended the worker or command, or 0 */
	int exit_status;              /* it ended with, or -1 */
	const char *output;           /* the last lines the worker wrote to stderr, or "" */
	uint64_t peak_memory;         /* of the worker or command in bytes, or 0 */
	unsigned int attempts;        /* how often it was started */
	double queued_for;            /* seconds that it waited, pauses between attempts included */
	double ran_for;               /* seconds that it ran, all attempts together */
	const char *
		cause; /* a word for why the worker died, "out_of_memory", or "" if no more is known */
};

enum { RUCHE_ERROR_TEXT_MAX = 320 };

/*
 * What is known besides the message, in one line: "crashed; executed: maybe; signal 11 (SIGSEGV);
 * attempts: 3; queued 0.002 s, ran 1.250 s; peak memory 3.1 MiB".  Writes at most `size` bytes with the
 * ending NUL, and returns `text`.
 */
const char *ruche_error_describe(const struct ruche_error *error, char *text, size_t size);

/* The error, valid until the reply is freed; NULL for a success. */
const struct ruche_error *ruche_reply_error(const struct ruche_reply *reply);

/* ---- while a task runs ---------------------------------------------------------- */

/*
 * Callbacks run inside ruche_process() and whatever blocks, must not close the handle, and
 * may start and cancel calls; what blocks, and ruche_process(), is -EBUSY in them.
 * NULL turns one off.
 */

/* A piece of a streamed command's stdout (stream 1) or stderr (2), valid during the callback. */
void ruche_on_output(struct ruche *ruche,
	void (*on_output)(void *user, uint32_t id, int stream, const void *data, size_t len),
	void *user);

/* ruche_progress() of a running function. */
void ruche_on_progress(struct ruche *ruche,
	void (*on_progress)(void *user, uint32_t id, double value), void *user);

/* A command of `stream_input` can take up to `room` bytes more on its stdin. */
void ruche_on_input(
	struct ruche *ruche, void (*on_input)(void *user, uint32_t id, size_t room), void *user);

/*
 * Gives a command of `stream_input` bytes for its stdin, copied, no more than on_input
 * granted in all (-EAGAIN); `len` 0 ends its stdin.  Returns at once; what comes after
 * the command's end is dropped.  -ENOENT: no such call is open.
 */
int ruche_send_input(struct ruche *ruche, uint32_t id, const void *data, size_t len);

/* ---- names ---------------------------------------------------------------------- */

const char *ruche_code_name(enum ruche_code code); /* "crashed"; "unknown" out of range */
const char *ruche_executed_name(enum ruche_executed executed); /* "maybe"; "unknown" out of range */
size_t ruche_frame_max(void);                                  /* bytes in one request or reply */
const char *ruche_version(void);

/*
 * Reads one packed value as an integer, be it of 64 bits or ruche's wide one:
 * 0, or -EINVAL.  And packs one: writes at most 18 bytes to `buf` and returns
 * how many.
 */
__extension__ int ruche_unpack_int128(const void *data, size_t len, __int128 *ret);
__extension__ size_t ruche_pack_int128(__int128 value, void *buf);

#ifdef __cplusplus
}
#endif

#endif
