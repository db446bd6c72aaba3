/* SPDX-License-Identifier: MIT */
#include "supervisor/forkserver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "supervisor/reaper.h"
#include "supervisor/reload.h"
#include "supervisor/runtime.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"

#define LOAD_LIMIT (120 * CLOCK_S) /* from its start to ready: plugins may load much */
#define PAUSE_MAX (200 * CLOCK_MS)
#define USEFUL_AGE CLOCK_S /* one that lived this long is replaced at once */

/* ---- what is told of it ----------------------------------------------------------------- */

static struct notice_fields notice_of(const struct forkserver *fs)
{
	return (struct notice_fields){.pool = fs->pool, .pid = fs->pid};
}

/* It did not do what it should have, for the reason in `problem`. */
static void say_failed(struct forkserver *fs, enum notice_kind kind)
{
	struct notice_fields fields = notice_of(fs);

	notice_send(fs->sup, kind, &fields, "%s", fs->problem);
}

static void kill_it(struct forkserver *fs, const char *why)
{
	struct notice_fields fields = notice_of(fs);

	notice_send(fs->sup, NOTICE_FORK_SERVER_KILLED, &fields, "fork server %d is killed: %s",
		(int)fs->pid, why);
	kill(fs->pid, SIGKILL);
}

/* ---- starting it ---------------------------------------------------------------------- */

void forkserver_read(struct forkserver *fs);

static void on_message(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	forkserver_read(data);
}

/* What its workers are to be kept in, before there is any.  Where all is only looked at, nothing is made. */
static int want_groups(struct forkserver *fs)
{
	struct supervisor *sup = fs->sup;
	struct cgroup_limits limits = config_pool_limits(fs->config);
	char error[CGROUP_ERROR_MAX];
	int r;

	if (!config_pool_has_group(fs->config) || sup->options.check_only)
		return 0;
	r = cgroups_want(&sup->cgroups, &limits, error);
	if (r == 0)
		r = cgroups_try(&sup->cgroups, &limits, error);
	if (r < 0) {
		text_format(
			fs->problem, sizeof(fs->problem), "[pool %s] %s", fs->config->name, error);
		say_failed(fs, NOTICE_FORK_SERVER_FAILED);
	}
	reaper_sweep_groups_soon(sup); /* somebody may have left some behind */
	return r;
}

int forkserver_start(struct forkserver *fs)
{
	struct supervisor *sup = fs->sup;
	int r = want_groups(fs);

	if (r < 0)
		return r;
	r = runtime_start(sup, fs->config, &fs->link, &fs->pid);
	if (r < 0) {
		text_format(fs->problem, sizeof(fs->problem), "cannot start the fork server %s: %s",
			fs->config->runtime, strerror(-r));
		say_failed(fs, NOTICE_FORK_SERVER_FAILED);
		return r;
	}
	fs->ready = false;
	fs->uid = fs->config->user != NULL ? fs->config->uid : getuid();
	fs->started_at = clock_now();
	event_assign(&fs->on_message, sup->base, fs->link, EV_READ | EV_PERSIST, on_message, fs);
	event_add(&fs->on_message, NULL);
	supervisor_set_timer(&fs->timer, LOAD_LIMIT);
	log_debug("fork server %d started", (int)fs->pid);
	return 0;
}

void forkserver_restore(struct forkserver *fs)
{
	if (fs->link >= 0) {
		event_assign(&fs->on_message, fs->sup->base, fs->link, EV_READ | EV_PERSIST,
			on_message, fs);
		event_add(&fs->on_message, NULL);
	}
	standby_restore(fs);
	if (fs->pid == 0 && !fs->given_up && !fs->pool->hidden)
		supervisor_set_timer(&fs->timer, PAUSE_MAX);
}

