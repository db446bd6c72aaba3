/* SPDX-License-Identifier: MIT */
/* upgrade.h: all that the daemon knows becomes a state. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "supervisor/arena.h"
#include "supervisor/forkserver.h"
#include "supervisor/objects.h"
#include "supervisor/state_fields.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/upgrade.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

/* ---- what it was told --------------------------------------------------------------------- */

/* The texts and not what they mean: the next version may have another default. */
static void save_config(struct state_writer *w, const struct config *config)
{
	for (size_t i = 0; i < config->text_count; i++) {
		state_begin(w, "text");
		state_put_text(w, "file", config->texts[i].file);
		state_put_bytes(w, "text", config->texts[i].text, config->texts[i].len);
		state_end(w);
	}
	state_begin(w, "config");
	state_end(w);
}

static void save_configs(struct state_writer *w, const struct supervisor *sup)
{
	save_config(w, &sup->config);
	for (size_t i = 0; i < sup->reload.kept_count; i++)
		save_config(w, &sup->reload.kept[i]);
}

/* The number of the config that the pool's own lies in. */
static uint64_t config_of(const struct supervisor *sup, const struct pool_config *pool)
{
	for (size_t i = 0; i < sup->reload.kept_count; i++)
		if (config_has_pool(&sup->reload.kept[i], pool))
			return i + 1;
	return 0;
}

/* ---- the daemon, its users ------------------------------------------------------------------ */

static void save_supervisor(struct state_writer *w, const struct supervisor *sup)
{
	state_begin(w, "supervisor");
	state_put_fields(w, &state_of_supervisor, sup);
	state_put_text(w, "program", sup->upgrade.program);
	state_put_bytes(w, "sessions", sup->sessions.generations,
		sup->sessions.cap * sizeof(*sup->sessions.generations));
	state_end(w);
}

static void save_groups(struct state_writer *w, const struct cgroups *groups)
{
	for (size_t i = 0; i < groups->tree_count; i++) {
		const struct cgroup_tree *tree = groups->trees[i];

		state_begin(w, "hierarchy");
		state_put_fields(w, &state_of_cgroup_tree, tree);
		state_put_text(w, "own", tree->own);
		state_put_text(w, "base", tree->base);
		state_put_uint(w, "plain", tree == groups->plain);
		state_end(w);
	}
	for (const struct cgroup *group = groups->dying; group != NULL;
		group = cgroup_next(group)) {
		state_begin(w, "dying_group");
		state_put_text(w, "name", cgroup_name(group));
		state_end(w);
	}
}

static void save_listener(struct state_writer *w, const struct listener *listener)
{
	state_begin(w, "listener");
	state_put_fields(w, &state_of_listener, listener);
	state_put_text(w, "path", listener->path);
	state_put_text(w, "address", listener->address);
	state_end(w);
	for (size_t i = 0; i < listener->count; i++) {
		state_begin(w, "socket");
		state_put_fd(w, "fd", listener->fds[i]);
		state_end(w);
	}
}

static void save_records(struct state_writer *w, const struct supervisor *sup)
{
	struct record *record = NULL;

	while ((record = records_next(&sup->records, record)) != NULL) {
		state_begin(w, "record");
		state_put_fields(w, &state_of_record, record);
		state_put_text(w, "name", record->name);
		state_put_bytes(w, "reasons", record->reasons, sizeof(record->reasons));
		state_end(w);
	}
}

static void save_clients(struct state_writer *w, const struct supervisor *sup)
{
	uint32_t number = 0;

	for (struct user *user = sup->users.first; user != NULL; user = user->next)
		for (struct client *client = user->clients; client != NULL;
			client = client->next_of_user) {
			client->number = ++number;
			state_begin(w, "client");
			state_put_uint(w, "number", number);
			state_put_uint(w, "uid", user->uid);
			state_put_uint(w, "detached", client == user->detached);
			state_end(w);
		}
}

static void save_identities(struct state_writer *w, const struct supervisor *sup)
{
	uint32_t number = 0;

	for (struct identity *i = sup->identities.first; i != NULL; i = i->next) {
		i->number = ++number;
		state_begin(w, "identity");
		state_put_uint(w, "number", number);
		state_put_uint(w, "uid", i->uid);
		state_put_uint(w, "gid", i->gid);
		state_put_bytes(w, "groups", i->groups, i->group_count * sizeof(*i->groups));
		state_end(w);
	}
}

