/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TASK_H
#define WORKER_TASK_H

/*
 * One task in its worker: the arguments that were decoded for it, the answer that grows,
 * and what it sends while it runs.  A worker has one of these and uses it again for each task.
 *
 * An item of a chunk is a task of its own that lives inside the chunk's, see chunk.c.
 *
 * task.c has its life, arguments.c and returns.c the functions of <ruche/plugin.h>.
 */

#include <ruche/plugin.h>

#include "base/buf.h"
#include "wire/claim.h"
#include "wire/message.h"
#include "worker/arenas.h"
#include "worker/inbox.h"
#include "worker/outbox.h"
#include "worker/plugin.h"

enum { TASK_MESSAGE_MAX = 1024 };

struct ruche_task {
	const struct function *function; /* what runs, or ran last; NULL: none */
	const msgpack_object *args;
	size_t arg_count;
	uint32_t seq;
	/* While a task runs: frees what it allocates here when the task has ended. */
	msgpack_zone zone;
	const char *zone_start; /* of what it gives */
	/* The next frames; a task that takes input reads them itself, see command_io.c.  NULL: an item. */
	struct inbox *inbox;
	size_t frame_max;
	const struct plugins
		*plugins; /* borrowed, as is the page; both are set after task_init() */
	struct claim_page *page;
	struct arenas *arenas; /* borrowed; NULL: an item's values travel with its chunk */

	bool is_item;

	/* private */
	struct outbox *outbox; /* borrowed */
	struct buf answer;     /* a response as it goes out */
	int lane;              /* of the client's arena, that it refers to; negative: none */
	size_t answer_len;     /* also counts what did not fit */
	size_t sound_len;      /* of an answer that is known to be one value; 0: none is */
	msgpack_packer packer;
	struct buf note; /* a notification */
	bool no_memory;
	/* Why it failed; RUCHE_OK: it has not said so. */
	enum ruche_code code;
	enum ruche_executed executed;
	int signal, exit_status; /* 0 and -1: none */
	int64_t peak_memory; /* of its command, bytes; 0: not known; -1: none, so it is our own */
	char message[TASK_MESSAGE_MAX];
	msgpack_object few[MESSAGE_PLAIN_MAX]; /* the arguments, if they are a plain array */
};

/* `outbox` and `inbox` are borrowed until task_fini().  0 or -ENOMEM. */
int task_init(
	struct ruche_task *task, struct outbox *outbox, struct inbox *inbox, size_t frame_max);
/* A task for the items of `chunk`, which must outlive it. */
int task_init_item(struct ruche_task *item, const struct ruche_task *chunk, size_t frame_max);
void task_fini(struct ruche_task *task);

/* A new task, after the end of the last one: no arguments yet, no result. */
void task_begin(struct ruche_task *task, uint32_t seq);

/*
 * Decodes the arguments, one scanned array, which they then point into.  -1 if they cannot
 * be; the answer is set.
 */
int task_decode(struct ruche_task *task, const void *params, size_t len);

/* Sets the failure that is the answer; as ruche_fail(), returns -1. */
int task_fail(struct ruche_task *task, enum ruche_code code, enum ruche_executed executed,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Makes the response complete: the result if `returned` is 0, else the failure.  0 or -ENOMEM. */
int task_complete(struct ruche_task *task, int returned);
/* Of an item that returned 0: is it so already, as most are?  It may be so if not. */
static inline bool task_item_is_complete(const struct ruche_task *item)
{
	return !item->no_memory && item->sound_len > 0 && item->answer_len <= item->frame_max &&
	       buf_len(&item->answer) == item->sound_len;
}
/* Why it has failed, when it has returned something else than 0. */
const char *task_why(struct ruche_task *task);
/* The response is out: what it refers to is the client's from now on. */
void task_sent(struct ruche_task *task);

/* The memory that it shares with its client; NULL: none. */
struct arena *task_arena(const struct ruche_task *task);

/* Frees what the task has taken, its response too. */
void task_end(struct ruche_task *task);

/* The response that task_complete() has made; valid until task_end(). */
const uint8_t *task_response(const struct ruche_task *task, size_t *ret_len);

/* The pair [error, result] of an item that is complete; valid until its end. */
const uint8_t *task_item_pair(const struct ruche_task *item, size_t *ret_len);

/*
 * A notification to the supervisor: pack its params with what the first returns, then send.
 * NULL: no memory.  Sending blocks; 0 or a negative errno.
 */
msgpack_packer *task_note(struct ruche_task *task, msgpack_packer *packer, const char *method);
int task_send_note(struct ruche_task *task);

#endif
