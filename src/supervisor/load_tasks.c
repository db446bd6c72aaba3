/* SPDX-License-Identifier: MIT */
/* load.h, tasks: they themselves, the workers that have them, and who waits for them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/groups.h"
#include "core/plan.h"
#include "supervisor/call.h"
#include "supervisor/forkserver.h"
#include "supervisor/keep.h"
#include "supervisor/load.h"
#include "supervisor/rights.h"
#include "supervisor/state_fields.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasklog.h"
#include "supervisor/timers.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

/* ---- tasks --------------------------------------------------------------------------------- */

static void count_in(struct supervisor *sup, struct task *task)
{
	struct session *session = session_find(sup, task->session);

	client_add(task->client, task);
	sup->open_tasks++;
	sup->pools[task->pool]->open_tasks++;
	sup->open_processes += task->process;
	sup->task_bytes += task->len;
	if (session == NULL)
		return;
	task_list_push(&session->tasks, task);
	session->task_bytes += task->len;
}

static void restore_run(struct supervisor *sup, struct task *task)
{
	task->flow->in_flight++;
	if (!task->counts)
		return;
	user_start(task->client->user, rights_user_running(sup, task->identity));
	if (task->record != NULL)
		task->record->running++;
}

/* One that has not ended goes where it was. */
static int place(struct loading *l, struct task *task)
{
	struct supervisor *sup = l->sup;

	task->client = load_numbered(&l->clients, state_get_uint(&l->r, "client"));
	task->identity = load_identity(l, "identity");
	if (task->client == NULL || task->identity == NULL || task->pool >= sup->pool_count)
		return load_fail(l, "a task has no client or no pool, or is nobody's");
	task->flow = queue_flow(
		call_queue(sup->pools[task->pool], task), &task->client->turns, task->priority);
	if (task->flow == NULL)
		return -ENOMEM;
	count_in(sup, task);
	queue_restore(task, task->state == TASK_QUEUED);
	if (task->state == TASK_HANDED)
		restore_run(sup, task);
	if (task->state == TASK_PARKED && task->record != NULL)
		task_list_push(&task->record->waiting, task);
	return 0;
}

int load_task(struct loading *l)
{
	struct supervisor *sup = l->sup;
	struct task *task = task_new(&sup->tasks);
	size_t len;
	const void *frame = state_get_bytes(&l->r, "frame", &len);

	if (task == NULL || task_make_frame(task, len) < 0)
		return -ENOMEM;
	if (len > 0)
		memcpy(task->frame, frame, len);
	state_get_fields(&l->r, &state_of_task, task);
	if (task->name_off + task->name_len > len)
		return load_fail(l, "a task has no name");
	l->task = task;
	if (state_get_uint(&l->r, "recorded") != 0)
		task->record = records_get(
			&sup->records, (const char *)task->frame + task->name_off, task->name_len);
	if (load_number(&l->tasks, state_get_uint(&l->r, "number"), task) < 0)
		return -ENOMEM;
	return task->state == TASK_ENDED ? 0 : place(l, task);
}

int load_plan(struct loading *l)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (plan == NULL)
		return -ENOMEM;
	state_get_fields(&l->r, &state_of_plan, plan);
	plan->task = l->task;
	plan->alarm.kind = TIMER_PLAN;
	l->task->plan = plan;
	return 0;
}

static int load_answer(struct loading *l, struct handle *handle)
{
	size_t len;
	const void *answer = state_get_bytes(&l->r, "answer", &len);

	if (answer == NULL)
		return 0;
	handle->answer = malloc(len);
	if (handle->answer == NULL)
		return -ENOMEM;
	memcpy(handle->answer, answer, len);
	handle->answer_len = len;
	return 0;
}

int load_handle(struct loading *l)
{
	struct supervisor *sup = l->sup;
	struct user *user = users_get(&sup->users, (uid_t)state_get_uint(&l->r, "uid"));
	uint64_t alarm = state_get_uint(&l->r, "alarm"), id = state_get_uint(&l->r, "id");
	size_t len;
	const char *key = state_get_bytes(&l->r, "key", &len);
	struct handle *handle = NULL;

	if (user != NULL)
		handle = handle_restore(&sup->handles, l->task, user, id, key, len);
	if (handle == NULL)
		return -ENOMEM;
	state_get_fields(&l->r, &state_of_handle, handle);
	handle->progress = state_get_double(&l->r, "progress");
	handle->tag = state_get_text(&l->r, "tag");
	handle->alarm.kind = TIMER_HANDLE;
	if (load_answer(l, handle) < 0 || tasklog_load(&l->r, handle) < 0)
		return -ENOMEM;
	return l->task->state == TASK_ENDED ? keep_restore(sup, handle, alarm) : 0;
}

/* ---- workers --------------------------------------------------------------------------------- */

int load_slot(struct loading *l)
{
	struct supervisor *sup = l->sup;
	uint64_t p = state_get_uint(&l->r, "pool"), i = state_get_uint(&l->r, "index");
	struct scheduler *scheduler;

	if (p >= sup->pool_count || i >= sup->pools[p]->scheduler.slot_max)
		return load_fail(l, "a worker has no pool, or there are too many");
	l->pool = sup->pools[p];
	scheduler = &l->pool->scheduler;
	while (scheduler->slot_count <= i) {
		slot_init(&scheduler->slots[scheduler->slot_count], scheduler->slot_count, -1);
		scheduler->slot_count++;
	}
	l->slot = &scheduler->slots[i];
	state_get_fields(&l->r, &state_of_slot, l->slot);
	if (l->slot->state >= SLOT_STATES)
		return load_fail(l, "a worker is in no known state");
	worker_init(l->pool, l->slot);
	return 0;
}

