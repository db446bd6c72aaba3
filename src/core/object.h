/* SPDX-License-Identifier: MIT */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

/*
 * Objects that connections share: queues, locks and their kin, pipes, shared memory.  What each is, who uses it, who waits
 * there, and what becomes of all that when somebody dies; without I/O and without a clock.
 *
 *	holder ──── use ──── object      a connection uses an object, and may hold something of it
 *	   └─────── want ───── lane      and waits there for what it cannot have yet, first come, first served
 *
 * Every request makes a want.  Either it can be had at once, or the want stands in its lane, and is tried again when
 * something has changed that it may wait for.  Its one answer goes out by a callback.
 *
 * A holder's end: its wants go, unanswered; what it holds is released, and the next one told; items that it has
 * not acknowledged stand in their queue again.  An object that nobody uses ends, unless it is persistent.
 *
 * object.c is what all kinds have in common, object_use.c who uses it, object_lock.c, object_signal.c and object_queue.c the
 * kinds, object_circle.c finds those who would wait for each other.
 */

#include <ruche/codes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/alarm.h"
#include "core/item_tree.h"
#include "core/task.h"
#include "core/user.h"

enum { OBJECT_NAME_MAX = 255 };

enum object_kind {
	OBJECT_QUEUE,
	OBJECT_LOCK,
	OBJECT_RLOCK,
	OBJECT_SEMAPHORE,
	OBJECT_EVENT,
	OBJECT_CONDITION,
	OBJECT_BARRIER,
	OBJECT_PIPE,
	OBJECT_VALUE,
	OBJECT_KINDS
};

enum want_kind {
	WANT_ACQUIRE, /* a lock, a unit, the lock of a condition */
	WANT_NOTIFY,  /* to be notified */
	WANT_GET,     /* items */
	WANT_PUT,     /* room for items */
	WANT_JOIN,    /* that nothing is unfinished */
	WANT_SET,     /* an event */
	WANT_PASS,    /* a barrier */
	WANT_KINDS
};

struct object;
struct use;

/* ---- who waits ---------------------------------------------------------------------- */

struct want {
	TAILQ_ENTRY(want) in_lane, of_holder, of_use;
	struct use *use;
	enum want_kind kind;
	uint32_t msgid;
	bool wants_answer;
	bool at_once; /* or not at all */
	bool single;  /* one item, not an array of them */
	bool ack;     /* get: items are to be acknowledged */
	bool is_late; /* acquire: what it was before, a wait for a notification, has run out of time */
	bool was_notified;
	uint32_t depth; /* acquire: so often, as it was held before */
	uint64_t max;   /* get: items, ... */
	size_t max_len; /* ... and bytes of all of them, but one in any case */
	uint64_t done;  /* put: so many are in the queue */
	uint64_t since; /* ns */
	struct alarm alarm;
	struct item_list items; /* put: that are not yet; get: that were got; owned */
};

TAILQ_HEAD(want_list, want);

/* ---- who uses it -------------------------------------------------------------------- */

struct holder {
	void *owner;
	TAILQ_HEAD(holder_uses, use) uses;
	struct want_list wants;
	/* While a circle is looked for. */
	uint64_t seen;
	struct holder *next_seen;
};

struct use {
	struct holder *holder;
	struct object *object;
	TAILQ_ENTRY(use) of_holder, of_object, of_owners;
	struct want_list wants;
	uint32_t opens;
	uint32_t held;  /* units; or how often, of what can be had again and again */
	uint64_t taken; /* items, without acknowledgement, that are not dealt with */
	struct item_tree unacked;
	uint64_t unacked_count;
};

TAILQ_HEAD(use_list, use);

/* ---- what is used ------------------------------------------------------------------- */

struct object_queue {
	struct item_list items;
	struct item_tree back; /* what was given back */
	uint64_t count, unfinished, last_token;
	bool ended;
};

struct object_lock {
	struct use_list owners;
	uint64_t held;
	bool abandoned; /* the next owner is to be told */
};

