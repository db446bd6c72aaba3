/* SPDX-License-Identifier: MIT */
#include "supervisor/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/call.h"
#include "supervisor/config.h"
#include "supervisor/forkserver.h"
#include "supervisor/machine.h"
#include "supervisor/reply.h"
#include "supervisor/session.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

int pool_set_size(struct pool *pool, const struct pool_config *config)
{
	struct size size;
	int r = machine_size_pool(config, &size);

	if (r < 0)
		return r;
	free(pool->cores);
	pool->cores = size.cores;
	pool->min = size.min;
	pool->max = size.max;
	pool->usable_cores = size.usable;
	pool->spare = config->spare;
	pool->scheduler.width = size.max;
	pool->resized = false;
	return 0;
}

/* Every worker once more while it is replaced, those that take the places of others, and processes. */
static uint32_t slots_of(const struct supervisor *sup)
{
	return 2 * CONFIG_WORKERS_MAX + (uint32_t)sup->config.limits.nested +
	       (uint32_t)sup->config.limits.processes;
}

static int init_pool(struct pool *pool, const struct pool_config *config)
{
	struct supervisor *sup = pool->sup;
	int r = scheduler_init(&pool->scheduler, slots_of(sup));

	pool->config = config;
	pool->hidden = true;
	staff_init(pool);
	if (r == 0)
		r = workers_init(pool);
	if (r == 0)
		r = pool_set_size(pool, config);
	if (r == 0)
		r = forkserver_new(pool, config, &pool->forkserver);
	return r;
}

int pool_add(struct supervisor *sup, const struct pool_config *config, struct pool **ret)
{
	struct pool **pools = reallocarray(sup->pools, sup->pool_count + 1, sizeof(*pools));
	struct pool *pool;

	if (pools == NULL)
		return -ENOMEM;
	sup->pools = pools;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL || sup->pool_count > UINT8_MAX) {
		free(pool);
		return pool == NULL ? -ENOMEM : -ENOSPC;
	}
	pool->sup = sup;
	pool->index = (uint8_t)sup->pool_count;
	pools[sup->pool_count++] = pool;
	*ret = pool;
	return init_pool(pool, config);
}

int pools_init(struct supervisor *sup)
{
	struct pool *pool;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sup->config.pool_count; i++) {
		r = pool_add(sup, &sup->config.pools[i], &pool);
		if (r < 0)
			break;
		pool->hidden = false;
		staff_balance(pool);
	}
	return r;
}

static void pool_free(struct pool *pool)
{
	staff_fini(pool);
	forkservers_free(pool);
	workers_fini(pool);
	functions_fini(&pool->functions);
	scheduler_fini(&pool->scheduler);
	askers_free(&pool->drainers);
	free(pool->cores);
	free(pool);
}

void pools_fini(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		pool_free(sup->pools[i]);
	free(sup->pools);
	sup->pools = NULL;
	sup->pool_count = 0;
}

struct pool *pool_find(struct supervisor *sup, const char *name, size_t len)
{
	for (size_t i = 0; i < sup->pool_count; i++) {
		const struct pool *pool = sup->pools[i];

		if (!pool->hidden && strlen(pool->config->name) == len &&
			memcmp(pool->config->name, name, len) == 0)
			return sup->pools[i];
	}
	return NULL;
}

const char *pool_problem(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (pool->scheduler.slots[i].state == SLOT_FAILED)
			return pool->workers[i].problem;
	return pool->forkserver->problem;
}

const char *pools_problem(const struct supervisor *sup)
{
	const char *problem = "";

	for (size_t i = 0; i < sup->pool_count && *problem == '\0'; i++)
		if (!sup->pools[i]->hidden)
			problem = pool_problem(sup->pools[i]);
	return problem;
}

uint32_t pools_in_flight(const struct supervisor *sup)
{
	uint32_t count = 0;

	for (size_t i = 0; i < sup->pool_count; i++)
		count += scheduler_in_flight(&sup->pools[i]->scheduler);
	return count;
}

bool pool_is_empty(const struct pool *pool)
{
	return pool->open_tasks == 0;
}

int pool_resize(struct pool *pool, uint32_t min, uint32_t max)
{
	struct pool_config config = *pool->config;
	int r;

	config.min = min;
	config.max = max;
	r = pool_set_size(pool, &config);
	if (r < 0)
		return r;
	pool->resized = true;
	staff_balance(pool);
	staff_look_soon(pool);
	return 0;
}

static bool all_are_empty(const struct supervisor *sup)
{
	return sup->open_tasks == 0;
}

void pool_wait_drained(struct session *session, uint32_t msgid, struct pool *pool)
{
	asker_add(pool != NULL ? &pool->drainers : &session->sup->drainers, session, msgid);
}

static void say_drained(struct pool *pool)
{
	pool->told_drained = true;
	if (!pool->hidden)
		notice_send(pool->sup, NOTICE_POOL_DRAINED, &(struct notice_fields){.pool = pool},
			"the pool '%s' is drained", pool->config->name);
}

void pool_check_drained(struct pool *pool)
{
	struct supervisor *sup = pool->sup;

	if (pool->drained && !pool->told_drained && pool_is_empty(pool))
		say_drained(pool);
	if (pool->hidden && pool_is_empty(pool))
		staff_look_soon(pool);
	if (pool->drainers != NULL && pool_is_empty(pool))
		askers_tell(sup, &pool->drainers, NULL);
	if (sup->drainers != NULL && all_are_empty(sup))
		askers_tell(sup, &sup->drainers, NULL);
}