int load_entry(struct loading *l)
{
	const struct task *task = load_numbered(&l->tasks, state_get_uint(&l->r, "task"));
	struct slot *slot = l->slot;

	if (slot->count == SLOT_DEPTH)
		return load_fail(l, "a worker has too many tasks");
	*slot_entry_at(slot, slot->count++) = (struct slot_entry){
		(uint32_t)state_get_uint(&l->r, "seq"), task != NULL ? task->ref : REF_NONE};
	if (task == NULL)
		return 0;
	slot->live++;
	slot->last_flow = task->flow;
	slot->last_order = task->order;
	return 0;
}

static struct forkserver *forkserver_at(const struct pool *pool, uint64_t number)
{
	struct forkserver *fs = number == 0 ? pool->forkserver : pool->former;

	for (; number > 1 && fs != NULL; number--)
		fs = fs->older;
	return fs;
}

static void load_descriptors(struct state_reader *r, struct worker *worker)
{
	worker->kit.tasks_fd = state_get_fd(r, "tasks");
	worker->kit.results_fd = state_get_fd(r, "results");
	worker->kit.output_fd = state_get_fd(r, "output");
	worker->kit.arenas_fd = state_get_fd(r, "arenas");
	worker->kit.claims_fd = state_get_memory(r, "claims");
}

static int load_group(struct loading *l, struct worker *worker)
{
	char name[GROUPS_NAME_MAX] = "";

	state_copy_text(&l->r, "group", name, sizeof(name));
	if (name[0] == '\0')
		return 0;
	return cgroup_restore(&l->sup->cgroups, name, worker->memory_max > 0, &worker->group);
}

int load_worker(struct loading *l)
{
	struct worker *worker = &l->pool->workers[l->slot->index];
	size_t len;
	const char *tail = state_get_bytes(&l->r, "tail", &len);

	if (len > 0)
		tail_add(&worker->tail, tail, len);
	state_get_fields(&l->r, &state_of_worker, worker);
	worker->forkserver = forkserver_at(l->pool, state_get_uint(&l->r, "forkserver"));
	load_descriptors(&l->r, worker);
	state_get_buf(&l->r, "out", &worker->out);
	state_get_buf(&l->r, "in", &worker->in);
	state_copy_text(&l->r, "token", worker->kit.token, sizeof(worker->kit.token));
	state_copy_text(&l->r, "problem", worker->problem, sizeof(worker->problem));
	state_copy_text(&l->r, "last_death", worker->last_death, sizeof(worker->last_death));
	if (load_group(l, worker) < 0)
		return -ENOMEM;
	return worker_restore(worker, state_get_uint(&l->r, "is_read") != 0,
		state_get_uint(&l->r, "is_heard") != 0);
}

int load_nested(struct loading *l)
{
	struct worker *worker = &l->pool->workers[l->slot->index];
	struct session *session = load_session_at(l, state_get_uint(&l->r, "session"));
	struct session **at = &worker->nested;

	if (session == NULL || session->parent != NULL)
		return load_fail(l, "a task's own connection is not there");
	while (*at != NULL)
		at = &(*at)->next_nested;
	*at = session;
	session->parent = worker;
	return 0;
}

/* ---- who waits --------------------------------------------------------------------------------- */

int load_wait(struct loading *l)
{
	struct session *session = load_session_at(l, state_get_uint(&l->r, "session"));
	struct wait like = {0};

	if (session == NULL)
		return load_fail(l, "somebody who waits is not there");
	state_get_fields(&l->r, &state_of_wait, &like);
	l->links = state_get_uint(&l->r, "count");
	if (l->links >= NUMBER_MAX)
		return load_fail(l, "somebody waits for too many");
	l->wait = wait_restore(session, &like, l->links, state_get_uint(&l->r, "alarm"));
	return l->wait == NULL ? -ENOMEM : 0;
}

int load_link(struct loading *l)
{
	uint64_t id = state_get_uint(&l->r, "id");
	bool is_open = state_get_uint(&l->r, "open") != 0;

	if (l->links-- == 0)
		return load_fail(l, "somebody waits for more than was said");
	wait_link_up(l->wait, id, is_open ? handles_find(&l->sup->handles, id) : NULL);
	return 0;
}

static struct asker **askers_of(struct loading *l)
{
	struct supervisor *sup = l->sup;
	uint64_t pool = state_get_uint(&l->r, "pool");
	char what[16];

	state_copy_text(&l->r, "what", what, sizeof(what));
	if (strcmp(what, "upgrade") == 0)
		return &sup->upgrade.askers;
	if (pool == 0)
		return &sup->drainers;
	return pool <= sup->pool_count ? &sup->pools[pool - 1]->drainers : NULL;
}

int load_asker(struct loading *l)
{
	struct ref ref = {(uint32_t)state_get_uint(&l->r, "session"),
		(uint32_t)state_get_uint(&l->r, "generation")};
	struct session *session = session_get(l->sup, ref);
	struct asker **askers = askers_of(l);

	if (session == NULL || askers == NULL)
		return 0; /* it has gone */
	return asker_add(askers, session, (uint32_t)state_get_uint(&l->r, "msgid"));
}
