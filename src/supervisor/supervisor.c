/* SPDX-License-Identifier: MIT */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proctree.h"
#include "supervisor/call.h"
#include "supervisor/dispatch.h"
#include "supervisor/forkserver.h"
#include "supervisor/machine.h"
#include "supervisor/notify.h"
#include "supervisor/reaper.h"
#include "supervisor/tasklog.h"
#include "supervisor/timers.h"
#include "supervisor/worker.h"

enum { EXIT_USAGE = 64 };

#define LEAVE_LIMIT (3 * CLOCK_S) /* for children to leave when all is answered */

/* ---- small services --------------------------------------------------------------------- */

msgpack_packer supervisor_packer(struct supervisor *sup)
{
	msgpack_packer pk;

	msgpack_sbuffer_clear(&sup->scratch);
	msgpack_packer_init(&pk, &sup->scratch, msgpack_sbuffer_write);
	return pk;
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
	log_info("signal %d: ending", (int)signal);
	supervisor_stop(sup, 0, sup->state >= SUPERVISOR_STOPPING ? 0 : sup->config.stop_grace);
}

static void on_hup(evutil_socket_t signal, short what, void *data)
{
	(void)signal;
	(void)what;
	reload_start(data, NULL, 0);
}

static void on_orphans(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	reaper_sweep(data);
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
		notify_send("STOPPING=1\nSTATUS=Answering what runs");
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

/* Children that have not left, or clients that have not read their last answers. */
static bool is_waited_for(const struct supervisor *sup)
{
	if (sup->given_up)
		return false;
	for (size_t i = 0; i < sup->pool_count; i++)
		if (has_children(sup->pools[i]))
			return true;
	return sessions_have_unsent(sup);
}

/* ---- running ---------------------------------------------------------------------------- */

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
	if (sup->options.session_fd < 0)
		log_info("%zu workers, %zu functions, plugins: %zu%s%s", census.workers,
			census.functions, census.plugins,
			sup->listener.path != NULL ? ", listening on " : "",
			sup->listener.path != NULL ? sup->listener.path : "");
	notify_send("READY=1\nSTATUS=Taking calls");
}

void supervisor_on_load_failed(struct supervisor *sup, struct pool *pool)
{
	if (sup->options.session_fd < 0) {
		log_error("%s", pool->forkserver->problem);
		supervisor_stop(sup, 1, 0);
		return;
	}
	pool->forkserver->given_up = true;
	sup->state = SUPERVISOR_RUNNING;
	forkserver_want(pool); /* which gives up every slot */
	listener_start(sup);
}

