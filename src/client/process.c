/* SPDX-License-Identifier: MIT */

/* Processes: tasks with an id that have a worker of their own, and whose end is kept here once it is known. */
#include "client/process.h"

#include <errno.h>
#include <ruche/objects.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/apply.h"
#include "client/object.h"
#include "client/object_reply.h"
#include "wire/message.h"

struct ruche_child {
	struct ruche *ruche;
	struct ruche_child *next; /* of the connection */
	uint64_t task;
	pid_t owner; /* who started it; what a fork of that has is a copy, which is none of the daemon's business */
	pid_t pid; /* 0: not known yet */
	bool detached, is_command;
	struct ruche_reply *end; /* owned; NULL: it is not known to have ended */
};

/* Before the daemon is asked about it.  -EINVAL: NULL, or a copy in a fork. */
static int begin_about(const struct ruche_child *child)
{
	if (child == NULL || child->owner != getpid())
		return -EINVAL;
	return object_begin(child->ruche, child);
}

/* ---- starting ----------------------------------------------------------------------------- */

static int child_new(struct ruche *ruche, const struct ruche_options *options, const char *function,
	struct ruche_child **ret)
{
	int r = object_begin(ruche, ret);
	struct ruche_child *child;

	if (r < 0 || function == NULL)
		return r < 0 ? r : -EINVAL;
	child = calloc(1, sizeof(*child));
	if (child == NULL)
		return -ENOMEM;
	child->ruche = ruche;
	child->owner = getpid();
	child->detached = options != NULL && options->detach;
	child->is_command = strcmp(function, APPLY_COMMAND) == 0;
	*ret = child;
	return 0;
}

/* Its submission was sent as `id`, if `status` is 0.  Takes the child, also on failure. */
static int begin(struct ruche_child *child, int status, uint32_t id, struct ruche_child **ret)
{
	struct ruche *ruche = child->ruche;
	struct ruche_reply *reply = NULL;
	int r = object_wait(ruche, status, id, &reply);

	if (r == 0) {
		r = ruche_reply_uint64(reply, &child->task) < 0 ? -EPROTO : 0;
		ruche_reply_free(reply);
	}
	if (r < 0) {
		free(child);
		return r;
	}
	child->next = ruche->children;
	ruche->children = child;
	*ret = child;
	return 0;
}

static struct apply apply_of(const struct ruche_options *options, const char *function)
{
	return (struct apply){
		.function = function, .options = options, .is_task = true, .is_process = true};
}

int ruche_process_start(struct ruche *ruche, struct ruche_child **ret,
	const struct ruche_options *options, const char *function, const char *types, ...)
{
	const struct apply apply = apply_of(options, function);
	struct ruche_child *child;
	int r = ret == NULL ? -EINVAL : child_new(ruche, options, function, &child);
	uint32_t id = 0;
	va_list values;

	if (r < 0)
		return r;
	va_start(values, types);
	r = apply_values(ruche, &id, &apply, types, values);
	va_end(values);
	return begin(child, r, id, ret);
}

int ruche_process_start_packed(struct ruche *ruche, struct ruche_child **ret,
	const struct ruche_options *options, const char *function, const void *args,
	size_t args_len)
{
	const struct apply apply = apply_of(options, function);
	struct ruche_child *child;
	int r = ret == NULL ? -EINVAL : child_new(ruche, options, function, &child);
	uint32_t id = 0;

	if (r < 0)
		return r;
	return begin(child, apply_packed(ruche, &id, &apply, args, args_len), id, ret);
}

int ruche_process_start_command(struct ruche *ruche, struct ruche_child **ret,
	const struct ruche_options *options, const struct ruche_command *command)
{
	const struct apply apply = apply_of(options, APPLY_COMMAND);
	struct ruche_child *child;
	int r = ret == NULL ? -EINVAL : child_new(ruche, options, APPLY_COMMAND, &child);
	uint32_t id = 0;

	if (r < 0)
		return r;
	r = apply_command(ruche, &id, &apply, command);
	return begin(child, r, id, ret);
}

