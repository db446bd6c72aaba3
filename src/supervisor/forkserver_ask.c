/* SPDX-License-Identifier: MIT */
/* forkserver.h, asking it for workers. */
#include "supervisor/forkserver.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/link.h"
#include "wire/message.h"

#define FORK_LIMIT (10 * CLOCK_S)

static int send_fork(struct forkserver *fs, struct worker *worker, const struct worker_ends *ends)
{
	struct supervisor *sup = fs->sup;
	msgpack_packer pk = supervisor_packer(sup);

	fs->request++;
	if (message_pack_request(&pk, fs->request, LINK_FORK, strlen(LINK_FORK)) < 0 ||
		msgpack_pack_array(&pk, ends->groups > 0 ? 5 : 4) < 0 ||
		msgpack_pack_uint32(&pk, worker->slot->index) < 0 ||
		msgpack_pack_int(&pk, worker->slot->core) < 0 ||
		msgpack_pack_uint64(&pk, reload_config(worker)->limits.frame) < 0 ||
		message_pack_str(&pk, worker->token) < 0 ||
		(ends->groups > 0 && msgpack_pack_uint64(&pk, ends->groups) < 0))
		return -ENOMEM;
	return fd_send_packet(
		fs->link, 0, sup->scratch.data, sup->scratch.size, ends->fds, ends->count);
}

void forkserver_ask(struct forkserver *fs, struct worker *worker)
{
	char why[CGROUP_ERROR_MAX];
	struct worker_ends ends;
	int r = worker_prepare(worker, &ends, why);

	worker->forkserver = fs;
	fs->workers++;
	if (r < 0) {
		slot_change(worker->slot, SLOT_ON_FORK);
		worker_on_fork_failed(worker, RESTART_USELESS, why);
		return;
	}
	r = send_fork(fs, worker, &ends);
	worker_ends_close(&ends);
	if (r < 0) {
		worker_on_fork_failed(worker, RESTART_USELESS, "the fork server takes no requests");
		return;
	}
	fs->pending = worker;
	supervisor_set_timer(&fs->timer, FORK_LIMIT);
}

static void give_up_slots(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++) {
		struct worker *worker = &pool->workers[i];

		if (worker->slot->state != SLOT_EMPTY)
			continue;
		slot_change(worker->slot, SLOT_ON_GIVE_UP);
		text_format(
			worker->problem, sizeof(worker->problem), "%s", pool->forkserver->problem);
	}
}

void forkserver_want(struct pool *pool)
{
	struct forkserver *fs = pool->forkserver;

	if (fs->given_up)
		give_up_slots(pool);
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++) {
		if (!fs->ready || fs->pending != NULL || pool->sup->state == SUPERVISOR_ENDING ||
			upgrade_is_near(pool->sup))
			return;
		if (pool->scheduler.slots[i].state == SLOT_EMPTY)
			forkserver_ask(fs, &pool->workers[i]);
	}
}
