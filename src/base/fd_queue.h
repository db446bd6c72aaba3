/* SPDX-License-Identifier: MIT */
#ifndef BASE_FD_QUEUE_H
#define BASE_FD_QUEUE_H

/*
 * Descriptors that travel beside a stream of bytes, first in, first out, each with a place in that stream.  The queue owns
 * them.  Zeroed memory is an empty one.
 */

#include <stddef.h>
#include <stdint.h>

struct fd_queued {
	uint64_t at; /* a count of bytes, as the user of the queue counts them */
	int fd;
};

struct fd_queue {
	struct fd_queued *all;
	size_t start, end, cap;
};

static inline size_t fd_queue_count(const struct fd_queue *queue)
{
	return queue->end - queue->start;
}

/* Valid until the next push or pop; NULL: there is none. */
static inline const struct fd_queued *fd_queue_at(const struct fd_queue *queue, size_t i)
{
	return i < fd_queue_count(queue) ? &queue->all[queue->start + i] : NULL;
}

/* Takes `fd`.  0, or -ENOMEM and it is closed. */
int fd_queue_push(struct fd_queue *queue, uint64_t at, int fd);

/* The first one, which is the caller's then; -1: there is none. */
int fd_queue_pop(struct fd_queue *queue);

/* Closes all that are left; leaves an empty queue. */
void fd_queue_fini(struct fd_queue *queue);

#endif
