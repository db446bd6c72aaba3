/* SPDX-License-Identifier: MIT */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/proctree.h"
#include "supervisor/call.h"
#include "supervisor/dispatch.h"
#include "supervisor/forkserver.h"
#include "supervisor/machine.h"
#include "supervisor/objects.h"
#include "supervisor/reaper.h"
#include "supervisor/tasklog.h"
#include "supervisor/timers.h"
#include "supervisor/worker.h"

enum { SIZE_LARGE = 128 * 1024 };

#define TRIM_DELAY (2 * CLOCK_S)
#define LEAVE_LIMIT (3 * CLOCK_S) /* for children to leave when all is answered */

/* ---- small services --------------------------------------------------------------------- */

msgpack_packer supervisor_packer(struct supervisor *sup)
{
	msgpack_packer pk;

	msgpack_sbuffer_clear(&sup->scratch);
	msgpack_packer_init(&pk, &sup->scratch, msgpack_sbuffer_write);
	return pk;
}

void supervisor_look_at_clock(struct supervisor *sup)
{
	sup->now = clock_now();
}

void supervisor_note_size(struct supervisor *sup, size_t len)
{
	if (len < SIZE_LARGE || sup->trims)
		return;
	sup->trims = true;
	supervisor_set_timer(&sup->trim_timer, TRIM_DELAY);
}

void supervisor_set_timer(struct event *timer, uint64_t ns)
{
	struct timeval tv = {
		.tv_sec = (time_t)(ns / CLOCK_S), .tv_usec = (suseconds_t)(ns % CLOCK_S / 1000)};

	evtimer_add(timer, &tv);
}

/* ---- signals ---------------------------------------------------------------------------- */

static void on_child(evutil_socket_t signal, short what, void *data)
{
	(void)signal;
	(void)what;
	reaper_run(data);
}

/* The second time they mean it. */
static void on_term(evutil_socket_t signal, short what, void *data)
{
	struct supervisor *sup = data;

	(void)what;
	notice_send(sup, NOTICE_DAEMON_ENDING, &(struct notice_fields){.signal = (int)signal},
		"signal %d: ending", (int)signal);
	supervisor_stop(sup, 0, sup->state >= SUPERVISOR_STOPPING ? 0 : sup->config.stop_grace);
}

static void on_hup(evutil_socket_t signal, short what, void *data)
{
	(void)signal;
	(void)what;
	reload_start(data, NULL, 0);
}

static void on_usr2(evutil_socket_t signal, short what, void *data)
{
	(void)signal;
	(void)what;
	upgrade_start(data, NULL, 0);
}

static void on_orphans(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	reaper_sweep(data);
}

static void on_groups(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	reaper_sweep_groups(data);
}

static void on_trim(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;

	(void)fd;
	(void)what;
	sup->trims = false;
	heap_trim();
}

/* ---- ending ----------------------------------------------------------------------------- */

static void kill_workers(struct supervisor *sup)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			if (sup->pools[p]->scheduler.slots[i].live > 0)
				worker_kill(&sup->pools[p]->workers[i], "the daemon is ending");
}

static void fail_queued(struct supervisor *sup)
{
	struct message_error error =
		error_make(RUCHE_SHUTTING_DOWN, "the daemon ended before the task was started");

	call_fail_waiting(sup, &error);
}

static void take_all_back(struct supervisor *sup)
{
	for (size_t p = 0; p < sup->pool_count; p++)
		for (uint32_t i = 0; i < sup->pools[p]->scheduler.slot_count; i++)
			worker_requeue_unstarted(&sup->pools[p]->workers[i]);
}

static void on_stop_timer(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;

	(void)fd;
	(void)what;
	if (sup->state == SUPERVISOR_STOPPING) {
		kill_workers(sup);
		supervisor_set_timer(&sup->stop_timer, LEAVE_LIMIT);
	} else {
		sup->given_up = true;
	}
}

void supervisor_stop(struct supervisor *sup, int exit_status, uint64_t grace)
{
	if (sup->state == SUPERVISOR_ENDING)
		return;
	if (sup->state != SUPERVISOR_STOPPING) {
		sup->state = SUPERVISOR_STOPPING;
		sup->exit_status = exit_status;
		manager_stopping(sup);
		reload_on_failed(sup, "the daemon is ending");
		listener_close(sup);
		take_all_back(sup);
		fail_queued(sup);
	}
	if (grace == 0)
		kill_workers(sup);
	supervisor_set_timer(&sup->stop_timer, grace > 0 ? grace : LEAVE_LIMIT);
}

static void release_children(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		worker_release(&pool->workers[i]);
	forkservers_release(pool);
}

/* Everything is answered: say goodbye to clients, then to children. */
static void begin_to_end(struct supervisor *sup)
{
	sup->state = SUPERVISOR_ENDING;
	objects_shut_down(sup);
	sessions_hang_up(sup);
	sessions_flush(sup);
	for (size_t i = 0; i < sup->pool_count; i++)
		release_children(sup->pools[i]);
	supervisor_set_timer(&sup->stop_timer, LEAVE_LIMIT);
}

