/* SPDX-License-Identifier: MIT */
/* supervisor.h: every pool has loaded its code, or one cannot. */
#include "supervisor/supervisor.h"

#include "base/log.h"
#include "supervisor/forkserver.h"

static bool all_are_loaded(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		if (!sup->pools[i]->forkserver->ready)
			return false;
	return true;
}

/* How many there are, in all pools. */
struct census {
	size_t workers, functions, plugins;
};

static struct census count_all(const struct supervisor *sup)
{
	struct census census = {0};

	for (size_t i = 0; i < sup->pool_count; i++) {
		census.workers += sup->pools[i]->scheduler.width;
		census.functions += sup->pools[i]->functions.count;
		census.plugins += sup->pools[i]->config->plugin_count;
	}
	return census;
}

void supervisor_on_loaded(struct supervisor *sup)
{
	struct census census;

	if (sup->state != SUPERVISOR_STARTING || !all_are_loaded(sup))
		return;
	census = count_all(sup);
	if (sup->options.check_only) {
		log_info("good: %zu functions, plugins: %zu", census.functions, census.plugins);
		supervisor_stop(sup, 0, 0);
		return;
	}
	sup->state = SUPERVISOR_RUNNING;
	reload_apply_functions(sup);
	listener_start(sup);
	notice_send(sup, NOTICE_DAEMON_STARTED, &(struct notice_fields){.count = census.workers},
		"%zu workers, %zu functions, plugins: %zu%s%s", census.workers, census.functions,
		census.plugins, sup->listener.path != NULL ? ", listening on " : "",
		sup->listener.path != NULL ? sup->listener.path : "");
	manager_ready(sup);
}

void supervisor_on_load_failed(struct supervisor *sup, struct pool *pool)
{
	if (sup->options.session_fd < 0) {
		notice_send(sup, NOTICE_DAEMON_NOT_STARTED, &(struct notice_fields){.pool = pool},
			"%s", pool->forkserver->problem);
		supervisor_stop(sup, 1, 0);
		return;
	}
	pool->forkserver->given_up = true;
	sup->state = SUPERVISOR_RUNNING;
	forkserver_want(pool); /* which gives up every slot */
	listener_start(sup);
}
