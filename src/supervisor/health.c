/* SPDX-License-Identifier: MIT */
#include "supervisor/health.h"

#include "supervisor/dispatch.h"
#include "supervisor/forkserver.h"
#include "supervisor/supervisor.h"

/* Workers are missing, and the fork server that could make them is not asked. */
static bool forks_are_stuck(const struct pool *pool)
{
	const struct forkserver *fs = pool->forkserver;

	return !pool->hidden && fs->ready && fs->pid > 0 && fs->pending == NULL &&
	       scheduler_count(&pool->scheduler, SLOT_EMPTY) > 0;
}

static const char *find_suspect(const struct supervisor *sup)
{
	if (sup->state != SUPERVISOR_RUNNING)
		return NULL;
	if (dispatch_has_work(sup))
		return "tasks wait while workers have nothing to do";
	for (size_t i = 0; i < sup->pool_count; i++)
		if (forks_are_stuck(sup->pools[i]) && !upgrade_is_near(sup))
			return "workers are missing and are not made";
	return NULL;
}

static uint64_t count_ended(const struct counters *counters)
{
	return counters->done + counters->failed + counters->crashed + counters->cancelled +
	       counters->timed_out;
}

const char *health_look(struct health *health, const struct supervisor *sup)
{
	const char *suspect = find_suspect(sup), *before = health->suspect;
	uint64_t ended = count_ended(&sup->counters);
	bool stands = ended == health->ended;

	health->ended = ended;
	health->suspect = suspect;
	return stands && suspect == before ? suspect : NULL;
}
