/* SPDX-License-Identifier: MIT */
#include "worker_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"

enum { OPTIONS_MAX = 32 };

static const char *program(void)
{
	const char *path = getenv("RUCHE_FORKSERVER");

	return path != NULL ? path : "./ruche-forkserver";
}

static void __attribute__((noreturn))
become_forkserver(int link, int error, const char *const *options)
{
	char *argv[OPTIONS_MAX + 2] = {strdup(program())};

	for (int i = 0; i < OPTIONS_MAX && options[i] != NULL; i++)
		argv[i + 1] = strdup(options[i]);
	dup2(error, STDERR_FILENO);
	dup2(link, LINK_FD);
	close_range(LINK_FD + 1, ~0U, 0);
	fcntl(LINK_FD, F_SETFD, 0);
	execv(argv[0], argv);
	_exit(127);
}

void rig_start_with(struct rig *rig, const char *const *options)
{
	int link[2], error[2];

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, link), 0);
	ck_assert_int_eq(fd_pipe(error), 0);
	/* A child's link must not be moved onto one that is still to be moved. */
	ck_assert_int_gt(fcntl(error[1], F_DUPFD_CLOEXEC, 10), 0);
	rig->forkserver = fork();
	ck_assert_int_ge(rig->forkserver, 0);
	if (rig->forkserver == 0)
		become_forkserver(
			fcntl(link[1], F_DUPFD, 20), fcntl(error[1], F_DUPFD, 20), options);
	close(link[1]);
	close(error[1]);
	rig->link = link[0];
	rig->error = error[0];
	rig->next_id = 1;
}

void rig_start(struct rig *rig, const char *const *plugins)
{
	const char *options[OPTIONS_MAX + 1] = {NULL};

	for (int i = 0; *plugins != NULL; plugins++) {
		ck_assert_int_lt(i, OPTIONS_MAX);
		options[i++] = "--plugin";
		options[i++] = *plugins;
	}
	rig_start_with(rig, options);
}

static void wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	ck_assert_msg(poll(&p, 1, RIG_PATIENCE) == 1, "nothing came in time");
}

/* ---- messages */

/* The last message, and the bytes that it points into. */
static msgpack_unpacked last;
static msgpack_sbuffer last_bytes;

static void take_apart(struct rig_message *m)
{
	const msgpack_object *o = &last.data, *p = o->via.array.ptr;

	*m = (struct rig_message){0};
	ck_assert_int_eq(o->type, MSGPACK_OBJECT_ARRAY);
	m->type = p[0].via.i64;
	if (m->type == SCAN_RESPONSE) {
		ck_assert_uint_eq(o->via.array.size, 4);
		m->id = (uint32_t)p[1].via.u64;
		m->error = &p[2];
		m->result = &p[3];
		return;
	}
	ck_assert_int_eq(m->type, SCAN_NOTIFICATION);
	ck_assert_uint_eq(o->via.array.size, 3);
	snprintf(m->method, sizeof(m->method), "%.*s", (int)p[1].via.str.size, p[1].via.str.ptr);
	m->params = &p[2];
}

static void unpack(struct rig_message *m, const void *data, size_t len)
{
	size_t off = 0;

	rig_end();
	msgpack_sbuffer_write(&last_bytes, data, len);
	ck_assert_int_eq(msgpack_unpack_next(&last, last_bytes.data, last_bytes.size, &off),
		MSGPACK_UNPACK_SUCCESS);
	ck_assert_uint_eq(off, len);
	take_apart(m);
}

void rig_end(void)
{
	msgpack_unpacked_destroy(&last);
	msgpack_sbuffer_destroy(&last_bytes);
	msgpack_sbuffer_init(&last_bytes);
}

void rig_show_output(const struct rig_worker *worker)
{
	struct pollfd p = {.fd = worker->output, .events = POLLIN};
	char text[4096];
	ssize_t n;

	while (poll(&p, 1, 0) == 1 && (n = read(worker->output, text, sizeof(text))) > 0)
		(void)!write(STDERR_FILENO, text, (size_t)n);
}

void rig_read_link(struct rig *rig, struct rig_message *ret)
{
	static char packet[LINK_PACKET_MAX];
	ssize_t n;

	wait_readable(rig->link);
	n = recv(rig->link, packet, sizeof(packet), 0);
	ck_assert_msg(n > 0, "the fork server has gone");
	unpack(ret, packet, (size_t)n);
}

bool rig_read(struct rig_worker *worker, struct rig_message *ret)
{
	struct scan scan;
	int r = 0;

	scan_init(&scan, MESSAGE_FRAME_MAX);
	for (;;) {
		if (buf_len(&worker->in) > 0)
			r = scan_feed(&scan, buf_data(&worker->in), buf_len(&worker->in));
		if (r != SCAN_MORE)
			break;
		wait_readable(worker->results);
		if (buf_read(&worker->in, worker->results, 65536) <= 0) {
			if (getenv("RIG_VERBOSE") != NULL)
				rig_show_output(worker);
			return false;
		}
	}
	ck_assert_msg(r == SCAN_DONE, "not a frame: %s", scan.why);
	unpack(ret, buf_data(&worker->in), scan.len);
	buf_consume(&worker->in, scan.len);
	return true;
}

