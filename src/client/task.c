/* SPDX-License-Identifier: MIT */

/* Tasks that the daemon knows by an id: small calls of its own methods, each waited for. */

#include <errno.h>
#include <ruche/ruche.h>
#include <signal.h>
#include <string.h>

#include "client/apply.h"
#include "wire/message.h"

/* ---- submitting */

/* Takes `reply`, the daemon's answer, apart. */
static int take_id(struct ruche_reply *reply, uint64_t *ret_task, struct ruche_reply **ret)
{
	uint64_t task = 0;

	if (ruche_reply_error(reply) == NULL) {
		int r = ruche_reply_uint64(reply, &task);

		ruche_reply_free(reply);
		reply = NULL;
		if (r < 0 || task == 0)
			return -EPROTO;
	}
	*ret_task = task;
	*ret = reply;
	return 0;
}

/* Waits for the answer to a submission that was just sent, `status` 0. */
static int wait_for_id(
	struct ruche *ruche, int status, uint32_t id, uint64_t *ret_task, struct ruche_reply **ret)
{
	struct ruche_reply *reply;
	int r = apply_wait(ruche, status, id, &reply);

	return r < 0 ? r : take_id(reply, ret_task, ret);
}

static int check_submit(const struct ruche *ruche, const uint64_t *ret_task, const void *ret)
{
	return ret_task == NULL ? -EINVAL : apply_check(ruche, ret);
}

int ruche_task_submit(struct ruche *ruche, uint64_t *ret_task, struct ruche_reply **ret,
	const struct ruche_options *options, const char *function, const char *types, ...)
{
	const struct apply apply = {.function = function, .options = options, .is_task = true};
	int r = check_submit(ruche, ret_task, ret);
	uint32_t id = 0;
	va_list values;

	if (r < 0)
		return r;
	va_start(values, types);
	r = apply_values(ruche, &id, &apply, types, values);
	va_end(values);
	return wait_for_id(ruche, r, id, ret_task, ret);
}

int ruche_task_submit_packed(struct ruche *ruche, uint64_t *ret_task, struct ruche_reply **ret,
	const struct ruche_options *options, const char *function, const void *args,
	size_t args_len)
{
	const struct apply apply = {.function = function, .options = options, .is_task = true};
	int r = check_submit(ruche, ret_task, ret);
	uint32_t id = 0;

	if (r < 0)
		return r;
	r = apply_packed(ruche, &id, &apply, args, args_len);
	return wait_for_id(ruche, r, id, ret_task, ret);
}

int ruche_task_submit_command(struct ruche *ruche, uint64_t *ret_task, struct ruche_reply **ret,
	const struct ruche_options *options, const struct ruche_command *command)
{
	const struct apply apply = {.function = APPLY_COMMAND, .options = options, .is_task = true};
	int r = check_submit(ruche, ret_task, ret);
	uint32_t id = 0;

	if (r < 0)
		return r;
	r = apply_command(ruche, &id, &apply, command);
	return wait_for_id(ruche, r, id, ret_task, ret);
}

/* ---- asking */

/* A question about tasks, as method [id or ids, options]. */
struct question {
	const char *method;
	const uint64_t *tasks;
	size_t count;
	bool is_array;    /* the tasks are given as an array */
	int timeout_ms;   /* < 0: none */
	const char *flag; /* an option that is true, or NULL */
};

static int pack_tasks(msgpack_packer *pk, const struct question *question)
{
	int r = question->is_array ? msgpack_pack_array(pk, question->count) : 0;

	for (size_t i = 0; r == 0 && i < question->count; i++)
		r = msgpack_pack_uint64(pk, question->tasks[i]);
	return r;
}

static size_t count_options(const struct question *question)
{
	return (question->timeout_ms >= 0) + (question->flag != NULL);
}

static int pack_options(msgpack_packer *pk, const struct question *question)
{
	int r = msgpack_pack_map(pk, count_options(question));

	if (r == 0 && question->timeout_ms >= 0)
		r = message_pack_str(pk, "timeout");
	if (r == 0 && question->timeout_ms >= 0)
		r = message_pack_double(pk, question->timeout_ms / 1000.0);
	if (r == 0 && question->flag != NULL)
		r = message_pack_str(pk, question->flag);
	if (r == 0 && question->flag != NULL)
		r = msgpack_pack_true(pk);
	return r;
}

