/* SPDX-License-Identifier: MIT */
#include "worker/forkserver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
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
#include "wire/scan.h"
#include "worker/chunk.h"
#include "worker/command.h"
#include "worker/guardian.h"
#include "worker/plugin.h"
#include "worker/settings.h"
#include "worker/spawn.h"
#include "worker/worker.h"

enum { AHEAD_AFTER_MS = 10 };

struct forkserver {
	pid_t supervisor;
	struct settings settings;
	struct plugins plugins;
	struct guardian guardian;
	struct spawn_birth ahead; /* the worker for the next order */
	bool wants_ahead;
	struct buf out; /* one packet */
	msgpack_packer packer;
	char in[LINK_PACKET_MAX];
	char error[PLUGIN_ERROR_MAX];
};

/* A fork request. */
struct order {
	uint32_t id;
	struct worker_birth birth;
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

static int send_packet(struct forkserver *fs)
{
	return fd_send_packet(LINK_FD, 0, buf_data(&fs->out), buf_len(&fs->out), NULL, 0);
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

	if (message_pack_notification(pk, LINK_READY) < 0 || msgpack_pack_array(pk, 2) < 0 ||
		msgpack_pack_int(pk, LINK_VERSION) < 0 || message_pack_str(pk, "native") < 0)
		return -ENOMEM;
	return send_packet(fs);
}

static int tell_failed(struct forkserver *fs, const char *message)
{
	const char *const texts[] = {message};

	return tell(fs, LINK_FAILED, texts, 1);
}

static int answer_pid(struct forkserver *fs, uint32_t id, pid_t pid)
{
	msgpack_packer *pk = begin_packet(fs);

	if (message_pack_response(pk, id) < 0 || msgpack_pack_nil(pk) < 0 ||
		msgpack_pack_int(pk, pid) < 0)
		return -ENOMEM;
	return send_packet(fs);
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

/* ---- fork requests */

/* An integer among a request's params. */
static bool get_int(const msgpack_object *object, __int128 min, __int128 max, __int128 *ret)
{
	return message_get_int128(object, ret) == 0 && *ret >= min && *ret <= max;
}

static bool get_token(const msgpack_object *object, char ret[LINK_TOKEN_MAX + 1])
{
	const msgpack_object_str *text = &object->via.str;

	if (object->type != MSGPACK_OBJECT_STR || text->size > LINK_TOKEN_MAX)
		return false;
	if (text->size > 0)
		memcpy(ret, text->ptr, text->size);
	ret[text->size] = '\0';
	return strlen(ret) == text->size;
}

/* The number of control groups, which may be left out. */
static bool get_groups(const msgpack_object *params, size_t *ret)
{
	__int128 groups = 0;

	if (params->via.array.size > 4 &&
		!get_int(&params->via.array.ptr[4], 0, LINK_GROUPS_MAX, &groups))
		return false;
	*ret = (size_t)groups;
	return true;
}

static bool read_params(const msgpack_object *params, struct worker_birth *ret)
{
	const msgpack_object *p = params->via.array.ptr;
	__int128 slot, core, frame_max;

	if (params->type != MSGPACK_OBJECT_ARRAY || params->via.array.size < 4 ||
		!get_int(&p[0], 0, INT_MAX, &slot) || !get_int(&p[1], -1, INT_MAX, &core) ||
		!get_int(&p[2], 1, SIZE_MAX / 4, &frame_max) || !get_token(&p[3], ret->token))
		return false;
	ret->slot = (int)slot;
	ret->core = (int)core;
	ret->frame_max = (size_t)frame_max;
	return get_groups(params, &ret->groups);
}

static bool decode_params(const char *data, size_t len, struct worker_birth *ret)
{
	msgpack_unpacked unpacked;
	size_t off = 0;
	bool good;

	msgpack_unpacked_init(&unpacked);
	good = msgpack_unpack_next(&unpacked, data, len, &off) == MSGPACK_UNPACK_SUCCESS &&
	       read_params(&unpacked.data, ret);
	msgpack_unpacked_destroy(&unpacked);
	return good;
}

static bool has_all_fds(size_t nfds, struct worker_birth *birth)
{
	birth->watches_oom = birth->groups > 0 && nfds == LINK_WORKER_FDS + birth->groups + 1;
	return birth->watches_oom || nfds == LINK_WORKER_FDS + birth->groups;
}

/* 0, or -EPROTO for what the supervisor never sends. */
static int read_order(const char *packet, size_t len, size_t nfds, struct order *ret)
{
	struct scan scan;

	scan_init(&scan, LINK_PACKET_MAX);
	if (scan_feed(&scan, packet, len) != SCAN_DONE || scan.len != len ||
		scan.type != SCAN_REQUEST || scan.method.len != strlen(LINK_FORK) ||
		memcmp(packet + scan.method.off, LINK_FORK, scan.method.len) != 0 ||
		!decode_params(packet + scan.params.off, scan.params.len, &ret->birth) ||
		!has_all_fds(nfds, &ret->birth))
		return -EPROTO;
	ret->id = scan.msgid;
	return 0;
}

static int refuse_order(struct forkserver *fs, uint32_t id, int error)
{
	char message[256];

	snprintf(message, sizeof(message), "cannot fork a worker: %s", strerror(-error));
	log_error("%s", message);
	return answer_error(fs, id, message);
}

/* SPAWN_WORKER in the new worker; else 0, or a negative errno and there is none. */
static int make_worker(struct forkserver *fs)
{
	int r = guardian_prepare(&fs->guardian);

	if (r == 0)
		r = spawn_worker(&fs->ahead);
	if (r == 0)
		guardian_hold(&fs->guardian, fs->ahead.pid, fs->ahead.pidfd);
	return r;
}

/*
 * To fork is most of what a new worker costs, so when nothing has been asked for in a while the next one is
 * forked already.  If it cannot be, that is for the next order to tell.
 */
static int make_ahead(struct forkserver *fs)
{
	struct pollfd link = {.fd = LINK_FD, .events = POLLIN};

	if (!fs->wants_ahead || poll(&link, 1, AHEAD_AFTER_MS) != 0)
		return 0;
	fs->wants_ahead = false;
	return make_worker(fs) == SPAWN_WORKER ? SPAWN_WORKER : 0;
}

static void drop_ahead(struct forkserver *fs)
{
	if (fs->ahead.pid > 0)
		fd_close(&fs->ahead.go);
	fs->ahead.pid = 0;
}

/* The order lies in `in`.  SPAWN_WORKER in the new worker; else 0, or a negative errno when the link is lost. */
static int carry_out(struct forkserver *fs, const struct order *order, size_t len, size_t nfds)
{
	int r = 0;

	if (!spawn_waits(&fs->ahead)) {
		drop_ahead(fs);
		r = make_worker(fs);
	}
	if (r == SPAWN_WORKER)
		return r;
	if (r < 0)
		return refuse_order(fs, order->id, r);
	r = answer_pid(fs, order->id, fs->ahead.pid);
	spawn_let_go(&fs->ahead, fs->in, len, order->birth.fds, nfds);
	fs->wants_ahead = true;
	return r;
}

/* In a new worker. */
static void await_order(struct forkserver *fs, struct worker_birth *ret)
{
	struct order order = {0};
	size_t nfds = 0;
	ssize_t len;

	prctl(PR_SET_NAME, "ruche-next"); /* for ps(1), until it is a worker */
	len = fd_recv_packet(
		fs->ahead.go, 0, fs->in, sizeof(fs->in), order.birth.fds, LINK_FDS_MAX, &nfds);

	if (len <= 0 || read_order(fs->in, (size_t)len, nfds, &order) < 0)
		_exit(EXIT_SUCCESS); /* there will be none */
	fd_close(&fs->ahead.go);
	*ret = order.birth;
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

	if (make_ahead(fs) == SPAWN_WORKER) {
		await_order(fs, ret);
		return TURN_WORKER;
	}
	len = fd_recv_packet(
		LINK_FD, 0, fs->in, sizeof(fs->in), order.birth.fds, LINK_FDS_MAX, &nfds);
	if (len == 0 || len == -ECONNRESET)
		return TURN_END;
	if (len < 0)
		return (int)len;
	r = read_order(fs->in, (size_t)len, nfds, &order);
	if (r == 0)
		r = carry_out(fs, &order, (size_t)len, nfds);
	for (size_t i = 0; i < nfds; i++)
		fd_close(&order.birth.fds[i]);
	if (r == SPAWN_WORKER) {
		await_order(fs, ret);
		return TURN_WORKER;
	}
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
	drop_ahead(fs); /* it ends by itself */
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
