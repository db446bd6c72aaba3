/* SPDX-License-Identifier: MIT */
#include "supervisor/staff.h"

#include "base/clock.h"
#include "supervisor/config.h"
#include "supervisor/forkserver.h"
#include "supervisor/pool.h"
#include "supervisor/reload.h"
#include "supervisor/results.h"
#include "supervisor/rights.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

#define LOOK_INTERVAL CLOCK_MS      /* while something is handed ahead */
#define LEND_TIME CLOCK_S           /* for which a worker that took another's place is kept */
#define SURPLUS_TIME (10 * CLOCK_S) /* and one above the pool's min */

/* ---- how many ------------------------------------------------------------------------- */

static bool is_staff(const struct slot *slot)
{
	return slot->state != SLOT_ABSENT && !slot->leaving && !slot->reserve && !slot->process &&
	       slot->replaces == 0;
}

static uint32_t count_staff(const struct scheduler *scheduler)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scheduler->slot_count; i++)
		count += is_staff(&scheduler->slots[i]);
	return count;
}

/* Places that others may take. */
static uint32_t count_lent(const struct pool *pool)
{
	uint32_t lending = scheduler_lending(&pool->scheduler);
	uint64_t limit = pool->sup->config.limits.nested;

	return lending < limit ? lending : (uint32_t)limit;
}

static uint32_t count_wanted(const struct pool *pool)
{
	const struct scheduler *scheduler = &pool->scheduler;
	uint64_t wanted = scheduler_running(scheduler) + (uint64_t)pool->spare;

	if (pool->hidden && pool->open_tasks == 0)
		return 0;
	if (!pool->paused && scheduler->queue.levels != 0)
		wanted += scheduler->queue.count;
	if (wanted < pool->min)
		wanted = pool->min;
	if (wanted > pool->max)
		wanted = pool->max;
	return (uint32_t)wanted + count_lent(pool);
}

/* ---- more ----------------------------------------------------------------------------- */

static bool is_process(const struct slot *slot)
{
	return slot->state != SLOT_ABSENT && slot->process;
}

/* The place that has the fewest of these. */
static uint32_t place_of_next(const struct pool *pool, bool (*is_one)(const struct slot *slot))
{
	uint32_t taken[CONFIG_WORKERS_MAX] = {0}, best = 0;

	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (is_one(&pool->scheduler.slots[i]))
			taken[pool->scheduler.slots[i].place % pool->max]++;
	for (uint32_t i = 1; i < pool->max; i++)
		if (taken[i] < taken[best])
			best = i;
	return best;
}

static struct worker *want(struct pool *pool, uint32_t place)
{
	struct slot *slot = scheduler_want_slot(&pool->scheduler, pool->cores[place % pool->max]);

	if (slot == NULL)
		return NULL;
	slot->place = place;
	worker_init(pool, slot);
	return &pool->workers[slot->index];
}

static void hire(struct pool *pool)
{
	uint32_t staff = count_staff(&pool->scheduler), wanted = count_wanted(pool);

	for (; staff < wanted; staff++)
		if (want(pool, place_of_next(pool, is_staff)) == NULL)
			return;
}

/* Unless it is at work, or being made. */
static bool send_home(struct worker *worker)
{
	enum slot_state state = worker->slot->state;

	if (state == SLOT_IDLE)
		worker_leave(worker);
	else if (state == SLOT_EMPTY || state == SLOT_WAITING || state == SLOT_FAILED)
		worker_dismiss(worker);
	else
		return false;
	return true;
}

/* ---- processes ------------------------------------------------------------------------ */

/* How many more tasks of this user may run. */
static uint64_t room_of(const struct supervisor *sup, const struct task *task)
{
	uint64_t limit = rights_user_running(sup, task->identity);
	uint64_t running = task->client->user->running;

	if (limit == 0)
		return UINT64_MAX;
	return running < limit ? limit - running : 0;
}

