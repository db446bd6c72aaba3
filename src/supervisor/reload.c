/* SPDX-License-Identifier: MIT */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/forkserver.h"
#include "supervisor/objects.h"
#include "supervisor/reply.h"
#include "supervisor/rights.h"
#include "supervisor/running.h"
#include "supervisor/session.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

/* ---- how it ends ------------------------------------------------------------------------ */

static void end(struct supervisor *sup, const struct message_error *error)
{
	struct reload *reload = &sup->reload;
	bool again = reload->again;

	reload->state = RELOAD_NOT;
	reload->again = false;
	askers_tell(sup, &reload->askers, error);
	reload->askers = reload->later;
	reload->later = NULL;
	manager_ready(sup);
	if (again)
		reload_start(sup, NULL, 0);
}

static bool is_in_use(const struct supervisor *sup, const struct config *config)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		if (config_has_pool(config, sup->pools[i]->config))
			return true;
	return false;
}

/* An old config is kept if a pool that is going looks into it. */
static void retire_config(struct supervisor *sup, struct config *old)
{
	struct reload *reload = &sup->reload;
	struct config *kept = NULL;

	if (is_in_use(sup, old))
		kept = reallocarray(reload->kept, reload->kept_count + 1, sizeof(*kept));
	if (kept == NULL) {
		config_fini(old);
		return;
	}
	reload->kept = kept;
	kept[reload->kept_count++] = *old;
}

/* Ends what was begun for a pool. */
static void drop_next(struct pool *pool)
{
	struct forkserver *next = pool->next;
	struct worker *trial = pool->trial;

	pool->next = NULL;
	pool->next_config = NULL;
	pool->trial = NULL;
	if (trial != NULL) {
		trial->slot->reserve = false;
		if (slot_is_alive(trial->slot))
			worker_leave(trial);
	}
	if (next != NULL)
		forkserver_supersede(next);
}

void reload_on_failed(struct supervisor *sup, const char *why)
{
	struct message_error error;
	char message[CONFIG_ERROR_MAX + 64];

	if (sup->reload.state != RELOAD_LOADING)
		return;
	text_format(message, sizeof(message), "nothing was changed: %s", why);
	notice_send(sup, NOTICE_RELOAD_FAILED, &(struct notice_fields){0}, "reload: %s", message);
	for (size_t i = 0; i < sup->pool_count; i++)
		drop_next(sup->pools[i]);
	retire_config(sup, &sup->reload.config);
	error = error_make(RUCHE_FAILED, message);
	end(sup, &error);
}

void reload_check(struct supervisor *sup)
{
	if (sup->reload.state != RELOAD_MOVING)
		return;
	for (size_t i = 0; i < sup->pool_count; i++)
		if (!sup->pools[i]->hidden && staff_is_outdated(sup->pools[i]))
			return;
	notice_send(sup, NOTICE_RELOAD_DONE, &(struct notice_fields){0}, "reload: done");
	end(sup, NULL);
}

/* ---- the new takes the place of the old -------------------------------------------------- */

void reload_apply_functions(struct supervisor *sup)
{
	struct record *record = NULL;

	while ((record = records_next(&sup->records, record)) != NULL) {
		const struct function_config *config =
			config_function(&sup->config, record->name, strlen(record->name));

		record->max_running = config != NULL ? config->max_running : 0;
	}
	running_wake(sup);
}

static void move_pool(struct pool *pool)
{
	struct forkserver *old = pool->forkserver;

	if (pool->next_config == NULL) { /* the new config does not name it */
		pool->hidden = true;
		staff_look_soon(pool);
		return;
	}
	if (pool->next != NULL) {
		pool->forkserver = pool->next;
		pool->next = NULL;
		functions_take(&pool->functions, &pool->forkserver->loading);
		forkserver_supersede(old);
	}
	pool->config = pool->next_config;
	pool->next_config = NULL;
	pool->hidden = false;
	staff_admit(pool->trial);
	pool->trial = NULL;
	if (pool_set_size(pool, pool->config) < 0)
		log_error("no memory to change the size of the pool '%s'", pool->config->name);
}

