/* SPDX-License-Identifier: MIT */
#ifndef WORKER_RIG_H
#define WORKER_RIG_H

/*
 * A supervisor in miniature: starts a real fork server with real plugins, forks workers
 * and speaks with them, one at a time and blocking.  Whatever takes longer than RIG_PATIENCE
 * fails the test.  $RUCHE_FORKSERVER names the program, else the one that was built here.
 */

#include <check.h>
#include <msgpack.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "wire/claim.h"

enum { RIG_PATIENCE = 20000 }; /* ms */

#define RIG_TUTORIAL "contrib/plugins/.libs/tutorial.so"
#define RIG_TEST_PLUGIN(name) "tests/plugins/.libs/" name ".so"

struct rig {
	pid_t forkserver;
	int link, error;   /* its stderr */
	const char *token; /* for the workers to come; NULL: "" */
	uint32_t next_id;
};

struct rig_worker {
	pid_t pid;
	int tasks, results, output;
	struct claim_page *page;
	uint32_t seq; /* of the last call */
	struct buf in;
};

/* One message; everything in it lives until the next one is read. */
struct rig_message {
	int64_t type;
	uint32_t id;
	char method[64];                      /* of a notification */
	const msgpack_object *params;         /* of a notification */
	const msgpack_object *error, *result; /* of a response */
};

/* Starts a fork server with some plugins, ended by NULL; does not wait for it. */
void rig_start(struct rig *rig, const char *const *plugins);
/* The same, and waits until it is ready. */
void rig_start_ready(struct rig *rig, const char *const *plugins);
/* A fork server with any command line, ended by NULL. */
void rig_start_with(struct rig *rig, const char *const *options);
void rig_expect_ready(struct rig *rig);
/* The next packet of the link. */
void rig_read_link(struct rig *rig, struct rig_message *ret);

/* A new worker that has said "ready". */
void rig_fork(struct rig *rig, struct rig_worker *ret, size_t frame_max);
/* The same, but its first message has not been read. */
void rig_fork_only(struct rig *rig, struct rig_worker *ret, size_t frame_max);
/* And by a request that is packed already; its id must be rig->next_id. */
void rig_fork_by(struct rig *rig, struct rig_worker *ret, const void *request, size_t len);
/* One that stands by, by a request that is packed already; *ret_go is where it gets its order, the caller's. */
void rig_stand_by(
	struct rig *rig, struct rig_worker *ret, const void *request, size_t len, int *ret_go);
/* Which this is. */
void rig_order(struct rig *rig, int go, size_t frame_max);
void rig_forget(struct rig_worker *worker); /* closes its pipes */
void rig_end(void);                         /* frees the last message */

/* The next frame of its result pipe; false: the pipe has ended. */
bool rig_read(struct rig_worker *worker, struct rig_message *ret);

/*
 * Hands a call to the worker and returns its number.  `types` has a letter for each
 * argument: i int64_t, d double, b int (a boolean), s const char *, v const msgpack_sbuffer *
 * (packed already).
 */
uint32_t rig_hand(struct rig_worker *worker, const char *method, const char *types, ...);
/* The same, and reads frames up to the response, which is the one to this call. */
void rig_call(struct rig_worker *worker, struct rig_message *ret, const char *method,
	const char *types, ...);
/* Sends a ruche.input: bytes, or nil if `data` is NULL. */
void rig_feed(struct rig_worker *worker, uint32_t seq, const void *data, size_t len);

/* As the supervisor stops a task. */
void rig_stop(struct rig_worker *worker, uint32_t seq, int signal);

/* Copies what is on its output pipe to stderr, for a worker that died without being asked to. */
void rig_show_output(const struct rig_worker *worker);

/* Waits for a process to end, as its parent, and returns its status. */
int rig_reap(pid_t pid);
/* Waits until a process is gone, or is a zombie. */
void rig_wait_gone(pid_t pid);

/* What error maps and result maps say. */
bool rig_error_is(const struct rig_message *message, const char *code, const char *executed);
const msgpack_object *rig_get(const msgpack_object *map, const char *key);
bool rig_text_is(const msgpack_object *object, const char *text);
bool rig_text_has(const msgpack_object *object, const char *part);

#endif
