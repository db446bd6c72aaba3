/* SPDX-License-Identifier: MIT */
#include "worker/command_io.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/link.h"
#include "wire/message.h"
#include "worker/task.h"

enum {
	PIECE_MAX = 65536,
	ROOM_MAX = 65536, /* bytes on their way to the command and not yet taken by it */
	ROOM_STEP = ROOM_MAX / 2,
	LOOK_MS = 5,
	ANSWER_REST = 4096, /* of a response, what is not output */
};

enum { WATCH_OUT, WATCH_ERR, WATCH_INPUT, WATCH_FEED, WATCH_END, WATCH_COUNT };

void command_io_init(struct command_io *io, struct ruche_task *task, const struct command *command)
{
	size_t fits = task->frame_max > ANSWER_REST ? (task->frame_max - ANSWER_REST) / 2 : 0;
	size_t kept_max = fits < COMMAND_CAPTURE_MAX ? fits : COMMAND_CAPTURE_MAX;

	*io = (struct command_io){.task = task,
		.command = command,
		.pidfd = -1,
		.input = -1,
		.out = {{.fd = -1}, {.fd = -1}},
		.half_max = kept_max / 2,
		.deaf = !command->stream_input};
}

void command_io_fini(struct command_io *io)
{
	fd_close(&io->pidfd);
	fd_close(&io->input);
	for (int i = 0; i < 2; i++) {
		fd_close(&io->out[i].fd);
		buf_fini(&io->out[i].first);
		buf_fini(&io->out[i].last);
	}
	buf_fini(&io->fed);
}

/* ---- output */

/* One piece goes on as it came: [seq, stream, bytes]. */
static int send_piece(struct command_io *io, int stream, const char *data, size_t len)
{
	msgpack_packer packer, *pk = task_note(io->task, &packer, RUCHE_OUTPUT);

	if (pk == NULL || msgpack_pack_array(pk, 3) < 0 || message_pack_id(pk, io->task->seq) < 0 ||
		msgpack_pack_int(pk, stream) < 0 || message_pack_bin(pk, data, len) < 0)
		return -ENOMEM;
	return task_send_note(io->task);
}

static int keep_piece(
	struct command_io *io, struct command_output *out, const char *data, size_t len)
{
	size_t room = io->half_max - buf_len(&out->first), over;
	size_t begins = len < room ? len : room;
	int r = buf_append(&out->first, data, begins);

	if (r == 0)
		r = buf_append(&out->last, data + begins, len - begins);
	if (r < 0 || buf_len(&out->last) <= io->half_max)
		return r;
	over = buf_len(&out->last) - io->half_max;
	buf_consume(&out->last, over);
	out->cut += over;
	return 0;
}

/* One read.  1: there may be more; 0: not now, or never; or a negative errno. */
static int read_output(struct command_io *io, int index)
{
	struct command_output *out = &io->out[index];
	char piece[PIECE_MAX];
	ssize_t n = read(out->fd, piece, sizeof(piece));
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		fd_close(&out->fd);
		return 0;
	}
	r = io->command->stream ? send_piece(io, index + 1, piece, (size_t)n)
				: keep_piece(io, out, piece, (size_t)n);
	return r < 0 ? r : 1;
}

int command_io_drain(struct command_io *io)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++)
		while (io->out[i].fd >= 0 && (r = read_output(io, i)) > 0)
			;
	return r;
}

/* A line of its own, wherever it was cut. */
static int write_mark(const struct command_output *out, char *mark, size_t size)
{
	size_t len = buf_len(&out->first);
	bool in_line = len > 0 && buf_data(&out->first)[len - 1] != '\n';

	if (out->cut == 0)
		return 0;
	return snprintf(mark, size, "%s[... %llu bytes cut ...]\n", in_line ? "\n" : "",
		(unsigned long long)out->cut);
}

void command_output_pack(const struct command_output *out, msgpack_packer *pk)
{
	const size_t first_len = buf_len(&out->first), last_len = buf_len(&out->last);
	char mark[64];
	size_t mark_len = (size_t)write_mark(out, mark, sizeof(mark));

	msgpack_pack_bin(pk, first_len + mark_len + last_len);
	if (first_len > 0)
		msgpack_pack_bin_body(pk, buf_data(&out->first), first_len);
	msgpack_pack_bin_body(pk, mark, mark_len);
	if (last_len > 0)
		msgpack_pack_bin_body(pk, buf_data(&out->last), last_len);
}

/* ---- input */

static int grant(struct command_io *io, size_t room)
{
	msgpack_packer packer, *pk = task_note(io->task, &packer, RUCHE_INPUT);

	if (pk == NULL || msgpack_pack_array(pk, 2) < 0 || message_pack_id(pk, io->task->seq) < 0 ||
		msgpack_pack_uint64(pk, room) < 0)
		return -ENOMEM;
	io->room += room;
	io->taken = 0;
	return task_send_note(io->task);
}

static size_t pending(const struct command_io *io)
{
	return io->command->stream_input ? buf_len(&io->fed) : io->command->input_len - io->written;
}

static const void *pending_data(const struct command_io *io)
{
	return io->command->stream_input ? (const char *)buf_data(&io->fed)
					 : io->command->input + io->written;
}

static void close_input_if_done(struct command_io *io)
{
	if (pending(io) == 0 && (!io->command->stream_input || io->fed_all))
		fd_close(&io->input);
}

/* The command reads no more: what is left is dropped, and no more room is given. */
static void abandon_input(struct command_io *io)
{
	fd_close(&io->input);
	buf_consume(&io->fed, buf_len(&io->fed));
}