static int pack_question(msgpack_packer *pk, const struct question *question)
{
	bool has_options = count_options(question) > 0;
	int r = msgpack_pack_array(pk, has_options ? 2 : 1);

	if (r == 0)
		r = pack_tasks(pk, question);
	return r == 0 && has_options ? pack_options(pk, question) : r;
}

/* Sends it.  0 or a negative errno. */
static int send_question(struct ruche *ruche, uint32_t *ret_id, const struct question *question)
{
	struct request request;
	int r = request_begin(&request, ruche, question->method);

	if (r == 0)
		r = request_end(&request, pack_question(&request.pk, question));
	if (r == 0)
		*ret_id = request.id;
	return r;
}

static int ask(struct ruche *ruche, struct ruche_reply **ret, const struct question *question)
{
	int r = apply_check(ruche, ret);
	uint32_t id = 0;

	if (r == 0)
		r = send_question(ruche, &id, question);
	return apply_wait(ruche, r, id, ret);
}

int ruche_task_result(struct ruche *ruche, uint64_t task, int timeout_ms, struct ruche_reply **ret)
{
	const struct question question = {
		.method = "ruche.result", .tasks = &task, .count = 1, .timeout_ms = timeout_ms};

	return ask(ruche, ret, &question);
}

int ruche_task_wait(struct ruche *ruche, const uint64_t *tasks, size_t count, bool any,
	int timeout_ms, struct ruche_reply **ret)
{
	const struct question question = {.method = "ruche.wait",
		.tasks = tasks,
		.count = count,
		.is_array = true,
		.timeout_ms = timeout_ms,
		.flag = any ? "any" : NULL};

	if (tasks == NULL && count > 0)
		return -EINVAL;
	return ask(ruche, ret, &question);
}

int ruche_task_status(struct ruche *ruche, uint64_t task, struct ruche_reply **ret)
{
	const struct question question = {
		.method = "ruche.task", .tasks = &task, .count = 1, .timeout_ms = -1};

	return ask(ruche, ret, &question);
}

int ruche_task_cancel(struct ruche *ruche, uint64_t task, int signal, struct ruche_reply **ret)
{
	struct request request;
	int r = apply_check(ruche, ret);

	if (r == 0 && (signal < 0 || signal >= NSIG))
		r = -EINVAL;
	if (r == 0)
		r = request_begin(&request, ruche, "ruche.cancel_task");
	if (r != 0)
		return r;
	r = msgpack_pack_array(&request.pk, 2);
	if (r == 0)
		r = msgpack_pack_uint64(&request.pk, task);
	if (r == 0)
		r = msgpack_pack_int(&request.pk, signal);
	r = request_end(&request, r);
	return apply_wait(ruche, r, request.id, ret);
}

static void ignore_output(void *user, int stream, const void *data, size_t len)
{
	(void)user;
	(void)stream;
	(void)data;
	(void)len;
}

int ruche_task_log(struct ruche *ruche, uint64_t task, bool follow,
	void (*on_output)(void *user, int stream, const void *data, size_t len), void *user,
	struct ruche_reply **ret)
{
	static const struct call_log nowhere = {ignore_output, NULL};
	const struct call_log log = {on_output == NULL ? ignore_output : on_output, user};
	const struct question question = {.method = "ruche.log",
		.tasks = &task,
		.count = 1,
		.timeout_ms = -1,
		.flag = follow ? "follow" : NULL};
	int r = apply_check(ruche, ret);
	struct call *call;
	uint32_t id = 0;

	if (r == 0)
		r = send_question(ruche, &id, &question);
	if (r < 0)
		return r;
	calls_find(&ruche->calls, id)->log = &log;
	r = apply_wait(ruche, 0, id, ret);
	call = r < 0 ? calls_find(&ruche->calls, id) : NULL;
	if (call != NULL)
		call->log = &nowhere;
	return r;
}