/* ---- its end ------------------------------------------------------------------------------- */

/* Is this how it ended?  What says nothing of the task is no end. */
static bool is_end(const struct ruche_reply *reply)
{
	enum ruche_code code = ruche_reply_code(reply);

	return code != RUCHE_PENDING && code != RUCHE_DISCONNECTED && code != RUCHE_DENIED &&
	       code != RUCHE_PROTOCOL && code != RUCHE_BUSY;
}

/* 0: child->end is there. */
static int find_end(struct ruche_child *child, int timeout_ms)
{
	struct ruche_reply *reply = NULL;
	int r = begin_about(child);

	if (r < 0)
		return r;
	if (child->end != NULL)
		return 0;
	r = ruche_task_result(child->ruche, child->task, timeout_ms, &reply);
	if (r < 0)
		return object_not_asked(child->ruche, r);
	if (is_end(reply)) {
		child->end = reply;
		return 0;
	}
	r = object_result(child->ruche, reply);
	return r == 0 ? -EPROTO : r;
}

int ruche_process_join(struct ruche_child *child, int timeout_ms, const struct ruche_reply **ret)
{
	int r = find_end(child, timeout_ms);

	if (r == 0 && ret != NULL)
		*ret = child->end;
	return r;
}

int ruche_process_is_alive(struct ruche_child *child)
{
	int r = find_end(child, 0);

	if (r != -ETIMEDOUT)
		return r;
	(void)object_begin(child->ruche, child); /* which is no error here */
	return 1;
}

/* A number in the result of a command, which is nil in some; -1: it is. */
static int number_in(const struct ruche_reply *reply, const char *key)
{
	struct piece map, value;
	const void *data;
	__int128 number = -1;

	if (ruche_reply_packed(reply, &data, &map.len) < 0)
		return -1;
	map.data = data;
	if (value_find(map, key, &value) < 0 ||
		value_get_int128(value.data, value.len, &number) < 0 || number > INT32_MAX)
		return -1;
	return (int)number;
}

static int exitcode_of_command(const struct ruche_reply *reply)
{
	int signal = number_in(reply, "signal");

	return signal > 0 ? -signal : number_in(reply, "exit_status");
}

/* Who stopped because it was asked to ended by the signal that asks. */
static int exitcode_of_failure(const struct ruche_error *error)
{
	bool was_asked = error->code == RUCHE_CANCELLED || error->code == RUCHE_TIMEOUT;

	if (error->signal > 0)
		return -error->signal;
	if (error->exit_status > 0)
		return error->exit_status;
	return was_asked && error->executed != RUCHE_EXECUTED_NO ? -SIGTERM : 1;
}

int ruche_process_exitcode(struct ruche_child *child, int *ret)
{
	int r = ret == NULL ? -EINVAL : find_end(child, 0);

	if (r < 0)
		return r == -ETIMEDOUT ? -EAGAIN : r;
	if (ruche_reply_error(child->end) != NULL)
		*ret = exitcode_of_failure(ruche_reply_error(child->end));
	else
		*ret = child->is_command ? exitcode_of_command(child->end) : 0;
	return 0;
}

/* ---- while it runs ----------------------------------------------------------------------- */

/* 0, also if it has none yet. */
static int ask_for_pid(struct ruche_child *child)
{
	struct ruche_reply *reply = NULL;
	int r = ruche_task_status(child->ruche, child->task, &reply);

	r = r < 0 ? object_not_asked(child->ruche, r) : object_result(child->ruche, reply);
	if (r < 0)
		return r;
	if (number_in(reply, "pid") > 0)
		child->pid = number_in(reply, "pid");
	ruche_reply_free(reply);
	return 0;
}