static void start_again(struct forkserver *fs)
{
	enum restart_life life = !fs->ready                                  ? RESTART_NEVER_READY
				 : clock_now() - fs->started_at > USEFUL_AGE ? RESTART_USEFUL
									     : RESTART_USELESS;
	uint64_t delay = 0;

	fs->ready = false;
	fs->restarts++;
	switch (restart_decide(&fs->restart, life, &delay)) {
	case RESTART_NOW:
		if (forkserver_start(fs) == 0)
			break;
		delay = RESTART_DELAY_MAX;
		/* fall through */
	case RESTART_LATER:
		/* Without it no worker is replaced: it may not keep the pool waiting for long. */
		supervisor_set_timer(&fs->timer, delay < PAUSE_MAX ? delay : PAUSE_MAX);
		break;
	case RESTART_GIVE_UP:
		fs->given_up = true;
		if (fs->problem[0] == '\0')
			text_format(fs->problem, sizeof(fs->problem),
				"the fork server was given up after %d deaths before it was ready",
				RESTART_TRIES);
		say_failed(fs, NOTICE_FORK_SERVER_GIVEN_UP);
		forkserver_want(fs->pool);
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct forkserver *fs = data;

	(void)fd;
	(void)what;
	if (fs->pid > 0) {
		kill_it(fs, "it does not answer");
	} else if (forkserver_start(fs) < 0) {
		supervisor_set_timer(&fs->timer, RESTART_DELAY_MAX);
	}
}

int forkserver_new(struct pool *pool, const struct pool_config *config, struct forkserver **ret)
{
	struct forkserver *fs = calloc(1, sizeof(*fs));

	if (fs == NULL)
		return -ENOMEM;
	*fs = (struct forkserver){.sup = pool->sup, .pool = pool, .config = config, .link = -1};
	evtimer_assign(&fs->timer, pool->sup->base, on_timer, fs);
	standby_init(fs);
	*ret = fs;
	return 0;
}

static void close_link(struct forkserver *fs)
{
	if (fs->link >= 0)
		event_del(&fs->on_message);
	fd_close(&fs->link);
	standby_drop(fs);
	evtimer_del(&fs->timer);
	functions_fini(&fs->loading);
}

void forkserver_release(struct forkserver *fs)
{
	close_link(fs);
}

void forkserver_free(struct forkserver *fs)
{
	if (fs == NULL)
		return;
	for (uint32_t i = 0; i < fs->pool->scheduler.slot_count; i++)
		if (fs->pool->workers[i].forkserver == fs)
			fs->pool->workers[i].forkserver = NULL;
	close_link(fs);
	free(fs);
}

/* ---- former ones ------------------------------------------------------------------------ */

static void release_if_done(struct forkserver *fs)
{
	if (fs->workers == 0 && fs->pending == NULL)
		forkserver_release(fs);
}

void forkserver_supersede(struct forkserver *fs)
{
	if (fs->pid == 0) {
		forkserver_free(fs);
		return;
	}
	fs->config = NULL;
	fs->older = fs->pool->former;
	fs->pool->former = fs;
	standby_drop(fs);
	release_if_done(fs);
}

/* Of the others a reload tells. */
static bool is_present(const struct forkserver *fs)
{
	return fs == fs->pool->forkserver;
}

bool forkserver_is_former(const struct forkserver *fs)
{
	return !is_present(fs) && fs != fs->pool->next;
}

void forkserver_on_worker_gone(struct forkserver *fs)
{
	fs->workers--;
	if (forkserver_is_former(fs))
		release_if_done(fs);
}

static void forget_former(struct forkserver *fs)
{
	struct forkserver **at = &fs->pool->former;

	while (*at != fs)
		at = &(*at)->older;
	*at = fs->older;
	forkserver_free(fs);
}

/* ---- what it says ----------------------------------------------------------------------- */

/* A copy of a string parameter, NULL for anything else. */
static char *copy_str(const msgpack_object *object)
{
	if (object->type != MSGPACK_OBJECT_STR)
		return NULL;
	return strndup(object->via.str.ptr, object->via.str.size);
}

static void on_function(struct forkserver *fs, const msgpack_object_array *params)
{
	struct function function = {0};

	if (params->size != 4)
		return;
	function = (struct function){.name = copy_str(&params->ptr[0]),
		.params = copy_str(&params->ptr[1]),
		.summary = copy_str(&params->ptr[2]),
		.plugin = copy_str(&params->ptr[3])};
	if (function.name != NULL)
		function.record =
			records_get(&fs->sup->records, function.name, strlen(function.name));
	if (function.record != NULL && functions_add(&fs->loading, &function) < 0)
		log_error("no memory for the function %s", function.name);
	free(function.name);
	free(function.params);
	free(function.summary);
	free(function.plugin);
}

static void on_loaded(struct forkserver *fs, const msgpack_object_array *params)
{
	if (params->size < 1 || params->ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		params->ptr[0].via.u64 != LINK_VERSION) {
		text_format(fs->problem, sizeof(fs->problem),
			"the fork server %d speaks another version of the protocol than ours, %d",
			(int)fs->pid, LINK_VERSION);
		kill_it(fs, fs->problem);
		return;
	}
	evtimer_del(&fs->timer);
	functions_sort(&fs->loading);
	fs->ready = true;
	fs->knows_standby = params->size > 2 && params->ptr[2].type == MSGPACK_OBJECT_BOOLEAN &&
			    params->ptr[2].via.boolean;
	fs->problem[0] = '\0';
	if (fs == fs->pool->next) {
		reload_on_loaded(fs);
		return;
	}
	functions_take(&fs->pool->functions, &fs->loading);
	supervisor_on_loaded(fs->sup);
	forkserver_want(fs->pool);
	if (fs->workers > 0)
		standby_want(fs);
}

static void on_failed(struct forkserver *fs, const msgpack_object_array *params)
{
	char *text = params->size == 1 ? copy_str(&params->ptr[0]) : NULL;

	text_format(fs->problem, sizeof(fs->problem), "%s",
		text != NULL ? text : "the fork server failed and did not say why");
	if (fs->sup->state == SUPERVISOR_RUNNING && is_present(fs))
		say_failed(fs, NOTICE_FORK_SERVER_FAILED);
	free(text);
}

static void on_forked(struct forkserver *fs, const msgpack_object *error, pid_t pid)
{
	struct worker *worker = fs->pending;
	char *why;

	fs->pending = NULL;
	if (!standby_is_awaited(fs))
		evtimer_del(&fs->timer);
	if (pid > 0) {
		if (reaper_is_child(pid))
			worker_on_forked(worker, pid);
		else
			worker_on_fork_failed(worker, RESTART_NEVER_READY, "it died at once");
	} else {
		why = copy_str(error);
		worker_on_fork_failed(
			worker, RESTART_USELESS, why != NULL ? why : "the fork server cannot fork");
		free(why);
	}
	if (forkserver_is_former(fs))
		release_if_done(fs);
	standby_want(fs);
	forkserver_want(fs->pool);
}

/* [1, id, error or nil, pid], maybe with a descriptor. */
static void on_answer(struct forkserver *fs, const msgpack_object_array *message, int *fd)
{
	pid_t pid = 0;
	uint32_t id;

	if (message->size != 4)
		return;
	id = (uint32_t)message->ptr[1].via.u64;
	if (message->ptr[3].type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		pid = (pid_t)message->ptr[3].via.u64;
	if (!standby_on_answer(fs, id, pid, fd) && fs->pending != NULL && id == fs->fork_request)
		on_forked(fs, &message->ptr[2], pid);
}

static const struct notice {
	const char *name;
	void (*handle)(struct forkserver *fs, const msgpack_object_array *params);
} notices[] = {
	{LINK_FUNCTION, on_function},
	{LINK_READY, on_loaded},
	{LINK_FAILED, on_failed},
};

static void handle(struct forkserver *fs, const struct scan *scan, const char *packet,
	const msgpack_object_array *message, int *fd)
{
	if (scan->type == SCAN_RESPONSE) {
		on_answer(fs, message, fd);
		return;
	}
	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++)
		if (strlen(notices[i].name) == scan->method.len &&
			memcmp(notices[i].name, packet + scan->method.off, scan->method.len) == 0)
			notices[i].handle(fs, &message->ptr[2].via.array);
}

static void handle_packet(struct forkserver *fs, const char *packet, size_t len, int *fd)
{
	struct scan scan;
	msgpack_unpacked unpacked;
	size_t off = 0;

	scan_init(&scan, LINK_PACKET_MAX);
	if (scan_feed(&scan, packet, len) != SCAN_DONE || scan.type == SCAN_REQUEST) {
		kill_it(fs, "it sent what is no message");
		return;
	}
	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, packet, len, &off) == MSGPACK_UNPACK_SUCCESS)
		handle(fs, &scan, packet, &unpacked.data.via.array, fd);
	msgpack_unpacked_destroy(&unpacked);
}

