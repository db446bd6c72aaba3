/* SPDX-License-Identifier: MIT */
#include "base/fd_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { FIRST_CAP = 4 };

/* Those at the front have left room, or there is more to be had. */
static int make_room(struct fd_queue *queue)
{
	size_t count = fd_queue_count(queue), cap = queue->cap == 0 ? FIRST_CAP : queue->cap * 2;
	struct fd_queued *all;

	if (queue->start > 0) {
		memmove(queue->all, queue->all + queue->start, count * sizeof(*queue->all));
		queue->start = 0;
		queue->end = count;
		return 0;
	}
	all = reallocarray(queue->all, cap, sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	queue->all = all;
	queue->cap = cap;
	return 0;
}

int fd_queue_push(struct fd_queue *queue, uint64_t at, int fd)
{
	if (queue->end == queue->cap && make_room(queue) < 0) {
		fd_close(&fd);
		return -ENOMEM;
	}
	queue->all[queue->end++] = (struct fd_queued){at, fd};
	return 0;
}

int fd_queue_pop(struct fd_queue *queue)
{
	if (fd_queue_count(queue) == 0)
		return -1;
	return queue->all[queue->start++].fd;
}

void fd_queue_fini(struct fd_queue *queue)
{
	int fd;

	while ((fd = fd_queue_pop(queue)) >= 0)
		fd_close(&fd);
	free(queue->all);
	*queue = (struct fd_queue){0};
}