struct object {
	struct objects *all;
	struct user *user;
	enum object_kind kind;
	bool persistent, removed;
	bool set;      /* an event */
	bool broken;   /* a barrier */
	bool duplex;   /* a pipe */
	uint32_t type; /* of a value's elements */
	uint64_t size; /* at most so many items (0: no bound), units, parties; elements */
	size_t bytes;  /* of all that its user has to account for */
	int fds[2];    /* the ends of a pipe, the memory of a value; -1: none, not any more */
	struct ref handed[2]; /* the task that an end is for */
	TAILQ_ENTRY(object) link;
	struct use_list uses;
	uint32_t use_count;
	struct want_list lanes[WANT_KINDS];
	uint32_t waiting[WANT_KINDS];
	union {
		struct object_queue queue;
		struct object_lock lock;
	};
	size_t name_len;
	char name[];
};

TAILQ_HEAD(object_list, object);

/* What a want comes to. */
struct object_answer {
	enum ruche_code code;
	bool abandoned;
	uint64_t number;          /* items put; the index at a barrier */
	const struct item *first; /* `count` items that were got, one behind the other */
	uint64_t count;
	const struct holder
		*seen; /* RUCHE_DEADLOCK: all of the circle, by next_seen; the first is who asked */
};

struct objects {
	void *by_name, *by_use; /* trees of search.h */
	struct object_list list;
	struct users *users;
	struct alarms *alarms;
	uint64_t searches; /* for circles */
	uint32_t handed;   /* ends of pipes that are for tasks */
	int alarm_kind;    /* of wants */

	uint64_t user_objects, user_bytes; /* limits of each user */

	/* The one answer; the want is still whole and goes afterwards. */
	void (*answer)(const struct want *want, const struct object_answer *answer);
	/* It waits now, or does not any more. */
	void (*on_wait)(const struct holder *holder, bool waits);
	/* Once: nobody can open it any more. */
	void (*on_free)(struct object *object);
};

void objects_init(struct objects *objects, struct users *users, struct alarms *alarms);
void objects_fini(
	struct objects *objects); /* holders have ended before; frees what is persistent */

/* ---- uses ------------------------------------------------------------------------------ */

void holder_init(struct holder *holder, void *owner);
/* It has gone: nothing more is told to it. */
void holder_end(struct holder *holder);
/* As if it had gone, but what it has open it still has open: all that it holds is released, and it waits for nothing. */
void holder_release(struct holder *holder);

/* What an object is to be, or has to be. */
struct object_terms {
	enum object_kind kind;
	const char *name;
	size_t name_len;
	bool create, exclusive, persistent;
	uint64_t size; /* UINT64_MAX: it does not matter */
	uint32_t type; /* 0: likewise */
	int duplex;    /* negative: likewise */
};

/*
 * RUCHE_OK: *ret is it, to which one open more counts; else RUCHE_UNKNOWN_OBJECT, RUCHE_EXISTS, RUCHE_BAD_ARGUMENTS (another
 * kind, other terms) or RUCHE_BUSY (a limit, no memory).
 */
enum ruche_code object_open(struct objects *objects, struct holder *holder, struct user *user,
	const struct object_terms *terms, struct use **ret, bool *ret_created);
/* One open less; with the last one what it holds there goes back, and what it waits for is cancelled. */
void object_close(struct use *use);
/* No name leads to it any more, and all who wait are told. */
void object_remove(struct object *object);
/* All who wait anywhere are told. */
void objects_fail_all(struct objects *objects, enum ruche_code code);

struct use *object_find_use(const struct objects *objects, const struct holder *holder,
	const char *name, size_t name_len);
struct object *object_find(
	const struct objects *objects, const struct user *user, const char *name, size_t name_len);

/* More bytes, or fewer, for the account of its user.  False: that would be over the limit, and nothing has changed. */
bool object_charge(struct object *object, size_t bytes);
void object_discharge(struct object *object, size_t bytes);

/* ---- wants ------------------------------------------------------------------------------- */

/* Does objects of this kind serve such wants? */
bool object_serves(const struct object *object, enum want_kind kind);