static void turn(struct supervisor *sup)
{
	bool has_work = sessions_have_work(sup) || dispatch_has_work(sup);

	event_base_loop(sup->base, has_work ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
	timers_run(sup);
	sessions_pump(sup);
	if (sup->state == SUPERVISOR_STOPPING)
		fail_queued(sup);
	workers_flush(sup); /* so that a worker that has room again is known to have */
	dispatch_run(sup);
	workers_flush(sup);
	sessions_flush(sup);
	reload_check(sup);
	timers_arm(sup); /* what was set in this turn is to be waited for */
	if (sup->state == SUPERVISOR_STOPPING && pools_in_flight(sup) == 0)
		begin_to_end(sup);
}

int supervisor_run(struct supervisor *sup)
{
	while (sup->state != SUPERVISOR_ENDING || is_waited_for(sup))
		turn(sup);
	proctree_kill(getpid());
	return sup->exit_status;
}

/* ---- setting up ------------------------------------------------------------------------- */

/* Workers come first: each has three descriptors, and some more while it is being made. */
static void init_limits(struct supervisor *sup)
{
	uint64_t files = machine_raise_files(&sup->files);
	uint64_t kept = 64, wanted = sup->config.limits.clients;

	for (size_t i = 0; i < sup->pool_count; i++)
		kept += 3 * ((uint64_t)sup->pools[i]->scheduler.width + sup->config.limits.nested);
	if (files <= kept)
		sup->clients_max = 1;
	else
		sup->clients_max = (uint32_t)(files - kept < wanted ? files - kept : wanted);
}

/* What tasks are kept in. */
static int init_tasks(struct supervisor *sup)
{
	int r = task_index_init(&sup->open);

	task_table_init(&sup->tasks);
	task_list_init(&sup->kept, TASK_LIST_QUEUE);
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
	evsignal_assign(&sup->on_int, sup->base, SIGINT, on_term, sup);
	evtimer_assign(&sup->stop_timer, sup->base, on_stop_timer, sup);
	evtimer_assign(&sup->orphan_timer, sup->base, on_orphans, sup);
	evtimer_assign(&sup->alarm_timer, sup->base, on_alarm, sup);
	event_add(&sup->on_child, NULL);
	event_add(&sup->on_term, NULL);
	event_add(&sup->on_int, NULL);
	event_add(&sup->on_hup, NULL);
}

/* A private daemon belongs to its client, not to the terminal that the client runs in. */
static void set_up_process(const struct options *options)
{
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (options->session_fd >= 0)
		setsid();
}

static int set_up(struct supervisor *sup)
{
	int r = -ENOMEM;

	sup->base = event_base_new();
	if (sup->base != NULL)
		r = init_tasks(sup);
	if (r == 0)
		r = pools_init(sup);
	if (r < 0)
		log_error("cannot set up: %s", strerror(-r));
	return r;
}

int supervisor_init(struct supervisor *sup, struct options *options)
{
	int r;

	*sup = (struct supervisor){.options = *options, .started_at = clock_now()};
	*options = (struct options){.session_fd = -1};
	sup->listener.fd = -1;
	msgpack_sbuffer_init(&sup->scratch);
	msgpack_sbuffer_init(&sup->body);
	sup->config = sup->options.config;
	sup->options.config = (struct config){0};
	set_up_process(&sup->options);
	r = set_up(sup);
	if (r < 0)
		return r;
	init_limits(sup);
	init_events(sup);
	r = listener_open(sup);
	for (size_t i = 0; r == 0 && i < sup->pool_count; i++)
		r = forkserver_start(sup->pools[i]->forkserver);
	return r;
}

static void drop_tasks(struct supervisor *sup)
{
	struct task *task = NULL;

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
	users_fini(&sup->users);
}

void supervisor_fini(struct supervisor *sup)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL); /* no signal changes the exit status any more */
	sessions_fini(sup);
	listener_close(sup);
	reload_fini(sup);
	askers_free(&sup->drainers);
	pools_fini(sup);
	drop_tasks(sup);
	if (sup->base != NULL) {
		event_del(&sup->on_child);
		event_del(&sup->on_term);
		event_del(&sup->on_int);
		event_del(&sup->on_hup);
		evtimer_del(&sup->stop_timer);
		evtimer_del(&sup->orphan_timer);
		evtimer_del(&sup->alarm_timer);
		event_base_free(sup->base);
	}
	msgpack_sbuffer_destroy(&sup->scratch);
	msgpack_sbuffer_destroy(&sup->body);
	config_fini(&sup->config);
	options_fini(&sup->options);
	libevent_global_shutdown();
}

int ruched_main(int argc, char **argv)
{
	struct supervisor sup;
	struct options options;
	int status = EXIT_FAILURE;

	log_open("ruched", LOG_LEVEL_INFO);
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_RUN:
		log_open("ruched", options.verbose           ? LOG_LEVEL_DEBUG
				   : options.session_fd >= 0 ? LOG_LEVEL_ERROR
							     : LOG_LEVEL_INFO);
		if (supervisor_init(&sup, &options) == 0)
			status = supervisor_run(&sup);
		supervisor_fini(&sup);
		break;
	case OPTIONS_DONE:
		status = EXIT_SUCCESS;
		break;
	case OPTIONS_USAGE:
		status = EXIT_USAGE;
		break;
	}
	options_fini(&options);
	return status;
}
