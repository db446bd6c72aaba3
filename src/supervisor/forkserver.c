/* SPDX-License-Identifier: MIT */
#include "supervisor/forkserver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"

#define LOAD_LIMIT (120 * CLOCK_S) /* from its start to ready: plugins may load much */
#define FORK_LIMIT (10 * CLOCK_S)
#define PAUSE_MAX (200 * CLOCK_MS)
#define USEFUL_AGE CLOCK_S /* one that lived this long is replaced at once */

/* ---- starting it ---------------------------------------------------------------------- */

static char **make_argv(const struct options *options)
{
	char **argv = calloc(2 * options->plugin_count + 2, sizeof(char *));
	size_t n = 0;

	if (argv == NULL)
		return NULL;
	argv[n++] = (char *)options->forkserver;
	for (size_t i = 0; i < options->plugin_count; i++) {
		argv[n++] = (char *)"--plugin";
		argv[n++] = options->plugins[i];
	}
	return argv;
}

/* A clean process: stdin from nowhere, stdout to our stderr, the link, no blocked or ignored signals. */
static int spawn(const char *path, char **argv, int link, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, link, LINK_FD);
	posix_spawn_file_actions_addclosefrom_np(&actions, LINK_FD + 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	r = posix_spawn(ret_pid, path, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* Our own limit of descriptors is none of the tasks' business. */
static int spawn_with_limits(struct supervisor *sup, char **argv, int link, pid_t *ret_pid)
{
	struct rlimit ours;
	int r;

	getrlimit(RLIMIT_NOFILE, &ours);
	setrlimit(RLIMIT_NOFILE, &sup->files);
	r = spawn(sup->options.forkserver, argv, link, ret_pid);
	setrlimit(RLIMIT_NOFILE, &ours);
	return r;
}

static void on_message(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	forkserver_read(data);
}

int forkserver_start(struct supervisor *sup)
{
	struct forkserver *fs = &sup->forkserver;
	char **argv = make_argv(&sup->options);
	int ends[2] = {-1, -1};
	int r = argv == NULL ? -ENOMEM : fd_socketpair(SOCK_SEQPACKET, ends);

	if (r == 0)
		r = fd_set_nonblock(ends[0]);
	if (r == 0)
		r = spawn_with_limits(sup, argv, ends[1], &fs->pid);
	free(argv);
	fd_close(&ends[1]);
	if (r < 0) {
		fd_close(&ends[0]);
		text_format(fs->problem, sizeof(fs->problem), "cannot start the fork server %s: %s",
			sup->options.forkserver, strerror(-r));
		log_error("%s", fs->problem);
		return r;
	}
	fs->link = ends[0];
	fs->ready = false;
	fs->started_at = clock_now();
	event_assign(&fs->on_message, sup->base, fs->link, EV_READ | EV_PERSIST, on_message, sup);
	event_add(&fs->on_message, NULL);
	supervisor_set_timer(&fs->timer, LOAD_LIMIT);
	log_debug("fork server %d started", (int)fs->pid);
	return 0;
}

static void start_again(struct supervisor *sup)
{
	struct forkserver *fs = &sup->forkserver;
	enum restart_life life = !fs->ready                                  ? RESTART_NEVER_READY
				 : clock_now() - fs->started_at > USEFUL_AGE ? RESTART_USEFUL
									     : RESTART_USELESS;
	uint64_t delay = 0;

	fs->ready = false;
	fs->restarts++;
	switch (restart_decide(&fs->restart, life, &delay)) {
	case RESTART_NOW:
		if (forkserver_start(sup) == 0)
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
		log_error("%s", fs->problem);
		forkserver_want(sup);
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;
	struct forkserver *fs = &sup->forkserver;

	(void)fd;
	(void)what;
	if (fs->pid > 0) {
		log_error("fork server %d does not answer: it is killed", (int)fs->pid);
		kill(fs->pid, SIGKILL);
	} else if (forkserver_start(sup) < 0) {
		supervisor_set_timer(&fs->timer, RESTART_DELAY_MAX);
	}
}

void forkserver_init(struct supervisor *sup)
{
	struct forkserver *fs = &sup->forkserver;

	*fs = (struct forkserver){.sup = sup, .link = -1};
	evtimer_assign(&fs->timer, sup->base, on_timer, sup);
}

static void close_link(struct forkserver *fs)
{
	if (fs->link >= 0)
		event_del(&fs->on_message);
	fd_close(&fs->link);
	evtimer_del(&fs->timer);
	functions_fini(&fs->loading);
}

void forkserver_fini(struct supervisor *sup)
{
	close_link(&sup->forkserver);
}

void forkserver_release(struct supervisor *sup)
{
	close_link(&sup->forkserver);
}

/* ---- asking for workers ----------------------------------------------------------------- */

static int send_fork(struct forkserver *fs, struct worker *worker, const int *fds)
{
	struct supervisor *sup = fs->sup;
	msgpack_packer pk = supervisor_packer(sup);

	fs->request++;
	if (message_pack_request(&pk, fs->request, LINK_FORK, strlen(LINK_FORK)) < 0 ||
		msgpack_pack_array(&pk, 3) < 0 ||
		msgpack_pack_uint32(&pk, worker->slot->index) < 0 ||
		msgpack_pack_int(&pk, worker->slot->core) < 0 ||
		msgpack_pack_uint64(&pk, MESSAGE_FRAME_MAX) < 0)
		return -ENOMEM;
	return fd_send_packet(fs->link, sup->scratch.data, sup->scratch.size, fds, LINK_WORKER_FDS);
}

static void ask(struct forkserver *fs, struct worker *worker)
{
	int fds[LINK_WORKER_FDS];
	int r = worker_prepare(worker, fds);

	if (r < 0) {
		log_error("cannot prepare worker %u: %s", worker->slot->index, strerror(-r));
		slot_change(worker->slot, SLOT_ON_FORK);
		worker_on_fork_failed(worker, RESTART_USELESS, strerror(-r));
		return;
	}
	r = send_fork(fs, worker, fds);
	for (int i = 0; i < LINK_WORKER_FDS; i++)
		fd_close(&fds[i]);
	if (r < 0) {
		worker_on_fork_failed(worker, RESTART_USELESS, "the fork server takes no requests");
		return;
	}
	fs->pending = worker;
	supervisor_set_timer(&fs->timer, FORK_LIMIT);
}

static void give_up_slots(struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->pool.slot_count; i++)
		if (sup->pool.slots[i].state == SLOT_EMPTY) {
			slot_change(&sup->pool.slots[i], SLOT_ON_GIVE_UP);
			text_format(sup->workers[i].problem, sizeof(sup->workers[i].problem), "%s",
				sup->forkserver.problem);
		}
}

void forkserver_want(struct supervisor *sup)
{
	struct forkserver *fs = &sup->forkserver;

	if (fs->given_up)
		give_up_slots(sup);
	for (uint32_t i = 0; i < sup->pool.slot_count; i++) {
		if (!fs->ready || fs->pending != NULL || sup->state == SUPERVISOR_ENDING)
			return;
		if (sup->pool.slots[i].state == SLOT_EMPTY)
			ask(fs, &sup->workers[i]);
	}
}

/* ---- what it says ----------------------------------------------------------------------- */

/* A copy of a string parameter, NULL for anything else. */
static char *copy_str(const msgpack_object *object)
{
	if (object->type != MSGPACK_OBJECT_STR)
		return NULL;
	return strndup(object->via.str.ptr, object->via.str.size);
}

static void on_function(struct supervisor *sup, const msgpack_object_array *params)
{
	struct function function = {0};

	if (params->size != 4)
		return;
	function = (struct function){copy_str(&params->ptr[0]), copy_str(&params->ptr[1]),
		copy_str(&params->ptr[2]), copy_str(&params->ptr[3])};
	if (function.name != NULL && functions_add(&sup->forkserver.loading, &function) < 0)
		log_error("no memory for the function %s", function.name);
	free(function.name);
	free(function.params);
	free(function.summary);
	free(function.plugin);
}

static void on_loaded(struct supervisor *sup, const msgpack_object_array *params)
{
	struct forkserver *fs = &sup->forkserver;

	if (params->size < 1 || params->ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		params->ptr[0].via.u64 != LINK_VERSION) {
		log_error("the fork server %s speaks another version of the protocol than ours, %d",
			sup->options.forkserver, LINK_VERSION);
		kill(fs->pid, SIGKILL);
		return;
	}
	evtimer_del(&fs->timer);
	functions_sort(&fs->loading);
	functions_fini(&sup->functions);
	sup->functions = fs->loading;
	fs->loading = (struct functions){0};
	fs->ready = true;
	fs->problem[0] = '\0';
	supervisor_on_loaded(sup);
	forkserver_want(sup);
}

static void on_failed(struct supervisor *sup, const msgpack_object_array *params)
{
	char *text = params->size == 1 ? copy_str(&params->ptr[0]) : NULL;

	text_format(sup->forkserver.problem, sizeof(sup->forkserver.problem), "%s",
		text != NULL ? text : "the fork server failed and did not say why");
	if (sup->state == SUPERVISOR_RUNNING)
		log_error("%s", sup->forkserver.problem);
	free(text);
}

/* [1, id, error or nil, pid] */
static void on_forked(struct supervisor *sup, const msgpack_object_array *message)
{
	struct forkserver *fs = &sup->forkserver;
	struct worker *worker = fs->pending;
	char *why;
	pid_t pid;

	if (message->size != 4 || worker == NULL || message->ptr[1].via.u64 != fs->request)
		return;
	fs->pending = NULL;
	evtimer_del(&fs->timer);
	if (message->ptr[3].type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
		siginfo_t info;

		pid = (pid_t)message->ptr[3].via.u64;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
			worker_on_forked(worker, pid);
		else
			worker_on_fork_failed(worker, RESTART_NEVER_READY, "it died at once");
	} else {
		why = copy_str(&message->ptr[2]);
		worker_on_fork_failed(
			worker, RESTART_USELESS, why != NULL ? why : "the fork server cannot fork");
		free(why);
	}
	forkserver_want(sup);
}

static const struct notice {
	const char *name;
	void (*handle)(struct supervisor *sup, const msgpack_object_array *params);
} notices[] = {
	{LINK_FUNCTION, on_function},
	{LINK_READY, on_loaded},
	{LINK_FAILED, on_failed},
};

static void handle(struct supervisor *sup, const struct scan *scan, const char *packet,
	const msgpack_object_array *message)
{
	if (scan->type == SCAN_RESPONSE) {
		on_forked(sup, message);
		return;
	}
	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++)
		if (strlen(notices[i].name) == scan->method.len &&
			memcmp(notices[i].name, packet + scan->method.off, scan->method.len) == 0)
			notices[i].handle(sup, &message->ptr[2].via.array);
}

static void handle_packet(struct supervisor *sup, const char *packet, size_t len)
{
	struct scan scan;
	msgpack_unpacked unpacked;
	size_t off = 0;

	scan_init(&scan, LINK_PACKET_MAX);
	if (scan_feed(&scan, packet, len) != SCAN_DONE || scan.type == SCAN_REQUEST) {
		log_error("the fork server sent what is not a message: it is killed");
		kill(sup->forkserver.pid, SIGKILL);
		return;
	}
	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, packet, len, &off) == MSGPACK_UNPACK_SUCCESS)
		handle(sup, &scan, packet, &unpacked.data.via.array);
	msgpack_unpacked_destroy(&unpacked);
}