static void commit(struct supervisor *sup)
{
	struct config old = sup->config;

	sup->config = sup->reload.config;
	objects_set_limits(sup);
	sup->reload.config = (struct config){0};
	for (size_t i = 0; i < sup->pool_count; i++)
		move_pool(sup->pools[i]);
	rights_apply(sup, old.policy.count > 0);
	reload_apply_functions(sup);
	retire_config(sup, &old);
	sup->reload.state = RELOAD_MOVING;
	for (size_t i = 0; i < sup->pool_count; i++)
		staff_balance(sup->pools[i]);
	reload_check(sup);
}

const struct config *reload_config(const struct worker *worker)
{
	return worker->slot->reserve ? &worker->sup->reload.config : &worker->sup->config;
}

const struct pool_config *reload_pool_config(const struct worker *worker)
{
	return worker->slot->reserve ? worker->pool->next_config : worker->pool->config;
}

/* ---- on trial ------------------------------------------------------------------------------ */

void reload_on_ready(struct worker *worker)
{
	struct supervisor *sup = worker->sup;

	worker->pool->tried = true;
	for (size_t i = 0; i < sup->pool_count; i++)
		if (sup->pools[i]->next != NULL && !sup->pools[i]->tried)
			return;
	commit(sup);
}

void reload_on_loaded(struct forkserver *fs)
{
	struct pool *pool = fs->pool;
	struct slot *slot = scheduler_want_slot(&pool->scheduler, pool->cores[0]);

	if (slot == NULL) {
		reload_on_failed(pool->sup, "there is no slot left to try the new code in");
		return;
	}
	slot->reserve = true;
	slot->place = 0;
	worker_init(pool, slot);
	pool->trial = &pool->workers[slot->index];
	forkserver_ask(fs, pool->trial);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static struct pool *find_any(struct supervisor *sup, const char *name)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		if (strcmp(sup->pools[i]->config->name, name) == 0)
			return sup->pools[i];
	return NULL;
}

/* A pool that is new is only seen when all has gone well.  *ret_why: what is wrong, if more is known of it. */
static int begin_pool(
	struct supervisor *sup, const struct pool_config *config, const char **ret_why)
{
	struct pool *pool = find_any(sup, config->name);
	int r = 0;

	if (pool == NULL)
		r = pool_add(sup, config, &pool);
	if (r == 0)
		r = forkserver_new(pool, config, &pool->next);
	if (r < 0)
		return r;
	pool->next_config = config;
	pool->tried = false;
	*ret_why = pool->next->problem;
	return forkserver_start(pool->next);
}

static void begin(struct supervisor *sup)
{
	struct reload *reload = &sup->reload;
	const char *why = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < reload->config.pool_count; i++)
		r = begin_pool(sup, &reload->config.pools[i], &why);
	if (r < 0)
		reload_on_failed(sup, why != NULL && *why != '\0' ? why : strerror(-r));
}

void reload_start(struct supervisor *sup, struct session *session, uint32_t msgid)
{
	struct reload *reload = &sup->reload;
	char error[CONFIG_ERROR_MAX] = "";
	struct message_error ending;
	int r;

	if (reload->state != RELOAD_NOT) {
		reload->again = true;
		if (session != NULL)
			asker_add(&reload->later, session, msgid);
		return;
	}
	if (session != NULL)
		asker_add(&reload->askers, session, msgid);
	if (sup->state != SUPERVISOR_RUNNING) {
		ending = error_make(RUCHE_SHUTTING_DOWN, "the daemon is ending");
		askers_tell(sup, &reload->askers, &ending);
		return;
	}
	notice_send(sup, NOTICE_RELOAD_BEGUN, &(struct notice_fields){.session = session},
		"reload: reading the configuration and the code anew");
	manager_reloading(sup);
	reload->state = RELOAD_LOADING;
	r = options_load(&sup->options, &reload->config, error);
	if (r < 0) {
		reload->config = (struct config){0};
		reload_on_failed(sup, error[0] != '\0' ? error : strerror(-r));
		return;
	}
	if (error[0] != '\0')
		log_warning("%s", error);
	begin(sup);
}

void reload_fini(struct supervisor *sup)
{
	struct reload *reload = &sup->reload;

	if (reload->state == RELOAD_LOADING)
		config_fini(&reload->config);
	for (size_t i = 0; i < reload->kept_count; i++)
		config_fini(&reload->kept[i]);
	free(reload->kept);
	askers_free(&reload->askers);
	askers_free(&reload->later);
	*reload = (struct reload){0};
}