static int write_input(struct command_io *io)
{
	ssize_t n = write(io->input, pending_data(io), pending(io));

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			abandon_input(io);
		return 0;
	}
	if (!io->command->stream_input) {
		io->written += (size_t)n;
	} else {
		buf_consume(&io->fed, (size_t)n);
		io->taken += (size_t)n;
	}
	close_input_if_done(io);
	if (io->input >= 0 && !io->fed_all && io->taken > 0 &&
		(io->taken >= ROOM_STEP || pending(io) == 0))
		return grant(io, io->taken);
	return 0;
}

/* What a ruche.input says: bytes, or nil at the end. */
static int take_input(struct command_io *io, const msgpack_object *value)
{
	const char *data;
	size_t len;

	if (value->type == MSGPACK_OBJECT_NIL) {
		io->fed_all = true;
		close_input_if_done(io);
		return 0;
	}
	if (value->type == MSGPACK_OBJECT_BIN) {
		data = value->via.bin.ptr;
		len = value->via.bin.size;
	} else if (value->type == MSGPACK_OBJECT_STR) {
		data = value->via.str.ptr;
		len = value->via.str.size;
	} else {
		return -EPROTO;
	}
	if (len > io->room || io->fed_all)
		return -EPROTO;
	io->room -= len;
	return io->input < 0 ? 0 : buf_append(&io->fed, data, len);
}

/* The params of a ruche.input: [seq, value]; that of another task is late and means nothing. */
static int take_params(struct command_io *io, const void *params, size_t len)
{
	msgpack_unpacked unpacked;
	const msgpack_object *p;
	size_t off = 0;
	int r = -EPROTO;

	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, params, len, &off) == MSGPACK_UNPACK_SUCCESS &&
		unpacked.data.type == MSGPACK_OBJECT_ARRAY && unpacked.data.via.array.size == 2) {
		p = unpacked.data.via.array.ptr;
		if (p[0].type == MSGPACK_OBJECT_POSITIVE_INTEGER)
			r = p[0].via.u64 == io->task->seq ? take_input(io, &p[1]) : 0;
	}
	msgpack_unpacked_destroy(&unpacked);
	return r;
}

static int take_frame(struct command_io *io, const uint8_t *frame)
{
	const struct scan *scan = &io->task->inbox->scan;

	if (scan->type != SCAN_NOTIFICATION)
		return 0;
	arenas_notice(io->task->arenas, frame, scan);
	if (scan->method.len != strlen(RUCHE_INPUT) ||
		memcmp(frame + scan->method.off, RUCHE_INPUT, scan->method.len) != 0)
		return 0;
	return take_params(io, frame + scan->params.off, scan->params.len);
}

/* A call among the input is left for the worker's loop, which then gets all that follows. */
static int take_frames(struct command_io *io)
{
	struct inbox *inbox = io->task->inbox;
	const uint8_t *frame;
	int r;

	while (!io->deaf && (r = inbox_frame(inbox, &frame)) != 0) {
		if (r < 0)
			return -EBADMSG;
		if (inbox->scan.type == SCAN_REQUEST) {
			io->deaf = true;
			break;
		}
		r = take_frame(io, frame);
		inbox_drop(inbox);
		if (r < 0)
			return r;
	}
	return 0;
}

static int feed(struct command_io *io)
{
	ssize_t n = inbox_read(io->task->inbox);

	if (n <= 0)
		return n == 0 ? -ESHUTDOWN : (int)n;
	return take_frames(io);
}

/* ---- the loop */

static void prepare(const struct command_io *io, struct pollfd p[WATCH_COUNT])
{
	const bool wants_input = io->input >= 0 && pending(io) > 0;

	p[WATCH_OUT] = (struct pollfd){.fd = io->out[0].fd, .events = POLLIN};
	p[WATCH_ERR] = (struct pollfd){.fd = io->out[1].fd, .events = POLLIN};
	p[WATCH_INPUT] = (struct pollfd){.fd = wants_input ? io->input : -1, .events = POLLOUT};
	p[WATCH_FEED] =
		(struct pollfd){.fd = io->deaf ? -1 : io->task->inbox->fd, .events = POLLIN};
	p[WATCH_END] = (struct pollfd){.fd = io->pidfd, .events = POLLIN};
}

/* Where there are no pidfds, as under valgrind, it is looked for now and then. */
static bool has_ended(const struct command_io *io, const struct pollfd *end)
{
	siginfo_t info = {0};

	if (io->pidfd >= 0)
		return end->revents != 0;
	return waitid(P_PID, (id_t)io->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid != 0;
}

/* 1: the command has ended. */
static int turn(struct command_io *io)
{
	struct pollfd p[WATCH_COUNT];
	int r = 0;

	prepare(io, p);
	if (poll(p, WATCH_COUNT, io->pidfd >= 0 ? -1 : LOOK_MS) < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = WATCH_OUT; i <= WATCH_ERR && r >= 0; i++)
		if (p[i].revents != 0)
			r = read_output(io, i);
	if (r >= 0 && p[WATCH_INPUT].revents != 0)
		r = write_input(io);
	if (r >= 0 && p[WATCH_FEED].revents != 0)
		r = feed(io);
	if (r < 0)
		return r;
	return has_ended(io, &p[WATCH_END]);
}

int command_io_run(struct command_io *io, pid_t pid)
{
	int r = 0;

	io->pid = pid;
	io->pidfd = pidfd_open(pid, 0);
	if (io->pidfd < 0 && errno != ENOSYS)
		return -errno;
	if (io->command->stream_input) {
		inbox_drop(io->task->inbox); /* the call itself: all of it was copied */
		r = grant(io, ROOM_MAX);
		if (r == 0)
			r = take_frames(io);
	}
	while (r == 0)
		r = turn(io);
	return r < 0 ? r : 0;
}