/* 0: nobody. */
static uint32_t number_of(const struct identity *identity)
{
	return identity != NULL ? identity->number : 0;
}

/* ---- pools -------------------------------------------------------------------------------- */

static void save_forkserver(struct state_writer *w, const struct forkserver *fs, bool is_former)
{
	state_begin(w, "forkserver");
	state_put_fields(w, &state_of_forkserver, fs);
	state_put_fd(w, "link", fs->link);
	state_put_uint(w, "former", is_former);
	state_put_text(w, "problem", fs->problem);
	state_end(w);
}

static void save_functions(struct state_writer *w, const struct functions *functions)
{
	for (size_t i = 0; i < functions->count; i++) {
		const struct function *function = &functions->all[i];

		state_begin(w, "function");
		state_put_text(w, "name", function->name);
		state_put_text(w, "params", function->params);
		state_put_text(w, "summary", function->summary);
		state_put_text(w, "plugin", function->plugin);
		state_end(w);
	}
}

static void save_pools(struct state_writer *w, const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++) {
		const struct pool *pool = sup->pools[i];

		state_begin(w, "pool");
		state_put_text(w, "name", pool->config->name);
		state_put_uint(w, "config", config_of(sup, pool->config));
		state_put_fields(w, &state_of_pool, pool);
		state_put_uint(w, "min", pool->min);
		state_put_uint(w, "max", pool->max);
		state_end(w);
		save_functions(w, &pool->functions);
		save_forkserver(w, pool->forkserver, false);
		for (const struct forkserver *fs = pool->former; fs != NULL; fs = fs->older)
			save_forkserver(w, fs, true);
	}
}

/* ---- sessions ------------------------------------------------------------------------------ */

static void save_arena(struct state_writer *w, const struct session_arena *arena)
{
	if (arena == NULL)
		return;
	state_begin(w, "arena");
	state_put_fields(w, &state_of_arena, arena);
	state_put_fd(w, "fd", arena->fd);
	state_put_bytes(w, "births", arena->births, arena->count * sizeof(*arena->births));
	state_end(w);
}

/* What is still to be sent to the session before. */
static void save_fds(struct state_writer *w, const struct fd_queue *fds)
{
	const struct fd_queued *queued;

	for (size_t i = 0; (queued = fd_queue_at(fds, i)) != NULL; i++) {
		state_begin(w, "passing");
		state_put_uint(w, "at", queued->at);
		state_put_fd(w, "fd", queued->fd);
		state_end(w);
	}
}

static void save_sessions(struct state_writer *w, const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->sessions.cap; i++) {
		const struct session *session = sup->sessions.all[i];

		if (session == NULL)
			continue;
		state_begin(w, "session");
		state_put_fields(w, &state_of_session, session);
		state_put_fd(w, "fd", session->fd);
		state_put_uint(w, "client", session->client->number);
		state_put_uint(w, "self", number_of(session->self));
		state_put_uint(w, "speaks_for", number_of(session->speaks_for));
		state_put_uint(w, "unread",
			session->unread_alarm.position != 0 ? session->unread_alarm.at : 0);
		state_put_bytes(w, "in", buf_data(&session->in), buf_len(&session->in));
		state_put_bytes(w, "out", buf_data(&session->out), buf_len(&session->out));
		state_end(w);
		save_fds(w, &session->fds);
		save_arena(w, session->arena);
	}
}

/* ---- tasks --------------------------------------------------------------------------------- */

static void save_plan(struct state_writer *w, const struct plan *plan)
{
	if (plan == NULL)
		return;
	state_begin(w, "plan");
	state_put_fields(w, &state_of_plan, plan);
	state_end(w);
}

static void save_handle(struct state_writer *w, const struct handle *handle)
{
	if (handle == NULL)
		return;
	state_begin(w, "handle");
	state_put_uint(w, "id", handle->id);
	state_put_uint(w, "uid", handle->user->uid);
	state_put_fields(w, &state_of_handle, handle);
	state_put_bytes(w, "key", handle->key, handle->key != NULL ? handle->key_len : 0);
	state_put_text(w, "tag", handle->tag);
	state_put_double(w, "progress", handle->progress);
	state_put_bytes(w, "answer", handle->answer, handle->answer_len);
	state_put_uint(w, "alarm", alarm_is_set(&handle->alarm) ? handle->alarm.at : 0);
	tasklog_save(w, handle);
	state_end(w);
}

