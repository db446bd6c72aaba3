/* SPDX-License-Identifier: MIT */
#include "worker/call.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set in whatever a task forks: it is no worker. */
static bool is_copy;

static void on_fork(void)
{
	is_copy = true;
}

int call_init(void)
{
	return -pthread_atfork(NULL, NULL, on_fork);
}

bool call_is_copy(void)
{
	return is_copy;
}

void call_end_copy(void)
{
	if (is_copy)
		_exit(EXIT_SUCCESS);
}

static bool is_named(const struct function *function, const char *name, size_t len)
{
	return function->name_len == len && memcmp(function->name, name, len) == 0;
}

static const struct function *look_up(struct ruche_task *task, const char *method, size_t len)
{
	const char *slash = memrchr(method, '/', len);
	const char *name = slash == NULL ? method : slash + 1;
	const struct function *function =
		plugins_find(task->plugins, name, len - (size_t)(name - method));

	if (function == NULL)
		task_fail(task, RUCHE_UNKNOWN_FUNCTION, RUCHE_EXECUTED_NO,
			"no plugin has a function %.*s", (int)len, method);
	return function;
}

const struct function *call_find(struct ruche_task *task, const char *method, size_t len)
{
	const struct function *last = task->function; /* mostly it is the same again */

	return last != NULL && is_named(last, method, len) ? last : look_up(task, method, len);
}

static const char *words(unsigned int count)
{
	return count == 1 ? "argument" : "arguments";
}

static int refuse_count(struct ruche_task *task)
{
	const struct function *f = task->function;
	size_t count = task->arg_count;
	bool named = f->params != NULL && f->params[0] != '\0';
	const char *before = named ? " (" : "", *after = named ? ")" : "";
	const char *names = named ? f->params : "";

	if (f->max == PLUGIN_ARGS_ANY)
		return ruche_refuse(task, "%s takes at least %u %s%s%s%s, not %zu", f->name, f->min,
			words(f->min), before, names, after, count);
	if (f->min == f->max)
		return ruche_refuse(task, "%s takes %u %s%s%s%s, not %zu", f->name, f->min,
			words(f->min), before, names, after, count);
	return ruche_refuse(task, "%s takes %u to %u arguments%s%s%s, not %zu", f->name, f->min,
		f->max, before, names, after, count);
}

int call_run(struct ruche_task *task)
{
	int returned;

	if (task->arg_count < task->function->min || task->arg_count > task->function->max)
		return refuse_count(task);
	returned = task->function->run(task);
	call_end_copy();
	return returned;
}