int ruche_process_pid(struct ruche_child *child, pid_t *ret)
{
	int r = ret == NULL ? -EINVAL : begin_about(child);

	if (r == 0 && child->pid == 0)
		r = ask_for_pid(child);
	if (r < 0)
		return r;
	if (child->pid == 0)
		return -EAGAIN;
	*ret = child->pid;
	return 0;
}

uint64_t ruche_process_task(const struct ruche_child *child)
{
	return child == NULL ? 0 : child->task;
}

static int stop(struct ruche_child *child, int signal)
{
	struct ruche_reply *reply = NULL;
	int r = begin_about(child);

	if (r < 0 || child->end != NULL)
		return r;
	r = ruche_task_cancel(child->ruche, child->task, signal, &reply);
	if (r < 0)
		return object_not_asked(child->ruche, r);
	r = object_result(child->ruche, reply);
	if (r == 0)
		ruche_reply_free(reply);
	return r == -ENOENT ? 0 : r; /* its end is forgotten already */
}

int ruche_process_terminate(struct ruche_child *child)
{
	return stop(child, SIGTERM);
}

int ruche_process_kill(struct ruche_child *child)
{
	return stop(child, SIGKILL);
}

/* ---- closing ------------------------------------------------------------------------------ */

/* Without waiting for an answer. */
static void stop_quietly(struct ruche_child *child)
{
	struct request request;
	int r = request_begin_notification(&request, child->ruche, "ruche.cancel_task");

	if (r < 0)
		return;
	r = msgpack_pack_array(&request.pk, 1);
	if (r == 0)
		r = msgpack_pack_uint64(&request.pk, child->task);
	(void)request_end(&request, r);
}

/* [task, {"forget": true}] */
static int pack_forgetting(msgpack_packer *pk, uint64_t task)
{
	int r = msgpack_pack_array(pk, 2);

	if (r == 0)
		r = msgpack_pack_uint64(pk, task);
	if (r == 0)
		r = msgpack_pack_map(pk, 1);
	if (r == 0)
		r = message_pack_str(pk, "forget");
	return r == 0 ? msgpack_pack_true(pk) : r;
}

/* Nobody else is to know how it ended. */
static void forget(struct ruche_child *child)
{
	struct calls *calls = &child->ruche->calls;
	struct request request;

	if (request_begin(&request, child->ruche, "ruche.result") < 0)
		return;
	if (request_end(&request, pack_forgetting(&request.pk, child->task)) == 0)
		calls_drop(calls, calls_find(calls, request.id));
}

static void leave_connection(struct ruche_child *child)
{
	struct ruche_child **at = &child->ruche->children;

	while (*at != child)
		at = &(*at)->next;
	*at = child->next;
}

static void child_free(struct ruche_child *child)
{
	ruche_reply_free(child->end);
	free(child);
}

void ruche_process_close(struct ruche_child *child)
{
	if (child == NULL)
		return;
	if (!child->detached && child->owner == getpid()) {
		if (child->end == NULL)
			stop_quietly(child);
		forget(child);
		connection_send(child->ruche);
	}
	leave_connection(child);
	child_free(child);
}

void processes_free(struct ruche *ruche)
{
	while (ruche->children != NULL) {
		struct ruche_child *child = ruche->children;

		ruche->children = child->next;
		child_free(child);
	}
}

/* ---- cores -------------------------------------------------------------------------------- */

int ruche_cpu_count(struct ruche *ruche, const char *pool, unsigned int *ret)
{
	const struct object_question question = {.method = "ruche.cpu_count", .name = pool};
	struct ruche_reply *reply;
	uint64_t count = 0;
	int r = object_begin(ruche, ret);

	if (r == 0)
		r = object_ask(ruche, &question, &reply);
	if (r == 0)
		r = object_take_number(reply, &count);
	if (r < 0 || count > UINT32_MAX)
		return r < 0 ? r : -EPROTO;
	*ret = (unsigned int)count;
	return 0;
}
