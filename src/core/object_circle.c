/* SPDX-License-Identifier: MIT */
/* object.h: who would wait for each other. */
#include "core/object.h"

/* That ends only when somebody releases something. */
static bool is_stuck(const struct want *want)
{
	return want->kind == WANT_ACQUIRE && !alarm_is_set(&want->alarm) &&
	       !object_can_acquire(want->use);
}

struct search {
	uint64_t number;
	struct holder *last; /* that was found */
	uint32_t *looks;
};

/* Behind the last one, if it was not seen in this search. */
static void see(struct search *search, struct holder *holder)
{
	if (holder->seen == search->number)
		return;
	holder->seen = search->number;
	holder->next_seen = NULL;
	if (search->last != NULL)
		search->last->next_seen = holder;
	search->last = holder;
}

/* All whom it waits for.  False: it can go on by itself, or these are too many. */
static bool see_owners(struct search *search, const struct holder *holder)
{
	const struct want *want = NULL;
	const struct use *owner;

	TAILQ_FOREACH (want, &holder->wants, of_holder) {
		if (!is_stuck(want))
			return false;
		TAILQ_FOREACH (owner, &want->use->object->lock.owners, of_owners) {
			if (TAILQ_EMPTY(&owner->holder->wants) || *search->looks == 0)
				return false;
			--*search->looks;
			see(search, owner->holder);
		}
	}
	return true;
}

/*
 * A holder with several requests can go on when one of them can; a unit of a semaphore can be had when one of its owners goes
 * on.  So nobody goes on if everybody who can be reached, from holders to owners of what they wait for, waits.
 */
struct holder *object_circle(struct objects *objects, struct holder *holder, uint32_t *looks)
{
	struct search search = {.number = ++objects->searches, .looks = looks};

	see(&search, holder);
	for (const struct holder *at = holder; at != NULL; at = at->next_seen)
		if (!see_owners(&search, at))
			return NULL;
	return holder;
}