/*
 * Answered now or later.  `like` has `use`, `kind`, `msgid`, `since` and what its kind needs, and its items are taken; `until`:
 * when its time is up, UINT64_MAX never.
 */
void object_ask(const struct want *like, uint64_t until);

/* Its time is up. */
void want_on_time(struct want *want);
/* False: none waits under this msgid. */
bool holder_cancel(struct holder *holder, uint32_t msgid);
/* All that it waits for. */
void holder_cancel_all(struct holder *holder);

/* One item of its queue, charged; NULL: no memory, or over the limit. */
struct item *item_new(struct object *queue, const void *data, size_t len);
void item_free(struct object *queue, struct item *item);
void items_free(struct object *queue, struct item_list *items);
void item_tree_free(struct object *queue, struct item_tree *tree); /* all that is in it */

/* ---- what needs no waiting ---------------------------------------------------------------- */

enum ruche_code object_release(struct use *use); /* or RUCHE_NOT_HELD */
enum ruche_code object_notify(
	struct use *use, uint64_t count, uint64_t *ret); /* or RUCHE_NOT_HELD */
void object_set(struct object *event, bool set);
void object_break(struct object *barrier);
void object_mend(struct object *barrier); /* those who wait are told that it was broken */
/* Acknowledges, or gives back, what has these tokens; how many that were. */
uint64_t object_settle_items(struct use *use, const uint64_t *tokens, size_t count, bool give_back);
enum ruche_code object_task_done(struct use *use, uint64_t count); /* or RUCHE_NOT_HELD */
void object_end_queue(struct object *queue);

/* ---- of an earlier daemon, see upgrade.h; each NULL: no memory ---------------------------- */

/* One that nobody uses yet.  No other may have its name. */
struct object *object_new(
	struct objects *objects, struct user *user, const struct object_terms *terms);
/* It has been removed. */
void object_forget_name(struct object *object);
struct use *object_use_new(struct holder *holder, struct object *object);
/* What the use counts as held it holds. */
void object_restore_owner(struct use *use);
/* A want like this waits, the last of its lane, with no items yet. */
struct want *want_new(const struct want *like, uint64_t until);

/* ---- among the object*.c ------------------------------------------------------------------ */

/* Tries for a want: true, and the answer is set. */
bool object_try_acquire(struct want *want, struct object_answer *answer);
bool object_try_get(struct want *want, struct object_answer *answer);
bool object_try_put(struct want *want, struct object_answer *answer);
bool object_try_join(struct want *want, struct object_answer *answer);
bool object_try_set(struct want *want, struct object_answer *answer);
bool object_try_pass(struct want *want, struct object_answer *answer);

/* Tries for those in the lane, in their order, until one has to go on waiting.  True: for some. */
bool object_serve(struct object *object, enum want_kind lane);
/* Ends a want that waits. */
void want_finish(struct want *want, const struct object_answer *answer);
void want_fail(struct want *want, enum ruche_code code);
/* Ends it as its holder asks for; a barrier breaks by that. */
void want_cancel(struct want *want);
void want_fail_all(struct object *object, enum want_kind lane, enum ruche_code code);
/* From its lane to the end of another. */
void want_move(struct want *want, enum want_kind kind);
/* Out of all lists, unanswered, and freed. */
void want_drop(struct want *want);

/* A lock that is free, or its own and can be had again; a semaphore with a unit left. */
bool object_can_acquire(const struct use *use);
/* What a use holds goes back; `died`: without having been released. */
void object_give_back_lock(struct use *use, bool died);
void object_give_back_items(struct use *use);
/* What was got and is to be acknowledged is from now on the use's. */
void object_keep_items(struct want *want);
/* What some have put or taken in a queue others may wait for. */
void object_settle_queue(struct object *queue);

/*
 * All that would have to go on for this holder, which waits, to go on wait for each other: the first of them, itself; or NULL, also
 * if that takes more than so many looks, which become fewer.
 */
struct holder *object_circle(struct objects *objects, struct holder *holder, uint32_t *looks);

#endif
