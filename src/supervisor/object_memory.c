/* SPDX-License-Identifier: MIT */
/* objects.h: the memory of values, the ends of pipes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "supervisor/objects.h"
#include "supervisor/supervisor.h"
#include "wire/value.h"

/* ---- values --------------------------------------------------------------------------------- */

static int write_memory(const struct object *value, uint64_t size, const void *data, size_t len)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, value->fds[0], 0);
	int r;

	if (map == MAP_FAILED)
		return -errno;
	r = value_init(map, value->type, value->size);
	if (r == 0 && len > 0)
		memcpy((char *)map + VALUE_DATA_OFF, data, len);
	munmap(map, size);
	return r;
}

int object_make_memory(struct object *value, const void *data, size_t len)
{
	uint64_t size = value_memory_size(value->type, value->size);

	if (size == 0 || len > size - VALUE_DATA_OFF)
		return -EINVAL;
	if (!object_charge(value, size))
		return -EDQUOT;
	value->fds[0] = fd_memory("ruche-value", (off_t)size);
	return value->fds[0] < 0 ? value->fds[0] : write_memory(value, size, data, len);
}

/* ---- pipes ----------------------------------------------------------------------------------- */

int object_make_pipe(struct object *pipe)
{
	int r = fd_socketpair(SOCK_SEQPACKET, pipe->fds);

	if (r < 0)
		return r;
	if (!pipe->duplex) {
		shutdown(pipe->fds[0], SHUT_WR);
		shutdown(pipe->fds[1], SHUT_RD);
	}
	return 0;
}

/* ---- ends that were handed to a task ------------------------------------------------------------ */

static void forget_end(struct object *pipe, int end)
{
	pipe->all->handed -= pipe->handed[end].generation != 0;
	pipe->handed[end] = REF_NONE;
}

void object_hand_end(struct object *pipe, int end, const struct task *task)
{
	forget_end(pipe, end);
	pipe->handed[end] = task->ref;
	pipe->all->handed++;
}

int object_take_end(struct object *pipe, int end)
{
	int fd = pipe->fds[end];

	forget_end(pipe, end);
	pipe->fds[end] = -1;
	return fd;
}

void object_close_fds(struct object *object)
{
	for (int i = 0; i < 2; i++) {
		forget_end(object, i);
		fd_close(&object->fds[i]);
	}
}

void objects_on_task_end(struct objects *objects, const struct task *task)
{
	struct object *object;

	if (objects->handed == 0)
		return;
	TAILQ_FOREACH (object, &objects->list, link)
		for (int i = 0; i < 2; i++)
			if (ref_is_equal(object->handed[i], task->ref)) {
				forget_end(object, i);
				fd_close(&object->fds[i]);
			}
}
