/* SPDX-License-Identifier: MIT */
/* object.h: locks, rlocks, semaphores, and the lock of a condition. */
#include "core/object.h"

static bool can_be_had_again(const struct object *object)
{
	return object->kind == OBJECT_RLOCK || object->kind == OBJECT_CONDITION;
}

static bool has_unit(const struct object *object)
{
	return object->lock.held < (object->kind == OBJECT_SEMAPHORE ? object->size : 1);
}

bool object_can_acquire(const struct use *use)
{
	return has_unit(use->object) || (use->held > 0 && can_be_had_again(use->object));
}

static void answer_acquired(
	struct want *want, struct object_lock *lock, struct object_answer *answer)
{
	answer->code = want->is_late ? RUCHE_TIMEOUT : RUCHE_OK;
	answer->abandoned = lock->abandoned;
	if (answer->code == RUCHE_OK)
		lock->abandoned = false;
}

bool object_try_acquire(struct want *want, struct object_answer *answer)
{
	struct use *use = want->use;
	struct object *object = use->object;
	struct object_lock *lock = &object->lock;

	if (use->held > 0 && can_be_had_again(object)) {
		if (use->held > UINT32_MAX - want->depth)
			return false;
		use->held += want->depth;
		return true;
	}
	if (!has_unit(object))
		return false;
	lock->held++;
	if (use->held == 0)
		TAILQ_INSERT_TAIL(&lock->owners, use, of_owners);
	use->held += want->depth;
	answer_acquired(want, lock, answer);
	return true;
}

/* So much less of what the use counts, and of what the lock does. */
static void give_back(struct use *use, uint32_t held, uint64_t units)
{
	struct object_lock *lock = &use->object->lock;

	use->held -= held;
	if (use->held == 0)
		TAILQ_REMOVE(&lock->owners, use, of_owners);
	lock->held -= units;
}

enum ruche_code object_release(struct use *use)
{
	struct object *object = use->object;

	if (use->held == 0)
		return RUCHE_NOT_HELD;
	give_back(use, 1, can_be_had_again(object) && use->held > 1 ? 0 : 1);
	object_serve(object, WANT_ACQUIRE);
	return RUCHE_OK;
}

void object_give_back_lock(struct use *use, bool died)
{
	struct object *object = use->object;

	if (use->held == 0)
		return;
	object->lock.abandoned |= died;
	give_back(use, use->held, can_be_had_again(object) ? 1 : use->held);
	object_serve(object, WANT_ACQUIRE);
}

void object_restore_owner(struct use *use)
{
	struct object *object = use->object;

	if (use->held == 0 || !object_serves(object, WANT_ACQUIRE))
		return;
	TAILQ_INSERT_TAIL(&object->lock.owners, use, of_owners);
	object->lock.held += can_be_had_again(object) ? 1 : use->held;
}

enum ruche_code object_notify(struct use *use, uint64_t count, uint64_t *ret)
{
	struct object *object = use->object;
	struct want *want;

	if (use->held == 0)
		return RUCHE_NOT_HELD;
	*ret = 0;
	while (*ret < count && (want = TAILQ_FIRST(&object->lanes[WANT_NOTIFY])) != NULL) {
		want->was_notified = true;
		want_move(want, WANT_ACQUIRE);
		++*ret;
	}
	return RUCHE_OK;
}