void forkserver_read(struct forkserver *fs)
{
	char packet[LINK_PACKET_MAX];
	size_t nfds;
	ssize_t n = -1;
	int fd = -1;

	while (fs->link >= 0 &&
		(n = fd_recv_packet(fs->link, 0, packet, sizeof(packet), &fd, 1, &nfds)) > 0) {
		handle_packet(fs, packet, (size_t)n, &fd);
		fd_close(&fd);
	}
	if (fs->link >= 0 && n == 0)
		event_del(&fs->on_message); /* its exit follows */
}

/* ---- its end ------------------------------------------------------------------------------ */

static void say_died(struct forkserver *fs, int status)
{
	struct notice_fields fields = notice_of(fs);
	bool signaled = WIFSIGNALED(status);
	int number = signaled ? WTERMSIG(status) : WEXITSTATUS(status);

	fields.cause = signaled ? "signal" : "exit";
	fields.exited = !signaled;
	if (signaled)
		fields.signal = number;
	else
		fields.exit_status = number;
	notice_send(fs->sup, NOTICE_FORK_SERVER_DIED, &fields, "fork server %d %s %d", (int)fs->pid,
		signaled ? "was killed by signal" : "exited with status", number);
}

static void say_how_it_ended(struct forkserver *fs, int status)
{
	if (fs->problem[0] == '\0' && !fs->ready)
		text_format(fs->problem, sizeof(fs->problem),
			"the fork server of the pool '%s' died at its start",
			fs->pool->config->name);
	if (fs->sup->state == SUPERVISOR_RUNNING && is_present(fs))
		say_died(fs, status);
}

static void go_on_without(struct forkserver *fs)
{
	struct supervisor *sup = fs->sup;

	if (forkserver_is_former(fs))
		forget_former(fs);
	else if (fs == fs->pool->next)
		reload_on_failed(sup, fs->problem);
	else if (sup->state == SUPERVISOR_STARTING)
		supervisor_on_load_failed(sup, fs->pool);
	else if (sup->state == SUPERVISOR_RUNNING && !fs->pool->hidden)
		start_again(fs);
}

void forkserver_on_exit(struct forkserver *fs)
{
	struct worker *pending = fs->pending;
	int status = 0;

	forkserver_read(fs);
	waitpid(fs->pid, &status, 0);
	close_link(fs);
	say_how_it_ended(fs, status);
	fs->pid = 0;
	fs->pending = NULL;
	if (pending != NULL && fs->sup->state != SUPERVISOR_STARTING)
		worker_on_fork_failed(pending, RESTART_USELESS, "the fork server died");
	go_on_without(fs);
}
