/* SPDX-License-Identifier: MIT */
/* request.h, pools: reload, upgrade, drain, pause, resume, resize. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/forkserver.h"
#include "supervisor/reply.h"
#include "supervisor/request.h"
#include "supervisor/rights.h"
#include "supervisor/running.h"
#include "supervisor/session.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "supervisor/writer.h"

/* ---- one pool or all of them -------------------------------------------------------------- */

static bool is_nil(struct piece piece)
{
	return piece.len == 0 || *piece.data == 0xc0;
}

/* False, and it was answered: there is no such pool.  *ret NULL: all. */
static bool find_pool(struct session *session, const struct request *request, struct pool **ret)
{
	char message[160];
	const char *name;
	size_t len;

	*ret = NULL;
	if (is_nil(piece_in_array(request->params, 0)))
		return true;
	if (!request_get_str(request, 0, &name, &len)) {
		request_fail(session, request, RUCHE_BAD_ARGUMENTS, "takes a pool's name, or nil");
		return false;
	}
	*ret = pool_find(session->sup, name, len);
	if (*ret != NULL)
		return true;
	text_format(message, sizeof(message), "there is no pool '%.*s'", (int)len, name);
	request_fail(session, request, RUCHE_BAD_ARGUMENTS, message);
	return false;
}

/* The same; and that it may not do this with it. */
static bool choose_pool(struct session *session, const struct request *request,
	enum access_method method, struct pool **ret)
{
	return find_pool(session, request, ret) && request_may(session, request, method, *ret);
}

static void say(struct session *session, struct pool *pool, enum notice_kind kind, const char *what)
{
	if (!pool->hidden)
		notice_send(session->sup, kind,
			&(struct notice_fields){.pool = pool, .session = session},
			"the pool '%s' %s", pool->config->name, what);
}

/* The change is made to the pool that is named or to all; then the answer. */
static bool change(struct session *session, const struct request *request,
	enum access_method method, void (*apply)(struct session *session, struct pool *pool))
{
	struct supervisor *sup = session->sup;
	struct pool *pool;

	if (!choose_pool(session, request, method, &pool))
		return true;
	for (size_t i = 0; i < sup->pool_count; i++)
		if (pool == NULL || pool == sup->pools[i])
			apply(session, sup->pools[i]);
	running_wake(sup);
	if (request->wants_answer)
		reply_nil(session, request->msgid);
	return true;
}

static void pause_pool(struct session *session, struct pool *pool)
{
	if (!pool->paused)
		say(session, pool, NOTICE_POOL_PAUSED, "is paused");
	pool->paused = true;
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (slot_is_alive(&pool->scheduler.slots[i]))
			worker_requeue_unstarted(&pool->workers[i]);
}

static bool on_pause(struct session *session, const struct request *request)
{
	return change(session, request, ACCESS_PAUSE, pause_pool);
}

static void resume_pool(struct session *session, struct pool *pool)
{
	if (pool->paused || pool->drained)
		say(session, pool, NOTICE_POOL_RESUMED, "is resumed");
	pool->paused = pool->drained = false;
	staff_balance(pool);
}

static bool on_resume(struct session *session, const struct request *request)
{
	return change(session, request, ACCESS_RESUME, resume_pool);
}

static void drain_pool(struct session *session, struct pool *pool)
{
	if (!pool->drained) {
		say(session, pool, NOTICE_POOL_DRAINING, "takes nothing new: it is being drained");
		pool->told_drained = false;
	}
	pool->drained = true;
	pool_check_drained(pool);
}

/* [pool or nil]: answered when nothing is left; of all pools, when nothing is left in any. */
static bool on_drain(struct session *session, const struct request *request)
{
	struct supervisor *sup = session->sup;
	struct pool *pool, *last = NULL;

	if (!choose_pool(session, request, ACCESS_DRAIN, &pool))
		return true;
	for (size_t i = 0; i < sup->pool_count; i++) {
		if (pool != NULL && pool != sup->pools[i])
			continue;
		drain_pool(session, sup->pools[i]);
		if (!pool_is_empty(sup->pools[i]))
			last = sup->pools[i];
	}
	if (!request->wants_answer)
		return true;
	if (last == NULL)
		reply_nil(session, request->msgid);
	else
		pool_wait_drained(session, request->msgid, pool);
	return true;
}

/* ---- reload --------------------------------------------------------------------------------- */

static bool on_reload(struct session *session, const struct request *request)
{
	if (request_may(session, request, ACCESS_RELOAD, NULL))
		reload_start(session->sup, request->wants_answer ? session : NULL, request->msgid);
	return true;
}