static void save_task(struct state_writer *w, const struct task *task)
{
	bool has_request = task->state != TASK_ENDED;

	state_begin(w, "task");
	state_put_uint(w, "number", (uint64_t)task->ref.index + 1);
	state_put_fields(w, &state_of_task, task);
	state_put_uint(w, "client", task->client != NULL ? task->client->number : 0);
	state_put_uint(w, "identity", number_of(task->identity));
	state_put_uint(w, "recorded", task->record != NULL);
	state_put_bytes(w, "frame", task->frame, has_request ? task->len : task->name_len);
	state_end(w);
	save_plan(w, task->plan);
	save_handle(w, task->handle);
}

static void save_list(struct state_writer *w, const struct task_list *list)
{
	for (const struct task *task = list->first; task != NULL; task = task->next[list->kind])
		save_task(w, task);
}

/* In the order of turns. */
static void save_turns(struct state_writer *w, const struct queue *queue)
{
	for (int level = 0; level < QUEUE_LEVELS; level++) {
		const struct flow *first = queue->turn[level], *flow = first;

		for (; flow != NULL; flow = flow->next != first ? flow->next : NULL)
			save_list(w, &flow->tasks);
	}
}

/* Of clients that are held. */
static void save_held(struct state_writer *w, const struct supervisor *sup)
{
	for (const struct user *user = sup->users.first; user != NULL; user = user->next)
		for (const struct client *client = user->clients; client != NULL;
			client = client->next_of_user)
			for (const struct flow *flow = client->turns.flows; flow != NULL;
				flow = flow->next_of_client)
				if (flow->next == NULL)
					save_list(w, &flow->tasks);
}

/* What is delayed, and what workers have. */
static void save_unlisted(struct state_writer *w, const struct supervisor *sup)
{
	const struct task *task = NULL;

	while ((task = task_next(&sup->tasks, task)) != NULL)
		if (task->state == TASK_DELAYED || task->state == TASK_HANDED)
			save_task(w, task);
}

static void save_tasks(struct state_writer *w, const struct supervisor *sup)
{
	const struct record *record = NULL;

	for (size_t i = 0; i < sup->pool_count; i++) {
		save_turns(w, &sup->pools[i]->scheduler.queue);
		save_turns(w, &sup->pools[i]->scheduler.processes);
	}
	save_held(w, sup);
	while ((record = records_next(&sup->records, record)) != NULL)
		save_list(w, &record->waiting);
	save_unlisted(w, sup);
	save_list(w, &sup->kept);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void save_entries(struct state_writer *w, struct slot *slot)
{
	for (uint32_t i = 0; i < slot->count; i++) {
		const struct slot_entry *entry = slot_entry_at(slot, i);
		bool is_there = entry->task.generation != 0;

		state_begin(w, "entry");
		state_put_uint(w, "seq", entry->seq);
		state_put_uint(w, "task", is_there ? (uint64_t)entry->task.index + 1 : 0);
		state_end(w);
	}
}

/* 0: the pool's present one, else which of the former ones; none is the number behind those. */
static uint64_t forkserver_of(const struct worker *worker)
{
	const struct forkserver *fs = worker->pool->former;
	uint64_t number = 1;

	if (worker->forkserver == worker->pool->forkserver)
		return 0;
	for (; fs != NULL && fs != worker->forkserver; fs = fs->older)
		number++;
	return number;
}

static void save_worker(struct state_writer *w, const struct worker *worker)
{
	bool is_open = worker->kit.results_fd >= 0;

	state_begin(w, "worker");
	state_put_fields(w, &state_of_worker, worker);
	state_put_uint(w, "forkserver", forkserver_of(worker));
	state_put_fd(w, "tasks", worker->kit.tasks_fd);
	state_put_fd(w, "results", worker->kit.results_fd);
	state_put_fd(w, "output", worker->kit.output_fd);
	state_put_fd(w, "arenas", worker->kit.arenas_fd);
	state_put_fd(w, "claims", worker->kit.claims_fd);
	state_put_uint(w, "is_read", is_open && event_pending(&worker->on_results, EV_READ, NULL));
	state_put_uint(w, "is_heard", is_open && event_pending(&worker->on_output, EV_READ, NULL));
	state_put_bytes(w, "out", buf_data(&worker->out), buf_len(&worker->out));
	state_put_bytes(w, "in", buf_data(&worker->in), buf_len(&worker->in));
	state_put_bytes(w, "tail", worker->tail.text, worker->tail.len);
	state_put_text(w, "token", worker->kit.token);
	state_put_text(w, "problem", worker->problem);
	state_put_text(w, "last_death", worker->last_death);
	state_put_text(w, "group", worker->group != NULL ? cgroup_name(worker->group) : NULL);
	state_end(w);
}

static void save_nested(struct state_writer *w, const struct worker *worker)
{
	for (const struct session *s = worker->nested; s != NULL; s = s->next_nested) {
		state_begin(w, "nested");
		state_put_uint(w, "session", s->ref.index);
		state_end(w);
	}
}

static void save_slots(struct state_writer *w, const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++) {
		state_begin(w, "slot");
		state_put_uint(w, "pool", pool->index);
		state_put_fields(w, &state_of_slot, &pool->scheduler.slots[i]);
		state_end(w);
		save_entries(w, &pool->scheduler.slots[i]);
		save_worker(w, &pool->workers[i]);
		save_nested(w, &pool->workers[i]);
	}
}

