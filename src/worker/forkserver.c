/* SPDX-License-Identifier: MIT */
#include "worker/forkserver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "wire/link.h"
#include "wire/message.h"
#include "worker/chunk.h"
#include "worker/command.h"
#include "worker/guardian.h"
#include "worker/order.h"
#include "worker/plugin.h"
#include "worker/settings.h"
#include "worker/spawn.h"
#include "worker/worker.h"

struct forkserver {
	pid_t supervisor;
	struct settings settings;
	struct plugins plugins;
	struct guardian guardian;
	struct buf out; /* one packet */
	msgpack_packer packer;
	char in[LINK_PACKET_MAX];
	char error[PLUGIN_ERROR_MAX];
};

/* ---- sending */

static int write_out(void *data, const char *bytes, size_t len)
{
	return buf_append(data, bytes, len);
}

static msgpack_packer *begin_packet(struct forkserver *fs)
{
	buf_consume(&fs->out, buf_len(&fs->out));
	msgpack_packer_init(&fs->packer, &fs->out, write_out);
	return &fs->packer;
}

static int send_packet_with(struct forkserver *fs, int fd)
{
	return fd_send_packet(LINK_FD, 0, buf_data(&fs->out), buf_len(&fs->out), &fd, fd >= 0);
}

static int send_packet(struct forkserver *fs)
{
	return send_packet_with(fs, -1);
}

static int tell(struct forkserver *fs, const char *method, const char *const *texts, uint32_t count)
{
	msgpack_packer *pk = begin_packet(fs);

	if (message_pack_notification(pk, method) < 0 || msgpack_pack_array(pk, count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (message_pack_str(pk, texts[i]) < 0)
			return -ENOMEM;
	return send_packet(fs);
}

static int tell_functions(struct forkserver *fs)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < fs->plugins.function_count; i++) {
		const struct function *f = &fs->plugins.functions[i];
		const char *const texts[] = {f->name, f->params, f->summary, f->file};

		if (f->file != NULL)
			r = tell(fs, LINK_FUNCTION, texts, 4);
	}
	return r;
}

static int tell_ready(struct forkserver *fs)
{
	msgpack_packer *pk = begin_packet(fs);

	if (message_pack_notification(pk, LINK_READY) < 0 || msgpack_pack_array(pk, 3) < 0 ||
		msgpack_pack_int(pk, LINK_VERSION) < 0 || message_pack_str(pk, "native") < 0 ||
		msgpack_pack_true(pk) < 0)
		return -ENOMEM;
	return send_packet(fs);
}

static int tell_failed(struct forkserver *fs, const char *message)
{
	const char *const texts[] = {message};

	return tell(fs, LINK_FAILED, texts, 1);
}

/* `fd` goes with it, unless it is -1. */
static int answer_pid(struct forkserver *fs, uint32_t id, pid_t pid, int fd)
{
	msgpack_packer *pk = begin_packet(fs);

	if (message_pack_response(pk, id) < 0 || msgpack_pack_nil(pk) < 0 ||
		msgpack_pack_int(pk, pid) < 0)
		return -ENOMEM;
	return send_packet_with(fs, fd);
}

static int answer_error(struct forkserver *fs, uint32_t id, const char *message)
{
	const struct message_error error = {.code = RUCHE_UNAVAILABLE,
		.executed = RUCHE_EXECUTED_NO,
		.exit_status = -1,
		.message = message,
		.message_len = strlen(message)};
	msgpack_packer *pk = begin_packet(fs);

	if (message_pack_response(pk, id) < 0 || message_pack_error(pk, &error) < 0 ||
		msgpack_pack_nil(pk) < 0)
		return -ENOMEM;
	return send_packet(fs);
}

/* ---- orders */

static int refuse_order(struct forkserver *fs, const struct order *order, int error)
{
	char message[256];

	snprintf(message, sizeof(message), "cannot fork a worker: %s", strerror(-error));
	if (!order->stands_by) /* which nobody waits for */
		log_error("%s", message);
	return answer_error(fs, order->id, message);
}

/* SPAWN_WORKER in the new worker; else 0, or a negative errno and there is none. */
static int make_worker(struct forkserver *fs, struct spawn_birth *ret)
{
	int r = guardian_prepare(&fs->guardian);

	if (r == 0)
		r = spawn_worker(ret);
	if (r == 0)
		guardian_hold(&fs->guardian, ret->pid, ret->pidfd);
	return r;
}

/* Only now, as nobody is to meet a worker that the supervisor has not heard of. */
static void let_go(
	struct forkserver *fs, const struct order *order, int go, size_t len, size_t nfds)
{
	/* If the worker has been killed already, the supervisor sees that by itself. */
	(void)fd_send_packet(
		go, 0, fs->in, len, order->birth.fds + LINK_WORKER_FDS, nfds - LINK_WORKER_FDS);
}

/*
 * The order lies in `in`.  SPAWN_WORKER in the new worker, with order->birth.go; else 0, or a negative errno when
 * the link is lost.
 */