void forkserver_read(struct supervisor *sup)
{
	struct forkserver *fs = &sup->forkserver;
	char packet[LINK_PACKET_MAX];
	size_t nfds;
	ssize_t n;

	while (fs->link >= 0 &&
		(n = fd_recv_packet(fs->link, packet, sizeof(packet), NULL, 0, &nfds)) > 0)
		handle_packet(sup, packet, (size_t)n);
	if (fs->link >= 0 && n == 0)
		event_del(&fs->on_message); /* its exit follows */
}

void forkserver_on_exit(struct supervisor *sup)
{
	struct forkserver *fs = &sup->forkserver;
	struct worker *pending = fs->pending;
	int status = 0;

	forkserver_read(sup);
	waitpid(fs->pid, &status, 0);
	close_link(fs);
	if (sup->state == SUPERVISOR_STARTING && fs->problem[0] == '\0')
		text_format(fs->problem, sizeof(fs->problem),
			"the fork server %s died at its start", sup->options.forkserver);
	if (sup->state == SUPERVISOR_RUNNING)
		log_warning("fork server %d %s %d", (int)fs->pid,
			WIFSIGNALED(status) ? "was killed by signal" : "exited with status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fs->pid = 0;
	fs->pending = NULL;
	if (sup->state == SUPERVISOR_STARTING) {
		supervisor_on_load_failed(sup);
		return;
	}
	if (pending != NULL)
		worker_on_fork_failed(pending, RESTART_USELESS, "the fork server died");
	if (sup->state == SUPERVISOR_RUNNING)
		start_again(sup);
}