/* Those that could begin now: a worker is not made for one that may not. */
static uint64_t count_of_ring(const struct supervisor *sup, const struct flow *first)
{
	const struct flow *flow = first;
	uint64_t count = 0;

	for (; flow != NULL; flow = flow->next != first ? flow->next : NULL) {
		uint64_t room = room_of(sup, flow->tasks.first);

		count += flow->tasks.count < room ? flow->tasks.count : room;
	}
	return count;
}

static uint64_t count_processes_wanted(const struct pool *pool)
{
	uint64_t count = 0;

	for (int level = 0; !pool->paused && level < QUEUE_LEVELS; level++)
		count += count_of_ring(pool->sup, pool->scheduler.processes.turn[level]);
	return count;
}

/* It goes where there is room, but not to cores that its pool is kept from. */
static int core_for_process(const struct pool *pool, uint32_t place)
{
	return pool->config->cores != NULL ? pool->cores[place] : -1;
}

/* No process is to run old code. */
static void leave_if_outdated(struct worker *worker)
{
	if (worker->slot->state == SLOT_IDLE && slot_awaits_process(worker->slot) &&
		worker->forkserver != worker->pool->forkserver)
		worker_leave(worker);
}

static void hire_for_processes(struct pool *pool)
{
	uint64_t wanted = count_processes_wanted(pool);

	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (is_process(&pool->scheduler.slots[i]))
			leave_if_outdated(&pool->workers[i]);
	for (uint64_t there = scheduler_awaiting(&pool->scheduler); there < wanted; there++) {
		uint32_t place = place_of_next(pool, is_process);
		struct worker *worker = want(pool, place);

		if (worker == NULL)
			return;
		worker->slot->core = core_for_process(pool, place);
		worker->slot->process = true;
	}
}

/* Their tasks have gone before they came. */
static void dismiss_from_processes(struct pool *pool)
{
	struct scheduler *scheduler = &pool->scheduler;
	uint64_t there = scheduler_awaiting(scheduler), wanted = count_processes_wanted(pool);

	for (uint32_t i = scheduler->slot_count; i-- > 0 && there > wanted;)
		there -= slot_awaits_process(&scheduler->slots[i]) && send_home(&pool->workers[i]);
}

/* ---- others --------------------------------------------------------------------------- */

static bool is_outdated(const struct worker *worker)
{
	const struct slot *slot = worker->slot;

	if (worker->pool == NULL)
		return false;
	if ((slot->state != SLOT_IDLE && slot->state != SLOT_BUSY) || slot->leaving ||
		slot->reserve || slot->process || slot->stays)
		return false;
	return worker->worn_out || worker->forkserver != worker->pool->forkserver;
}

static struct worker *find_outdated(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (is_outdated(&pool->workers[i]))
			return &pool->workers[i];
	return NULL;
}

/* The former fork server had been asked for it: it is replaced when it is ready. */
static bool will_be_outdated(const struct worker *worker)
{
	return worker->pool != NULL && worker->slot->state == SLOT_STARTING &&
	       !worker->slot->process && !worker->slot->leaving &&
	       worker->forkserver != worker->pool->forkserver;
}

bool staff_is_outdated(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (is_outdated(&pool->workers[i]) || will_be_outdated(&pool->workers[i]))
			return true;
	return false;
}

void staff_admit(struct worker *trial)
{
	struct worker *old = find_outdated(trial->pool);

	trial->slot->reserve = false;
	if (old != NULL)
		worker_leave(old);
}

static void replace_outdated(struct pool *pool)
{
	struct scheduler *scheduler = &pool->scheduler;

	for (uint32_t i = 0; i < scheduler->slot_count; i++) {
		struct slot *slot = &scheduler->slots[i];
		struct worker *other;

		if (slot->is_replaced || !is_outdated(&pool->workers[i]))
			continue;
		other = want(pool, slot->place);
		if (other == NULL)
			return;
		slot->is_replaced = true;
		other->slot->replaces = i + 1;
	}
}

static struct worker *replaced_by(struct worker *worker)
{
	uint32_t replaces = worker->slot->replaces;

	worker->slot->replaces = 0;
	return replaces > 0 ? &worker->pool->workers[replaces - 1] : NULL;
}

