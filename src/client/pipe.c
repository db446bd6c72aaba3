/* SPDX-License-Identifier: MIT */
/* objects.h: pipes.  wire/pipe.h says what passes through one; the daemon has no part in it. */
#include "client/pipe.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "client/object.h"
#include "client/object_reply.h"
#include "client/reply.h"
#include "wire/message.h"

/* ---- opening -------------------------------------------------------------------------- */

/* From the answer: the socket, and which way it goes. */
static int take_end(struct ruche_pipe *pipe, struct ruche_reply *reply, int end)
{
	uint64_t taken;
	bool duplex;

	if (object_get_number(reply, "end", &taken) < 0 || taken != (uint64_t)end ||
		object_get_flag(reply, "duplex", &duplex) < 0)
		return -EPROTO;
	pipe->fd = reply_take_fd(reply);
	pipe->can_receive = duplex || end == 0;
	pipe->can_send = duplex || end == 1;
	return pipe->fd < 0 ? -EPROTO : 0;
}

static int open_end(struct ruche *ruche, struct ruche_pipe *pipe, const char *name, int end,
	const struct ruche_object_options *options)
{
	const struct object_option more = {
		"end", true, object_pack_number, {.number = (uint64_t)end}};
	const struct object_opening opening = {RUCHE_PIPE, name, options, &more, 1};
	struct ruche_reply *reply;
	int r = object_open(ruche, &pipe->use, &opening, &reply);

	if (r < 0)
		return r;
	r = take_end(pipe, reply, end);
	ruche_reply_free(reply);
	return r;
}

int ruche_pipe_open(struct ruche *ruche, struct ruche_pipe **ret, const char *name, int end,
	const struct ruche_object_options *options)
{
	struct ruche_pipe *pipe;
	int r = object_begin(ruche, ret);

	if (r == 0 && end != 0 && end != 1)
		r = -EINVAL;
	if (r < 0)
		return r;
	pipe = calloc(1, sizeof(*pipe));
	if (pipe == NULL)
		return -ENOMEM;
	pipe->fd = -1;
	r = open_end(ruche, pipe, name, end, options);
	if (r < 0)
		ruche_pipe_close(pipe);
	else
		*ret = pipe;
	return r;
}

void ruche_pipe_close(struct ruche_pipe *pipe)
{
	if (pipe == NULL)
		return;
	fd_close(&pipe->fd);
	use_end(&pipe->use);
	free(pipe);
}

int ruche_pipe_fd(const struct ruche_pipe *pipe)
{
	return pipe == NULL ? -EINVAL : pipe->fd;
}

/* ---- handing on -------------------------------------------------------------------------- */

struct handing {
	int end;
	uint32_t id; /* 0: it is for a task */
	uint64_t task;
};

/* [end, {"call": msgid} or {"task": id}] */
static int pack_handing(struct request *request, const void *data)
{
	const struct handing *handing = data;
	int r = msgpack_pack_int(&request->pk, handing->end);

	if (r == 0)
		r = msgpack_pack_map(&request->pk, 1);
	if (r == 0)
		r = message_pack_str(&request->pk, handing->id != 0 ? "call" : "task");
	if (r == 0)
		r = msgpack_pack_uint64(
			&request->pk, handing->id != 0 ? handing->id : handing->task);
	return r;
}

int ruche_pipe_hand(struct ruche *ruche, const char *name, int end, uint32_t id, uint64_t task)
{
	const struct handing handing = {end, id, task};
	const struct object_question question = {.method = "ruche.pipe.hand",
		.name = name,
		.count = 2,
		.pack = pack_handing,
		.data = &handing};

	int r = object_begin(ruche, &question);

	if (r == 0 &&
		(use_check_name(name) < 0 || (end != 0 && end != 1) || (id == 0 && task == 0)))
		r = -EINVAL;
	return r < 0 ? r : object_ask(ruche, &question, NULL);
}
