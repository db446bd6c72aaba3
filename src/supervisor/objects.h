/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_OBJECTS_H
#define SUPERVISOR_OBJECTS_H

/*
 * Objects and their users, see core/object.h: a session is a holder from its first ruche.open on.  Requests are read in
 * request_object.c and request_queue.c; here they get their answers.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/object.h"

struct session;
struct supervisor;
struct task;

void objects_set_up(struct supervisor *sup);
/* Limits of a config that is in force from now on. */
void objects_set_limits(struct supervisor *sup);
/* The daemon ends: who waits is told so. */
void objects_shut_down(struct supervisor *sup);

/* The session's own, made if there is none; NULL: no memory. */
struct holder *objects_holder(struct session *session);
/* The session has gone. */
void objects_end(struct session *session);
/* The task whose connection it is has ended, or is to: what waits is answered `cancelled`. */
void objects_stop(struct session *session);
/* The task has ended whose connection it is. */
void objects_release(struct session *session);

/* Ends a request that waits by its msgid, which is answered `cancelled`.  False: there is none. */
bool objects_cancel(struct session *session, uint32_t msgid);

const char *object_kind_name(enum object_kind kind);
/* OBJECT_KINDS: there is no such kind. */
enum object_kind object_kind_from_name(const char *name, size_t len);

/* ---- object_state.c, see upgrade.h; reading is in load.h */

struct state_writer;
void objects_save(struct state_writer *w, const struct supervisor *sup);

/* ---- object_report.c */

/* A map that tells all about it, as ruche.object does.  0 or the packer's error. */
int object_report(msgpack_packer *pk, const struct object *object);
/* All who would wait for each other, and for what, in words. */
void object_describe_circle(const struct holder *first, char *ret, size_t size);

/* ---- object_memory.c: what has descriptors */

/* Makes the memory of a new value of `type`, `size` elements, which begins with `len` bytes of `data`.  0 or a negative errno. */
int object_make_memory(struct object *value, const void *data, size_t len);
/* The two ends of a new pipe. */
int object_make_pipe(struct object *pipe);
/* The last that is done with it. */
void object_close_fds(struct object *object);

/* An end of a pipe that is there is taken when its taker comes, or closed when this task ends. */
void object_hand_end(struct object *pipe, int end, const struct task *task);
/* The caller's descriptor from now on; negative: somebody has it. */
int object_take_end(struct object *pipe, int end);
void objects_on_task_end(struct objects *objects, const struct task *task);

#endif
