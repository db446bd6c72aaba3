/* SPDX-License-Identifier: MIT */
/* objects.h: locks, events, conditions and barriers. */
#include <errno.h>

#include "client/object.h"

enum {
	LOCKS = 1 << RUCHE_LOCK | 1 << RUCHE_RLOCK | 1 << RUCHE_SEMAPHORE | 1 << RUCHE_CONDITION,
	EVENT = 1 << RUCHE_EVENT,
	CONDITION = 1 << RUCHE_CONDITION,
	BARRIER = 1 << RUCHE_BARRIER,
};

_Static_assert(RUCHE_ABANDONED == 1, "as object_take_word() has it");

/* ---- locks */

/* Waits until a lock is held.  0 or RUCHE_ABANDONED. */
static int wait_for_lock(struct ruche_object *object, unsigned int kinds, const char *method,
	int timeout_ms, const char *word)
{
	struct ruche_reply *reply;
	int r = object_ask_plain(object, kinds, method, timeout_ms, &reply);

	return r < 0 ? r : object_take_word(reply, word, "abandoned");
}

int ruche_acquire(struct ruche_object *lock, int timeout_ms)
{
	return wait_for_lock(lock, LOCKS, "ruche.lock.acquire", timeout_ms, "acquired");
}

int ruche_release(struct ruche_object *lock)
{
	return object_ask_plain(lock, LOCKS, "ruche.lock.release", -1, NULL);
}

/* ---- events */

int ruche_event_set(struct ruche_object *event)
{
	return object_ask_plain(event, EVENT, "ruche.event.set", -1, NULL);
}

int ruche_event_clear(struct ruche_object *event)
{
	return object_ask_plain(event, EVENT, "ruche.event.clear", -1, NULL);
}

int ruche_event_wait(struct ruche_object *event, int timeout_ms)
{
	return object_ask_plain(event, EVENT, "ruche.event.wait", timeout_ms, NULL);
}

int ruche_event_is_set(struct ruche_object *event)
{
	struct ruche_reply *reply;
	bool is_set = false;
	int r = object_ask_plain(event, EVENT, "ruche.object", -1, &reply);

	if (r < 0)
		return r;
	r = object_get_flag(reply, "set", &is_set);
	ruche_reply_free(reply);
	return r < 0 ? r : is_set;
}

/* ---- conditions */

int ruche_condition_wait(struct ruche_object *condition, int timeout_ms)
{
	return wait_for_lock(condition, CONDITION, "ruche.condition.wait", timeout_ms, "notified");
}

/* Nil: all. */
static int pack_count(struct request *request, const void *data)
{
	const unsigned int *count = data;

	return *count == 0 ? msgpack_pack_nil(&request->pk)
			   : msgpack_pack_unsigned_int(&request->pk, *count);
}

int ruche_condition_notify(struct ruche_object *condition, unsigned int count)
{
	const struct object_question question = {
		.method = "ruche.condition.notify", .count = 1, .pack = pack_count, .data = &count};

	return object_ask_of(condition, CONDITION, &question, NULL);
}

/* ---- barriers */

int ruche_barrier_wait(struct ruche_object *barrier, int timeout_ms, unsigned int *ret_index)
{
	struct ruche_reply *reply;
	uint64_t index = 0;
	int r = object_ask_plain(barrier, BARRIER, "ruche.barrier.wait", timeout_ms, &reply);

	if (r == 0)
		r = object_take_number(reply, &index);
	if (r == 0 && index > UINT32_MAX)
		r = -EPROTO;
	if (r == 0 && ret_index != NULL)
		*ret_index = (unsigned int)index;
	return r;
}

int ruche_barrier_abort(struct ruche_object *barrier)
{
	return object_ask_plain(barrier, BARRIER, "ruche.barrier.abort", -1, NULL);
}

int ruche_barrier_reset(struct ruche_object *barrier)
{
	return object_ask_plain(barrier, BARRIER, "ruche.barrier.reset", -1, NULL);
}