static int carry_out(struct forkserver *fs, struct order *order, size_t len, size_t nfds)
{
	struct spawn_birth birth = {.pidfd = -1, .go = -1};
	int r = make_worker(fs, &birth);

	order->birth.go = birth.go;
	if (r == SPAWN_WORKER)
		return r;
	if (r < 0)
		return refuse_order(fs, order, r);
	r = answer_pid(fs, order->id, birth.pid, order->stands_by ? birth.go : -1);
	if (!order->stands_by)
		let_go(fs, order, birth.go, len, nfds);
	fd_close(&birth.go);
	return r;
}

/* ---- the link */

/* What one packet leads to, unless it is a negative errno. */
enum turn { TURN_NEXT, TURN_END, TURN_WORKER };

/* TURN_WORKER: this is a new worker, and *ret what it has inherited. */
static int take_turn(struct forkserver *fs, struct worker_birth *ret)
{
	struct order order = {0};
	size_t nfds = 0;
	ssize_t len;
	int r;

	len = fd_recv_packet(
		LINK_FD, 0, fs->in, sizeof(fs->in), order.birth.fds, LINK_FDS_MAX, &nfds);
	if (len == 0 || len == -ECONNRESET)
		return TURN_END;
	if (len < 0)
		return (int)len;
	r = order_read(fs->in, (size_t)len, nfds, &order);
	if (r == 0)
		r = carry_out(fs, &order, (size_t)len, nfds);
	if (r == SPAWN_WORKER) {
		*ret = order.birth;
		return TURN_WORKER;
	}
	for (size_t i = 0; i < nfds; i++)
		fd_close(&order.birth.fds[i]);
	return r < 0 && r != -EPIPE ? r : TURN_NEXT;
}

static int serve(struct forkserver *fs)
{
	struct worker_birth birth;
	int r;

	do
		r = take_turn(fs, &birth);
	while (r == TURN_NEXT);
	if (r == TURN_WORKER) {
		guardian_fini(&fs->guardian);
		birth.plugins = &fs->plugins;
		birth.settings = &fs->settings;
		birth.supervisor = fs->supervisor;
		return worker_main(&birth);
	}
	if (r < 0)
		log_error("the link to the supervisor is broken: %s", strerror(-r));
	else
		guardian_kill(&fs->guardian);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the beginning */

static void settle_down(struct forkserver *fs)
{
	sigset_t none;

	fs->supervisor = getppid();
	setsid();
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fcntl(LINK_FD, F_SETFD, FD_CLOEXEC);
}

/* The three of them: 0, or a negative errno with the message. */
static int load(struct forkserver *fs)
{
	int r = plugins_add_builtins(&fs->plugins, command_functions);

	if (r == 0)
		r = plugins_add_builtins(&fs->plugins, chunk_functions);
	if (r < 0)
		snprintf(fs->error, sizeof(fs->error), "no memory");
	for (size_t i = 0; i < fs->settings.plugin_count && r == 0; i++)
		r = plugins_load(&fs->plugins, fs->settings.plugins[i], fs->error);
	return r;
}

static int check_init(struct forkserver *fs)
{
	const char *init = fs->settings.init;
	const struct function *function;

	if (init == NULL)
		return 0;
	function = plugins_find(&fs->plugins, init, strlen(init));
	if (function != NULL && function->min == 0)
		return 0;
	snprintf(fs->error, sizeof(fs->error), "the init function %.200s %s", init,
		function != NULL ? "takes arguments; name one that needs none"
				 : "is in no plugin; correct its name or load its plugin");
	return -EINVAL;
}

static int prepare(struct forkserver *fs, int argc, char **argv)
{
	int r = settings_read(&fs->settings, argc, argv, fs->error);

	if (r == 0)
		r = settings_apply(&fs->settings, fs->error);
	/* A stopped fork server could be no guardian, so the supervisor's death wakes it. */
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	if (r == 0)
		r = load(fs);
	return r == 0 ? check_init(fs) : r;
}

static int run(struct forkserver *fs, int argc, char **argv)
{
	int r = prepare(fs, argc, argv);

	if (r < 0) {
		tell_failed(fs, fs->error);
		return EXIT_FAILURE;
	}
	r = tell_functions(fs);
	if (r == 0)
		r = tell_ready(fs);
	if (r < 0 && r != -EPIPE)
		log_error("cannot speak to the supervisor: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : serve(fs);
}

int forkserver_main(int argc, char **argv)
{
	struct forkserver *fs = calloc(1, sizeof(*fs));
	int status;

	log_open("ruche-forkserver", LOG_LEVEL_INFO);
	log_never_wait();
	if (fs == NULL || fcntl(LINK_FD, F_GETFD) < 0) {
		log_error("is started by ruched, with its link as descriptor %d", LINK_FD);
		free(fs);
		return EXIT_FAILURE;
	}
	settle_down(fs);
	status = run(fs, argc, argv);
	/* It ends.  A leak checker stops it for that with SIGSTOP, which a SIGCONT would undo, and both would wait for ever. */
	prctl(PR_SET_PDEATHSIG, 0);
	plugins_fini(&fs->plugins);
	settings_fini(&fs->settings);
	guardian_fini(&fs->guardian);
	buf_fini(&fs->out);
	free(fs);
	return status;
}
