/* SPDX-License-Identifier: MIT */
/* client/arena.h: how a connection gets its arena. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/connection.h"
#include "client/request.h"
#include "wire/scan.h"

#define RUCHE_ARENA "ruche.arena"

static int map(struct ruche *ruche, int fd, uint64_t size, uint64_t large)
{
	struct client_arena *arena = calloc(1, sizeof(*arena));
	int r = arena == NULL ? -ENOMEM : arena_map(&arena->arena, fd, size, large);

	if (r < 0) {
		free(arena);
		return r;
	}
	arena->users = 1;
	arena->pid = getpid();
	atomic_store(&arena->arena.head->ready, 1);
	ruche->calls.arena = arena;
	return 0;
}

/* [bytes, bytes of a large lane] */
static bool read_sizes(struct piece result, uint64_t *ret_size, uint64_t *ret_large)
{
	struct piece sizes[2];
	size_t len;

	return value_split(result, 2, sizes) == 0 &&
	       scan_uint(sizes[0].data, sizes[0].len, ret_size, &len) == 0 &&
	       scan_uint(sizes[1].data, sizes[1].len, ret_large, &len) == 0;
}

static int on_answer(struct call *call, struct piece error, struct piece result)
{
	struct ruche *ruche = call->owner_data;
	uint64_t size, large;
	int fd;

	ruche->arena_state = ARENA_NONE;
	if (!value_is_nil(error) || !read_sizes(result, &size, &large))
		return 0;
	fd = fd_queue_pop(&ruche->fds);
	if (fd >= 0 && map(ruche, fd, size, large) == 0)
		ruche->arena_state = ARENA_HERE;
	fd_close(&fd);
	return 0;
}

static void on_loss(struct call *call, bool was_sent)
{
	struct ruche *ruche = call->owner_data;

	(void)was_sent;
	ruche->arena_state = ARENA_NONE;
}

void arena_want(struct ruche *ruche)
{
	static const struct call_owner owner = {on_answer, on_loss};
	struct request request;
	struct call *call;
	int r;

	if (ruche->arena_state != ARENA_UNKNOWN)
		return;
	ruche->arena_state = ARENA_ASKED;
	r = request_begin(&request, ruche, RUCHE_ARENA);
	if (r == 0)
		r = request_end(&request, msgpack_pack_array(&request.pk, 0));
	if (r < 0) {
		ruche->arena_state = ARENA_NONE;
		return;
	}
	call = calls_find(&ruche->calls, request.id);
	calls_own(&ruche->calls, call, &owner, ruche);
	calls_expect_fd(&ruche->calls, call);
}

void arena_wait(struct ruche *ruche)
{
	arena_want(ruche);
	while (ruche->arena_state == ARENA_ASKED && connection_poll(ruche, UINT64_MAX) > 0 &&
		connection_process(ruche) == 0)
		;
}
