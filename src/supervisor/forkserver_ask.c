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

int forkserver_pack_order(
	struct forkserver *fs, const struct worker *worker, const char *token, size_t groups)
{
	msgpack_packer pk = supervisor_packer(fs->sup);

	if (message_pack_request(&pk, ++fs->request, LINK_FORK, strlen(LINK_FORK)) < 0 ||
		msgpack_pack_array(&pk, groups > 0 ? 5 : 4) < 0 ||
		msgpack_pack_uint32(&pk, worker->slot->index) < 0 ||
		msgpack_pack_int(&pk, worker->slot->core) < 0 ||
		msgpack_pack_uint64(&pk, reload_config(worker)->limits.frame) < 0 ||
		message_pack_str(&pk, token) < 0 ||
		(groups > 0 && msgpack_pack_uint64(&pk, groups) < 0))
		return -ENOMEM;
	return 0;
}

static int send_fork(struct forkserver *fs, struct worker *worker, const struct worker_ends *ends)
{
	const msgpack_sbuffer *packet = &fs->sup->scratch;
	int r = forkserver_pack_order(fs, worker, worker->kit.token, ends->groups);

	fs->fork_request = fs->request;
	if (r < 0)
		return r;
	return fd_send_packet(fs->link, 0, packet->data, packet->size, ends->fds, ends->count);
}

/* All that goes with a new worker.  0; or a negative errno, and `why` is told. */
static int prepare(struct worker *worker, struct worker_ends *ends, char why[CGROUP_ERROR_MAX])
{
	struct kit kit;
	int r = kit_make(worker->sup, &kit, ends->fds);

	if (r < 0) {
		text_format(why, CGROUP_ERROR_MAX, "%s", strerror(-r));
		return r;
	}
	r = worker_make_group(worker, kit.birth, ends, why);
	if (r == 0)
		worker_begin(worker, &kit);
	else
		kit_drop(&kit);
	return r;
}

static void ask_for_fork(struct forkserver *fs, struct worker *worker)
{
	struct worker_ends ends = WORKER_ENDS_NONE;
	char why[CGROUP_ERROR_MAX];
	int r = prepare(worker, &ends, why);

	if (r < 0) {
		slot_change(worker->slot, SLOT_ON_FORK);
	} else {
		r = send_fork(fs, worker, &ends);
		text_format(why, sizeof(why), "the fork server takes no requests");
	}
	worker_ends_close(&ends);
	if (r < 0) {
		worker_on_fork_failed(worker, RESTART_USELESS, why);
		return;
	}
	fs->pending = worker;
	supervisor_set_timer(&fs->timer, FORKSERVER_LIMIT);
}

void forkserver_ask(struct forkserver *fs, struct worker *worker)
{
	worker->forkserver = fs;
	fs->workers++;
	if (!standby_take(fs, worker))
		ask_for_fork(fs, worker);
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