static bool has_children(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->scheduler.slot_count; i++)
		if (pool->workers[i].pid > 0)
			return true;
	return forkservers_live(pool);
}

/* Children that have not left, or clients that have not got their last answers. */
static bool is_waited_for(const struct supervisor *sup)
{
	if (sup->given_up)
		return false;
	for (size_t i = 0; i < sup->pool_count; i++)
		if (has_children(sup->pools[i]))
			return true;
	return sessions_have_unread(sup) || sessions_have_unsent(sup);
}

/* ---- running ---------------------------------------------------------------------------- */

/* One pass: without the other flag the loop would go on for as long as somebody has something, and nobody else would be served. */
static void handle_events(struct supervisor *sup)
{
	event_base_loop(sup->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* Did any come? */
static bool look(struct supervisor *sup)
{
	(void)event_base_get_max_events(sup->base, EVENT_BASE_COUNT_ACTIVE, 1); /* forgets */
	handle_events(sup);
	return event_base_get_max_events(sup->base, EVENT_BASE_COUNT_ACTIVE, 1) > 0;
}

static void wait_for_events(struct supervisor *sup)
{
	bool came = false;

	patience_begin(&sup->patience);
	while (!came && patience_lasts(&sup->patience))
		came = look(sup);
	if (!came)
		event_base_loop(sup->base, EVLOOP_ONCE);
	patience_end(&sup->patience);
}

void supervisor_hand_out(struct supervisor *sup)
{
	workers_flush(sup); /* so that a worker that has room again is known to have */
	dispatch_run(sup);
	workers_flush(sup);
}

static void turn(struct supervisor *sup)
{
	if (sessions_have_work(sup) || dispatch_has_work(sup))
		handle_events(sup);
	else
		wait_for_events(sup);
	timers_run(sup);
	sessions_pump(sup);
	if (sup->state == SUPERVISOR_STOPPING)
		fail_queued(sup);
	supervisor_hand_out(sup);
	sessions_flush(sup);
	reload_check(sup);
	upgrade_check(sup);
	timers_arm(sup); /* what was set in this turn is to be waited for */
	if (sup->state == SUPERVISOR_STOPPING && pools_in_flight(sup) == 0)
		begin_to_end(sup);
}

static void say_goodbye(struct supervisor *sup)
{
	const struct counters *sum = &sup->counters;

	if (sup->options.check_only || sup->exit_status != 0)
		return;
	notice_send(sup, NOTICE_DAEMON_ENDED, &(struct notice_fields){0},
		"ended, after %" PRIu64 " tasks done, %" PRIu64 " failed, %" PRIu64
		" crashed, %" PRIu64 " cancelled, %" PRIu64 " late",
		sum->done, sum->failed, sum->crashed, sum->cancelled, sum->timed_out);
}

int supervisor_run(struct supervisor *sup)
{
	while (sup->state != SUPERVISOR_ENDING || is_waited_for(sup))
		turn(sup);
	proctree_kill(getpid());
	say_goodbye(sup);
	return sup->exit_status;
}

/* ---- setting up ------------------------------------------------------------------------- */

/* Workers come first: each has five descriptors, and some more while it is being made. */
static void init_limits(struct supervisor *sup)
{
	uint64_t files = machine_raise_files(&sup->files);
	uint64_t kept = 64 + 5 * KITS_MAX, more = 5 * sup->config.limits.processes;
	uint64_t wanted = sup->config.limits.clients, most;

	for (size_t i = 0; i < sup->pool_count; i++) {
		kept += 5 * ((uint64_t)sup->pools[i]->scheduler.width + 2); /* one stands by */
		more += 5 * sup->config.limits.nested;
	}
	/* They are seldom as many as they may be. */
	kept += more < files / 2 ? more : files / 2;
	most = files > kept + 2 ? (files - kept) / 2 : 1; /* each client may have an arena */
	sup->clients_max = (uint32_t)(most < wanted ? most : wanted);
	objects_set_limits(sup);
}

/* What tasks are kept in. */
static int init_tasks(struct supervisor *sup)
{
	int r = task_index_init(&sup->open);

	sup->identities = (struct identities){.master = getuid(), .policy = &sup->config.policy};
	task_table_init(&sup->tasks);
	task_list_init(&sup->kept, TASK_LIST_QUEUE);
	objects_set_up(sup);
	return r < 0 ? r : handles_init(&sup->handles, &sup->users, clock_real() / CLOCK_S);
}

static void on_alarm(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;

	(void)fd;
	(void)what;
	sup->alarm_at = 0; /* timers_run() sees to the rest */
}

static void init_events(struct supervisor *sup)
{
	evsignal_assign(&sup->on_child, sup->base, SIGCHLD, on_child, sup);
	evsignal_assign(&sup->on_term, sup->base, SIGTERM, on_term, sup);
	evsignal_assign(&sup->on_hup, sup->base, SIGHUP, on_hup, sup);
	evsignal_assign(&sup->on_usr2, sup->base, SIGUSR2, on_usr2, sup);
	evsignal_assign(&sup->on_int, sup->base, SIGINT, on_term, sup);
	evtimer_assign(&sup->stop_timer, sup->base, on_stop_timer, sup);
	evtimer_assign(&sup->orphan_timer, sup->base, on_orphans, sup);
	evtimer_assign(&sup->group_timer, sup->base, on_groups, sup);
	evtimer_assign(&sup->alarm_timer, sup->base, on_alarm, sup);
	evtimer_assign(&sup->trim_timer, sup->base, on_trim, sup);
	session_doubts_init(&sup->sessions, sup->base);
	event_add(&sup->on_child, NULL);
	event_add(&sup->on_term, NULL);
	event_add(&sup->on_int, NULL);
	event_add(&sup->on_hup, NULL);
	event_add(&sup->on_usr2, NULL);
}

/* Empty tables, and a loop in which nothing happens yet. */
static int set_up(struct supervisor *sup, struct options *options)
{
	int r = -ENOMEM;

	*sup = (struct supervisor){.options = *options, .started_at = clock_now()};
	sup->now = sup->started_at;
	*options = (struct options){.session_fd = -1, .resume_fd = -1};
	notices_init(sup);
	msgpack_sbuffer_init(&sup->scratch);
	msgpack_sbuffer_init(&sup->body);
	sup->config = sup->options.config;
	sup->options.config = (struct config){0};
	sup->base = event_base_new();
	if (sup->base != NULL)
		r = init_tasks(sup);
	if (r == 0) {
		upgrade_init(sup);
		init_events(sup);
	} else {
		log_error("cannot set up: %s", strerror(-r));
	}
	return r;
}

static int start(struct supervisor *sup)
{
	int r = pools_init(sup);

	if (r < 0) {
		log_error("cannot set up: %s", strerror(-r));
		return r;
	}
	init_limits(sup);
	manager_init(sup);
	r = listener_open(sup);
	for (size_t i = 0; r == 0 && i < sup->pool_count; i++)
		r = forkserver_start(sup->pools[i]->forkserver);
	return r;
}

/* What tasks may open was settled by the daemon that was started. */
static int resume(struct supervisor *sup)
{
	struct rlimit files;

	upgrade_resume(sup);
	files = sup->files;
	init_limits(sup);
	sup->files = files;
	manager_init(sup);
	listener_restore(sup);
	upgrade_go_on(sup);
	return 0;
}

int supervisor_init(struct supervisor *sup, struct options *options)
{
	int r = set_up(sup, options);

	if (r < 0)
		return r;
	return sup->options.resume_fd >= 0 ? resume(sup) : start(sup);
}

int supervisor_try(struct supervisor *sup, struct options *options)
{
	return set_up(sup, options) < 0 ? EXIT_FAILURE : upgrade_try(sup);
}

static void drop_tasks(struct supervisor *sup)
{
	struct task *task = NULL;

	objects_fini(&sup->objects);
	while ((task = task_next(&sup->tasks, task)) != NULL)
		if (task->handle != NULL) {
			tasklog_free(task->handle);
			handle_free(&sup->handles, task->handle);
		}
	task_table_fini(&sup->tasks);
	task_index_fini(&sup->open);
	handles_fini(&sup->handles);
	alarms_fini(&sup->alarms);
	records_fini(&sup->records);
	identities_fini(&sup->identities);
	users_fini(&sup->users);
}

void supervisor_fini(struct supervisor *sup)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL); /* no signal changes the exit status any more */
	sessions_fini(sup);
	notices_fini(sup);
	listener_close(sup);
	reload_fini(sup);
	upgrade_fini(sup);
	askers_free(&sup->drainers);
	pools_fini(sup);
	kits_drop(&sup->old_kits);
	cgroups_close(&sup->cgroups);
	drop_tasks(sup);
	if (sup->base != NULL) {
		manager_fini(sup);
		event_del(&sup->on_child);
		event_del(&sup->on_term);
		event_del(&sup->on_int);
		event_del(&sup->on_hup);
		event_del(&sup->on_usr2);
		evtimer_del(&sup->stop_timer);
		evtimer_del(&sup->orphan_timer);
		evtimer_del(&sup->group_timer);
		evtimer_del(&sup->alarm_timer);
		evtimer_del(&sup->trim_timer);
		event_base_free(sup->base);
	}
	msgpack_sbuffer_destroy(&sup->scratch);
	msgpack_sbuffer_destroy(&sup->body);
	config_fini(&sup->config);
	options_fini(&sup->options);
	libevent_global_shutdown();
}