void staff_on_ready(struct worker *worker)
{
	struct worker *old = replaced_by(worker);

	if (old != NULL && is_outdated(old))
		worker_leave(old);
	leave_if_outdated(worker);
	if (is_outdated(worker))
		staff_balance(worker->pool);
	staff_look_soon(worker->pool);
}

bool staff_on_given_up(struct worker *worker)
{
	struct worker *old = replaced_by(worker);

	if (old != NULL)
		old->slot->stays = true;
	return old != NULL;
}

void staff_balance(struct pool *pool)
{
	if (pool->sup->state != SUPERVISOR_RUNNING && pool->sup->state != SUPERVISOR_STARTING)
		return;
	hire(pool);
	hire_for_processes(pool);
	replace_outdated(pool);
	forkserver_want(pool);
}

/* ---- fewer ---------------------------------------------------------------------------- */

/* Sends idle workers home that are not wanted. */
static void dismiss(struct pool *pool)
{
	struct scheduler *scheduler = &pool->scheduler;
	uint32_t staff = count_staff(scheduler), wanted = count_wanted(pool);

	for (uint32_t i = scheduler->slot_count; i-- > 0 && staff > wanted;) {
		const struct slot *slot = &scheduler->slots[i];

		if (is_staff(slot) && !slot->is_replaced)
			staff -= send_home(&pool->workers[i]);
	}
}

/* A pool that the config names no more needs no fork server when its last worker has left. */
static void close_if_gone(struct pool *pool)
{
	if (pool->hidden && pool->open_tasks == 0 && pool->forkserver->workers == 0)
		forkserver_release(pool->forkserver);
}

/* True: look again later. */
static bool look_for_surplus(struct pool *pool, uint64_t now)
{
	uint32_t staff = count_staff(&pool->scheduler);
	uint64_t patience = staff > pool->max ? LEND_TIME : SURPLUS_TIME;

	if (staff <= count_wanted(pool)) {
		pool->surplus_since = 0;
		close_if_gone(pool);
		return false;
	}
	if (pool->surplus_since == 0)
		pool->surplus_since = now;
	if (pool->hidden || now - pool->surplus_since >= patience)
		dismiss(pool);
	return true;
}

/* It is at a task for long already, with others behind that. */
static bool has_stalled(struct worker *worker)
{
	const struct task *task;

	results_catch_up(worker);
	task = worker_head(worker);
	return worker->slot->live >= 2 && task != NULL &&
	       worker->sup->now - task->started_at >= LOOK_INTERVAL;
}

/* Gets back what waits behind a task that takes long.  True: look again soon. */
static bool look_for_stalls(struct pool *pool)
{
	bool again = false;

	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++) {
		struct slot *slot = &pool->scheduler.slots[i];

		if (slot->live < 2)
			continue;
		/* Also one that has been found so: it may have begun with more just then, and hold answers back. */
		if (has_stalled(&pool->workers[i]) && !slot->stalled) {
			slot->stalled = true;
			worker_requeue_unstarted(&pool->workers[i]);
		}
		again = true;
	}
	return again;
}

static void look_in(struct pool *pool, uint64_t ns)
{
	pool->look_in = ns;
	supervisor_set_timer(&pool->look_timer, ns);
}

static void on_look(evutil_socket_t fd, short what, void *data)
{
	struct pool *pool = data;
	bool busy = look_for_stalls(pool);
	bool surplus = look_for_surplus(pool, clock_now());

	dismiss_from_processes(pool);

	(void)fd;
	(void)what;
	pool->look_in = 0;
	if (busy)
		look_in(pool, LOOK_INTERVAL);
	else if (surplus)
		look_in(pool, LEND_TIME / 4);
}

void staff_look_soon(struct pool *pool)
{
	if (pool->look_in == 0 || pool->look_in > LOOK_INTERVAL)
		look_in(pool, LOOK_INTERVAL);
}

void staff_init(struct pool *pool)
{
	evtimer_assign(&pool->look_timer, pool->sup->base, on_look, pool);
}

void staff_fini(struct pool *pool)
{
	evtimer_del(&pool->look_timer);
}