/* ---- the fork server */

void rig_expect_ready(struct rig *rig)
{
	struct rig_message m;

	do
		rig_read_link(rig, &m);
	while (strcmp(m.method, LINK_FUNCTION) == 0);
	if (strcmp(m.method, LINK_FAILED) == 0)
		ck_abort_msg("it failed: %.*s", (int)m.params->via.array.ptr[0].via.str.size,
			m.params->via.array.ptr[0].via.str.ptr);
	ck_assert_str_eq(m.method, LINK_READY);
	ck_assert_int_eq(m.params->via.array.ptr[0].via.i64, LINK_VERSION);
}

void rig_start_ready(struct rig *rig, const char *const *plugins)
{
	rig_start(rig, plugins);
	rig_expect_ready(rig);
}

static void pack_order(const struct rig *rig, msgpack_sbuffer *out, size_t frame_max)
{
	msgpack_packer pk;

	msgpack_sbuffer_init(out);
	msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
	message_pack_request(&pk, rig->next_id, LINK_FORK, strlen(LINK_FORK));
	msgpack_pack_array(&pk, 4);
	msgpack_pack_int(&pk, 0);
	msgpack_pack_int(&pk, 0);
	msgpack_pack_uint64(&pk, frame_max);
	message_pack_str(&pk, rig->token != NULL ? rig->token : "");
}

static void read_answer(struct rig *rig, struct rig_message *ret, int *ret_fd)
{
	static char packet[LINK_PACKET_MAX];
	size_t nfds = 0;
	ssize_t n;

	wait_readable(rig->link);
	n = fd_recv_packet(rig->link, 0, packet, sizeof(packet), ret_fd, ret_fd != NULL, &nfds);
	ck_assert_msg(n > 0, "the fork server has gone");
	ck_assert_uint_eq(nfds, ret_fd != NULL);
	unpack(ret, packet, (size_t)n);
}

/* ret_fd: of what comes with the answer; NULL: nothing is to. */
static void rig_ask(
	struct rig *rig, struct rig_worker *ret, const void *request, size_t len, int *ret_fd)
{
	int tasks[2], results[2], output[2], arenas[2],
		claims = memfd_create("claims", MFD_CLOEXEC);
	struct rig_message m;

	ck_assert_int_eq(fd_pipe(tasks) | fd_pipe(results) | fd_pipe(output), 0);
	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET | SOCK_NONBLOCK, arenas), 0);
	ck_assert_int_eq(ftruncate(claims, CLAIM_SHARED_SIZE), 0);
	*ret = (struct rig_worker){.tasks = tasks[1], .results = results[0], .output = output[0]};
	ret->page = mmap(NULL, CLAIM_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, claims, 0);
	ck_assert_ptr_ne(ret->page, MAP_FAILED);
	ck_assert_int_eq(fd_send_packet(rig->link, 0, request, len,
				 (int[]){tasks[0], results[1], output[1], claims, arenas[1]},
				 LINK_WORKER_FDS),
		0);
	read_answer(rig, &m, ret_fd);
	ck_assert_uint_eq(m.id, rig->next_id++);
	ck_assert_int_eq(m.error->type, MSGPACK_OBJECT_NIL);
	ret->pid = (pid_t)m.result->via.i64;
	fd_close(&tasks[0]);
	fd_close(&results[1]);
	fd_close(&output[1]);
	fd_close(&claims);
	fd_close(&arenas[0]);
	fd_close(&arenas[1]);
}

void rig_fork_by(struct rig *rig, struct rig_worker *ret, const void *request, size_t len)
{
	rig_ask(rig, ret, request, len, NULL);
}

void rig_stand_by(
	struct rig *rig, struct rig_worker *ret, const void *request, size_t len, int *ret_go)
{
	rig_ask(rig, ret, request, len, ret_go);
}

void rig_order(struct rig *rig, int go, size_t frame_max)
{
	msgpack_sbuffer order;

	pack_order(rig, &order, frame_max);
	ck_assert_int_eq(fd_send_packet(go, 0, order.data, order.size, NULL, 0), 0);
	msgpack_sbuffer_destroy(&order);
}

void rig_fork_only(struct rig *rig, struct rig_worker *ret, size_t frame_max)
{
	msgpack_sbuffer order;

	pack_order(rig, &order, frame_max);
	rig_fork_by(rig, ret, order.data, order.size);
	msgpack_sbuffer_destroy(&order);
}

void rig_fork(struct rig *rig, struct rig_worker *ret, size_t frame_max)
{
	struct rig_message m;

	rig_fork_only(rig, ret, frame_max);
	ck_assert(rig_read(ret, &m));
	ck_assert_str_eq(m.method, WORKER_READY);
}

void rig_forget(struct rig_worker *worker)
{
	fd_close(&worker->tasks);
	fd_close(&worker->results);
	fd_close(&worker->output);
	munmap(worker->page, CLAIM_SHARED_SIZE);
	buf_fini(&worker->in);
}

/* ---- calls */

