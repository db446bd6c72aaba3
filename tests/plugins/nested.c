/* SPDX-License-Identifier: MIT */
/* Functions that call the daemon themselves. */
#include <ruche/objects.h>
#include <ruche/plugin.h>
#include <ruche/ruche.h>
#include <stdio.h>
#include <string.h>

/* Calls `function` with n; the reply, or NULL with the failure set. */
static struct ruche_reply *call(struct ruche_task *task, const char *function, int64_t n)
{
	struct ruche_reply *reply = NULL;
	struct ruche *ruche;
	int r = ruche_open(NULL, &ruche);

	if (r == 0) {
		r = ruche_call(ruche, &reply, function, "i", n);
		ruche_close(ruche);
	}
	if (r < 0) {
		ruche_fail(task, "cannot call %s: %s", function, strerror(-r));
		return NULL;
	}
	if (ruche_reply_code(reply) == RUCHE_OK)
		return reply;
	ruche_fail(task, "%s: %s", ruche_code_name(ruche_reply_code(reply)),
		ruche_reply_error(reply)->message);
	ruche_reply_free(reply);
	return NULL;
}

/* How deep it went: n. */
static int deep(struct ruche_task *task)
{
	struct ruche_reply *reply;
	int64_t n, below = 0;

	if (ruche_arg_int64(task, 0, &n) < 0)
		return -1;
	if (n == 0)
		return ruche_return_int64(task, 0);
	reply = call(task, "nested.deep", n - 1);
	if (reply == NULL)
		return -1;
	ruche_reply_int64(reply, &below);
	ruche_reply_free(reply);
	return ruche_return_int64(task, below + 1);
}

/* How many calls there were in a tree of this height: 2^(n+1) - 1. */
static int tree(struct ruche_task *task)
{
	struct ruche_reply *replies[2] = {NULL, NULL};
	uint32_t ids[2] = {0, 0};
	int64_t n, sum = 1, one = 0;
	struct ruche *ruche;
	bool good = true;

	if (ruche_arg_int64(task, 0, &n) < 0)
		return -1;
	if (n == 0)
		return ruche_return_int64(task, 1);
	if (ruche_open(NULL, &ruche) < 0)
		return ruche_fail(task, "no daemon");
	for (int i = 0; i < 2; i++)
		good = good && ruche_submit(ruche, &ids[i], "nested.tree", "i", n - 1) == 0;
	for (int i = 0; good && i < 2; i++) {
		good = ruche_wait(ruche, ids[i], -1, &replies[i]) == 1 &&
		       ruche_reply_int64(replies[i], &one) == 0;
		sum += one;
	}
	for (int i = 0; i < 2; i++)
		ruche_reply_free(replies[i]);
	ruche_close(ruche);
	return good ? ruche_return_int64(task, sum) : ruche_fail(task, "a branch broke");
}

/* Calls itself n deep, where it sleeps for long. */
static int rest(struct ruche_task *task)
{
	struct ruche_reply *reply;
	int64_t n;

	if (ruche_arg_int64(task, 0, &n) < 0)
		return -1;
	reply = n > 1 ? call(task, "nested.rest", n - 1) : call(task, "sleep", 1000);
	if (reply == NULL)
		return -1;
	ruche_reply_free(reply);
	return 0;
}

/* Waits for this event.  What the daemon says against it, as the result. */
static int wait_for_event(struct ruche_task *task, struct ruche *ruche, const char *name)
{
	const struct ruche_error *error;
	struct ruche_object *event;
	char said[64];

	if (ruche_object_open(ruche, &event, RUCHE_EVENT, name, NULL) < 0)
		return ruche_fail(task, "no event");
	if (ruche_event_wait(event, -1) == 0)
		return ruche_return_str(task, "set");
	error = ruche_last_error(ruche);
	if (error == NULL)
		return ruche_fail(task, "nobody says why");
	snprintf(said, sizeof(said), "%s %s", ruche_code_name(error->code),
		ruche_executed_name(error->executed));
	return ruche_return_str(task, said);
}

static int get_name(struct ruche_task *task, size_t index, char *ret, size_t size)
{
	const char *name;
	size_t len;

	if (ruche_arg_bytes(task, index, &name, &len) < 0)
		return -1;
	snprintf(ret, size, "%.*s", (int)len, name);
	return 0;
}

/* Acquires a lock and keeps it, and the connection too; with a second name it then waits for that event. */
static int hold(struct ruche_task *task)
{
	static struct ruche *ruche;
	struct ruche_object *lock;
	char names[2][64] = {"", ""};
	size_t count = ruche_arg_count(task);

	if (count == 0 || count > 2)
		return ruche_fail(task, "takes a lock and perhaps an event");
	for (size_t i = 0; i < count; i++)
		if (get_name(task, i, names[i], sizeof(names[i])) < 0)
			return -1;
	if (ruche == NULL && ruche_open(NULL, &ruche) < 0)
		return ruche_fail(task, "no daemon");
	if (ruche_object_open(ruche, &lock, RUCHE_LOCK, names[0], NULL) < 0 ||
		ruche_acquire(lock, -1) < 0)
		return ruche_fail(task, "no lock");
	if (count == 2)
		return wait_for_event(task, ruche, names[1]);
	return ruche_return_str(task, "held");
}

/* Opens a lock on a connection that stays, and closes it again: the last that it does. */
static int last_act(struct ruche_task *task)
{
	static struct ruche *ruche;
	struct ruche_object *lock;
	const char *text;
	char name[100];
	size_t len;

	if (ruche_arg_bytes(task, 0, &text, &len) < 0)
		return -1;
	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	if (ruche == NULL && ruche_open(NULL, &ruche) < 0)
		return ruche_fail(task, "no daemon");
	if (ruche_object_open(ruche, &lock, RUCHE_LOCK, name, NULL) < 0)
		return ruche_fail(task, "no lock");
	ruche_object_close(lock);
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "nested.deep", .run = deep, .params = "n"},
	{.name = "nested.tree", .run = tree, .params = "n"},
	{.name = "nested.rest", .run = rest, .params = "n"},
	{.name = "nested.hold", .run = hold, .params = "lock [event]"},
	{.name = "nested.last_act", .run = last_act, .params = "lock"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "nested",
	.functions = functions,
};