/* ---- who waits --------------------------------------------------------------------------------- */

static void save_wait(struct state_writer *w, const struct wait *wait)
{
	state_begin(w, "wait");
	state_put_fields(w, &state_of_wait, wait);
	state_put_uint(w, "session", wait->session->ref.index);
	state_put_uint(w, "alarm", alarm_is_set(&wait->alarm) ? wait->alarm.at : 0);
	state_put_uint(w, "count", wait->count);
	state_end(w);
	for (size_t i = 0; i < wait->count; i++) {
		state_begin(w, "link");
		state_put_uint(w, "id", wait->links[i].id);
		state_put_uint(w, "open", wait->links[i].handle != NULL);
		state_end(w);
	}
}

static void save_waits(struct state_writer *w, const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->sessions.cap; i++)
		if (sup->sessions.all[i] != NULL)
			for (const struct wait *wait = sup->sessions.all[i]->waits; wait != NULL;
				wait = wait->next)
				save_wait(w, wait);
}

/* `pool` is its number from 1; 0: of all. */
static void save_askers(
	struct state_writer *w, const struct asker *asker, const char *what, size_t pool)
{
	for (; asker != NULL; asker = asker->next) {
		state_begin(w, "asker");
		state_put_text(w, "what", what);
		state_put_uint(w, "pool", pool);
		state_put_uint(w, "session", asker->session.index);
		state_put_uint(w, "generation", asker->session.generation);
		state_put_uint(w, "msgid", asker->msgid);
		state_end(w);
	}
}

/* ---- all of it ---------------------------------------------------------------------------------- */

int upgrade_save(struct supervisor *sup, struct state_writer *w)
{
	state_begin(w, "ruche");
	state_put_uint(w, "format", STATE_FORMAT);
	state_put_uint(w, "link", LINK_VERSION);
	state_put_text(w, "version", PACKAGE_VERSION);
	state_put_fd(w, "program", sup->upgrade.old_program);
	state_end(w);
	save_configs(w, sup);
	save_supervisor(w, sup);
	save_groups(w, &sup->cgroups);
	save_listener(w, &sup->listener);
	save_records(w, sup);
	save_clients(w, sup);
	save_identities(w, sup);
	save_pools(w, sup);
	save_sessions(w, sup);
	save_tasks(w, sup);
	for (size_t i = 0; i < sup->pool_count; i++)
		save_slots(w, sup->pools[i]);
	save_waits(w, sup);
	objects_save(w, sup);
	save_askers(w, sup->upgrade.askers, "upgrade", 0);
	save_askers(w, sup->drainers, "drain", 0);
	for (size_t i = 0; i < sup->pool_count; i++)
		save_askers(w, sup->pools[i]->drainers, "drain", i + 1);
	state_begin(w, "end");
	state_end(w);
	return state_finish(w);
}
