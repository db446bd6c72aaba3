/* SPDX-License-Identifier: MIT */
#include "supervisor/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "core/task.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/link.h"
#include "wire/message.h"

enum { PAGE = ARENA_HEAD_SIZE, LARGE_LEAST = 4 };

/* ---- one arena ------------------------------------------------------------------------- */

/* A large lane holds any value that a message may have, but there are some of them in any case.  0: too small. */
static uint64_t measure(const struct limits *limits, uint64_t *ret_large)
{
	const uint32_t most = ARENA_LANES - ARENA_SMALL_LANES;
	const uint64_t small = arena_size(0, 0), wanted = limits->frame + PAGE;
	uint64_t room, large, lanes;

	if (limits->arena < small + (uint64_t)LARGE_LEAST * ARENA_SMALL_SIZE)
		return 0;
	room = limits->arena - small;
	large = (wanted < room / LARGE_LEAST ? wanted : room / LARGE_LEAST) / PAGE * PAGE;
	lanes = room / large;
	*ret_large = large;
	return arena_size(large, (uint32_t)(lanes < most ? lanes : most));
}

static void free_arena(struct session_arena *arena)
{
	if (arena->head != NULL)
		munmap(arena->head, PAGE);
	fd_close(&arena->fd);
	free(arena->births);
	free(arena);
}

static int map_head(struct session_arena *arena)
{
	void *head = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, arena->fd, 0);
	if (head == MAP_FAILED)
		return -errno;
	arena->head = head;
	return 0;
}

static int make_memory(struct session_arena *arena)
{
	arena->fd = fd_memory("ruche-arena", (off_t)arena->size);
	return arena->fd < 0 ? arena->fd : map_head(arena);
}

/* It goes with the answer; this one stays here, for the workers. */
static int pass(struct session *session, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : session_send_fd(session, copy);
}

int arena_open(struct session *session)
{
	struct supervisor *sup = session->sup;
	struct session_arena *arena;
	int r;

	if (session->arena != NULL)
		return 0;
	arena = calloc(1, sizeof(*arena));
	if (arena == NULL)
		return -ENOMEM;
	arena->fd = -1;
	arena->size = measure(&sup->config.limits, &arena->large);
	if (arena->size == 0 || sup->arena_bytes + arena->size > sup->config.limits.arena_total)
		r = -ENOSPC;
	else
		r = make_memory(arena);
	if (r == 0)
		r = pass(session, arena->fd);
	if (r < 0) {
		free_arena(arena);
		return r;
	}
	if (++sup->arena_id == 0)
		sup->arena_id = 1;
	arena->id = sup->arena_id;
	session->arena = arena;
	sup->arena_bytes += arena->size;
	return 0;
}

int arena_restore(struct session_arena *arena, const uint32_t *births, uint32_t count)
{
	if (count > 0) {
		arena->births = malloc(count * sizeof(*births));
		if (arena->births == NULL)
			return -ENOMEM;
		memcpy(arena->births, births, count * sizeof(*births));
	}
	arena->count = arena->cap = count;
	return map_head(arena);
}

/* ---- its workers ------------------------------------------------------------------------ */

static bool has(const struct session_arena *arena, const struct worker *worker)
{
	for (uint32_t i = 0; i < arena->count; i++)
		if (arena->births[i] == worker->kit.birth)
			return true;
	return false;
}

static struct worker *find_birth(const struct supervisor *sup, uint32_t birth)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++) {
			struct worker *worker = &sup->pools[p]->workers[i];

			if (worker->kit.birth == birth && worker->kit.tasks_fd >= 0)
				return worker;
		}
	return NULL;
}

/* Births of those that have died make room for others. */
static int reserve(const struct supervisor *sup, struct session_arena *arena)
{
	uint32_t kept = 0, cap = arena->cap == 0 ? 8 : arena->cap * 2;
	uint32_t *births;

	for (uint32_t i = 0; i < arena->count; i++)
		if (find_birth(sup, arena->births[i]) != NULL)
			arena->births[kept++] = arena->births[i];
	arena->count = kept;
	if (kept < arena->cap)
		return 0;
	births = realloc(arena->births, cap * sizeof(*births));
	if (births == NULL)
		return -ENOMEM;
	arena->births = births;
	arena->cap = cap;
	return 0;
}

/* It reads that when it next has a task of somebody who has one.  If its socket takes no more, it is tried again. */
static void give(struct worker *worker, struct session_arena *arena)
{
	const struct arena_packet packet = {arena->id, arena->size, arena->large};

	if (arena->count == arena->cap && reserve(worker->sup, arena) < 0)
		return;
	if (fd_send_packet(worker->kit.arenas_fd, 0, &packet, sizeof(packet), &arena->fd, 1) == 0)
		arena->births[arena->count++] = worker->kit.birth;
}

uint32_t arena_offer(struct worker *worker, const struct task *task)
{
	struct session *session;

	/* The answer to a task that has an id may go to others, or be kept. */
	if (!task->answered_to || task->handle != NULL)
		return 0;
	session = session_get(worker->sup, task->session);
	if (session == NULL || session->arena == NULL)
		return 0;
	if (!has(session->arena, worker))
		give(worker, session->arena);
	return session->arena->id; /* one that has not come the worker tells of, if it needs it */
}

void arena_reclaim_of(struct worker *worker, const struct task *task)
{
	struct session *session = session_get(worker->sup, task->session);

	if (session != NULL && session->arena != NULL)
		arena_reclaim(session->arena->head, arena_owner(worker->kit.birth, task->seq));
}

static void tell_gone(struct worker *worker, uint32_t id)
{
	struct supervisor *sup = worker->sup;
	msgpack_packer pk = supervisor_packer(sup);

	if (message_pack_notification(&pk, WORKER_ARENA_GONE) < 0 ||
		msgpack_pack_array(&pk, 1) < 0 || message_pack_id(&pk, id) < 0 ||
		buf_append(&worker->out, sup->scratch.data, sup->scratch.size) < 0)
		worker_kill(worker, "no memory to tell it that a client has gone");
	worker->dirty = true;
}

void arena_close(struct session *session)
{
	struct session_arena *arena = session->arena;

	if (arena == NULL)
		return;
	session->arena = NULL;
	session->sup->arena_bytes -= arena->size;
	for (uint32_t i = 0; i < arena->count; i++) {
		struct worker *worker = find_birth(session->sup, arena->births[i]);

		if (worker != NULL)
			tell_gone(worker, arena->id);
	}
	free_arena(arena);
}
