/* SPDX-License-Identifier: MIT */
/* A function that has objects of the daemon, and ends in one of several ways while it has them. */
#include <ruche/objects.h>
#include <ruche/plugin.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { UNITS = 2 };

static struct ruche *kept; /* by the worker, from task to task */

static int open_all(struct ruche *ruche, struct ruche_object *ret[5])
{
	static const struct {
		enum ruche_kind kind;
		const char *name;
	} all[] = {{RUCHE_LOCK, "lock"}, {RUCHE_RLOCK, "rlock"}, {RUCHE_SEMAPHORE, "semaphore"},
		{RUCHE_QUEUE, "queue"}, {RUCHE_EVENT, "held"}};
	int r = 0;

	for (int i = 0; r == 0 && i < 5; i++) {
		const struct ruche_object_options options = {
			.value = all[i].kind == RUCHE_SEMAPHORE ? UNITS : 0};

		r = ruche_object_open(ruche, &ret[i], all[i].kind, all[i].name, &options);
	}
	return r;
}

/* The lock, the rlock twice, all units, and an item. */
static int take_all(struct ruche_object *objects[5], uint64_t *ret_token)
{
	struct ruche_reply *reply;
	int r = ruche_acquire(objects[0], -1);

	for (int i = 0; r >= 0 && i < 2; i++)
		r = ruche_acquire(objects[1], -1);
	for (int i = 0; r >= 0 && i < UNITS; i++)
		r = ruche_acquire(objects[2], -1);
	if (r >= 0)
		r = ruche_queue_get_ack(objects[3], -1, ret_token, &reply);
	if (r == 0)
		ruche_reply_free(reply);
	return r == 0 ? ruche_event_set(objects[4]) : r;
}

static int release_all(struct ruche_object *objects[5], uint64_t token)
{
	int r = ruche_release(objects[0]);

	for (int i = 0; r == 0 && i < 2; i++)
		r = ruche_release(objects[1]);
	for (int i = 0; r == 0 && i < UNITS; i++)
		r = ruche_release(objects[2]);
	return r == 0 ? ruche_queue_give_back(objects[3], token) : r;
}

static int have_all(struct ruche *ruche, bool releases)
{
	struct ruche_object *objects[5];
	uint64_t token = 0;
	int r = open_all(ruche, objects);

	if (r == 0)
		r = take_all(objects, &token);
	return r == 0 && releases ? release_all(objects, token) : r;
}

/* For what its caller has, which gives it back when this has gone. */
static int wait_in_vain(struct ruche *ruche)
{
	struct ruche_object *lock;
	int r = ruche_object_open(ruche, &lock, RUCHE_LOCK, "callers", NULL);

	return r == 0 ? ruche_acquire(lock, -1) : r;
}

/* "wait", or it has all and then: "return", "give" (all back), "close", "exit", "kill". */
static int hold(struct ruche_task *task)
{
	struct ruche *ruche = kept;
	const char *way;
	size_t len;
	int r = ruche_arg_bytes(task, 0, &way, &len);

	if (r == 0 && ruche == NULL)
		r = ruche_open(NULL, &ruche);
	kept = ruche;
	if (r == 0)
		r = way[0] == 'w' ? wait_in_vain(ruche) : have_all(ruche, way[0] == 'g');
	if (r < 0)
		return ruche_fail(task, "%s", strerror(-r));
	if (way[0] == 'k')
		raise(SIGKILL);
	if (way[0] == 'e')
		_exit(0);
	if (way[0] == 'c') {
		ruche_close(ruche);
		kept = NULL;
	}
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "objects.hold", .run = hold, .params = "way"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "objects",
	.functions = functions,
};