static bool on_upgrade(struct session *session, const struct request *request)
{
	if (request_may(session, request, ACCESS_UPGRADE, NULL))
		upgrade_start(session->sup, request->wants_answer ? session : NULL, request->msgid);
	return true;
}

/* ---- their size and state --------------------------------------------------------------------- */

/* [name, min, max] */
static bool on_resize(struct session *session, const struct request *request)
{
	uint64_t min, max;
	struct pool *pool;
	char size[64];

	if (!choose_pool(session, request, ACCESS_RESIZE, &pool))
		return true;
	if (pool == NULL || !request_get_uint(request, 1, CONFIG_WORKERS_MAX, &min) ||
		!request_get_uint(request, 2, CONFIG_WORKERS_MAX, &max) || min < 1 || max < min)
		return request_fail(session, request, RUCHE_BAD_ARGUMENTS,
			"takes [pool, min, max] with 1 <= min <= max <= 1024");
	if (pool_resize(pool, (uint32_t)min, (uint32_t)max) < 0)
		return request_fail(session, request, RUCHE_BUSY, "the daemon has no memory");
	text_format(size, sizeof(size), "has %" PRIu64 " to %" PRIu64 " workers", min, max);
	say(session, pool, NOTICE_POOL_RESIZED, size);
	if (request->wants_answer)
		reply_nil(session, request->msgid);
	return true;
}

static const char *state_of(const struct pool *pool)
{
	if (scheduler_is_dead(&pool->scheduler))
		return "failed";
	if (pool->paused)
		return "paused";
	if (pool->drained)
		return pool_is_empty(pool) ? "drained" : "draining";
	return pool->forkserver->ready ? "running" : "starting";
}

static void put_pool(struct writer *w, const struct pool *pool, bool all)
{
	const struct scheduler *scheduler = &pool->scheduler;
	const char *problem = pool_problem(pool);

	w->bad |= msgpack_pack_map(w->pk, 14);
	put_str(w, "name", pool->config->name);
	put_str(w, "state", state_of(pool));
	put_uint(w, "min", pool->min);
	put_uint(w, "max", pool->max);
	put_uint(w, "spare", pool->spare);
	put_uint(w, "workers", scheduler->slot_count - scheduler_count(scheduler, SLOT_ABSENT));
	put_uint(w, "idle", scheduler_count(scheduler, SLOT_IDLE));
	put_uint(w, "busy", scheduler_count(scheduler, SLOT_BUSY));
	put_uint(w, "lending", scheduler_lending(scheduler));
	put_uint_if(w, "queued", scheduler->queue.count + scheduler->processes.count, all);
	put_uint_if(w, "open", pool->open_tasks, all);
	put_str(w, "runtime", pool->config->runtime);
	put_str(w, "user", pool->config->user);
	put_str(w, "problem", *problem != '\0' ? problem : NULL);
}

/* It is there, and is of use to whom asks. */
static bool is_shown(const struct session *session, const struct pool *pool)
{
	return !pool->hidden && rights_may_use(session, pool);
}

static bool on_pools(struct session *session, const struct request *request)
{
	struct supervisor *sup = session->sup;
	struct writer w = {0};
	msgpack_packer pk;
	size_t count = 0;

	if (!request->wants_answer)
		return true;
	for (size_t i = 0; i < sup->pool_count; i++)
		count += is_shown(session, sup->pools[i]);
	pk = reply_begin(session, request->msgid);
	w.pk = &pk;
	w.bad = msgpack_pack_array(&pk, count);
	for (size_t i = 0; i < sup->pool_count; i++)
		if (is_shown(session, sup->pools[i]))
			put_pool(&w, sup->pools[i], rights_sees_all(session));
	if (w.bad == 0)
		reply_send(session);
	return true;
}

/* [pool]: the default one, if none is named */
static bool on_cpu_count(struct session *session, const struct request *request)
{
	struct pool *pool;

	if (!find_pool(session, request, &pool))
		return true;
	if (pool == NULL)
		pool = session->sup->pools[0];
	if (!is_shown(session, pool))
		return request_fail(
			session, request, RUCHE_DENIED, "that pool is not yours to use");
	if (request->wants_answer)
		reply_uint(session, request->msgid, pool->usable_cores);
	return true;
}

const struct method pool_methods[] = {
	{"ruche.reload", on_reload},
	{"ruche.upgrade", on_upgrade},
	{"ruche.pause", on_pause},
	{"ruche.resume", on_resume},
	{"ruche.drain", on_drain},
	{"ruche.resize", on_resize},
	{"ruche.pools", on_pools},
	{"ruche.cpu_count", on_cpu_count},
	{NULL, NULL},
};