static void pack_args(msgpack_packer *pk, const char *types, va_list args)
{
	msgpack_pack_array(pk, strlen(types));
	for (; *types != '\0'; types++) {
		const msgpack_sbuffer *packed;

		switch (*types) {
		case 'i':
			msgpack_pack_int64(pk, va_arg(args, int64_t));
			break;
		case 'd':
			msgpack_pack_double(pk, va_arg(args, double));
			break;
		case 'b':
			if (va_arg(args, int) != 0)
				msgpack_pack_true(pk);
			else
				msgpack_pack_false(pk);
			break;
		case 's':
			message_pack_str(pk, va_arg(args, const char *));
			break;
		default:
			packed = va_arg(args, const msgpack_sbuffer *);
			msgpack_sbuffer_write(pk->data, packed->data, packed->size);
		}
	}
}

static uint32_t hand(struct rig_worker *worker, const char *method, const char *types, va_list args)
{
	msgpack_sbuffer out;
	msgpack_packer pk;

	worker->seq = claim_next_seq(worker->seq);
	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
	message_pack_request(&pk, worker->seq, method, strlen(method));
	pack_args(&pk, types, args);
	claim_offer(worker->page, worker->seq);
	(void)fd_write_all(worker->tasks, out.data, out.size); /* it may be dead */
	msgpack_sbuffer_destroy(&out);
	return worker->seq;
}

uint32_t rig_hand(struct rig_worker *worker, const char *method, const char *types, ...)
{
	va_list args;
	uint32_t seq;

	va_start(args, types);
	seq = hand(worker, method, types, args);
	va_end(args);
	return seq;
}

void rig_call(struct rig_worker *worker, struct rig_message *ret, const char *method,
	const char *types, ...)
{
	va_list args;
	uint32_t seq;

	va_start(args, types);
	seq = hand(worker, method, types, args);
	va_end(args);
	do
		ck_assert_msg(rig_read(worker, ret), "%s: the worker is gone", method);
	while (ret->type != SCAN_RESPONSE);
	ck_assert_uint_eq(ret->id, seq);
}

void rig_feed(struct rig_worker *worker, uint32_t seq, const void *data, size_t len)
{
	msgpack_sbuffer out;
	msgpack_packer pk;

	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
	message_pack_notification(&pk, RUCHE_INPUT);
	msgpack_pack_array(&pk, 2);
	message_pack_id(&pk, seq);
	if (data == NULL)
		msgpack_pack_nil(&pk);
	else
		message_pack_bin(&pk, data, len);
	ck_assert_int_eq(fd_write_all(worker->tasks, out.data, out.size), 0);
	msgpack_sbuffer_destroy(&out);
}

void rig_stop(struct rig_worker *worker, uint32_t seq, int signal)
{
	claim_request_stop(worker->page, seq, signal);
	kill(worker->pid, SIGTERM);
}

/* ---- processes */

static void nap(void)
{
	const struct timespec moment = {.tv_nsec = 1000 * 1000};

	nanosleep(&moment, NULL);
}

int rig_reap(pid_t pid)
{
	uint64_t deadline = clock_now() + RIG_PATIENCE * CLOCK_MS;
	int status = 0;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0 && clock_now() < deadline)
		nap();
	ck_assert_msg(
		r == pid, "process %d cannot be reaped: %d, %s", (int)pid, (int)r, strerror(errno));
	return status;
}

static bool is_gone(pid_t pid)
{
	char path[64], text[512] = "";
	const char *after;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return true;
	(void)!fgets(text, sizeof(text), file);
	fclose(file);
	after = strrchr(text, ')');
	return after == NULL || after[2] == 'Z' || after[2] == 'X';
}

void rig_wait_gone(pid_t pid)
{
	uint64_t deadline = clock_now() + RIG_PATIENCE * CLOCK_MS;

	while (!is_gone(pid) && clock_now() < deadline)
		nap();
	ck_assert_msg(is_gone(pid), "process %d is still there", (int)pid);
}

/* ---- what messages say */

const msgpack_object *rig_get(const msgpack_object *map, const char *key)
{
	const msgpack_object *value = message_map_get(map, key);

	ck_assert_msg(value != NULL, "no %s in it", key);
	return value;
}

bool rig_text_is(const msgpack_object *object, const char *text)
{
	const size_t len = strlen(text);

	if (object->type == MSGPACK_OBJECT_BIN)
		return object->via.bin.size == len && memcmp(object->via.bin.ptr, text, len) == 0;
	return object->type == MSGPACK_OBJECT_STR && object->via.str.size == len &&
	       memcmp(object->via.str.ptr, text, len) == 0;
}

bool rig_text_has(const msgpack_object *object, const char *part)
{
	return object->type == MSGPACK_OBJECT_STR &&
	       memmem(object->via.str.ptr, object->via.str.size, part, strlen(part)) != NULL;
}

bool rig_error_is(const struct rig_message *m, const char *code, const char *executed)
{
	return m->error->type == MSGPACK_OBJECT_MAP &&
	       rig_text_is(rig_get(m->error, "code"), code) &&
	       rig_text_is(rig_get(m->error, "executed"), executed);
}
