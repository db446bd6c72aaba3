/* SPDX-License-Identifier: MIT */
/* object.h: who would wait for each other. */
#include "core/object.h"

/* That ends only when somebody releases something. */
static bool is_stuck(const struct want *want)
{
	return want->kind == WANT_ACQUIRE && !alarm_is_set(&want->alarm) &&
	       !object_has_unit(want->use->object);
}

/* Behind the last one, if it was not seen in this search. */
static struct holder *see(struct holder *last, struct holder *holder, uint64_t search)
{
	if (holder->seen == search)
		return last;
	holder->seen = search;
	holder->next_seen = NULL;
	if (last != NULL)
		last->next_seen = holder;
	return holder;
}

/* All whom it waits for; NULL: it can go on by itself. */
static struct holder *see_owners(const struct holder *holder, struct holder *last, uint64_t search)
{
	const struct want *want;
	const struct use *owner;

	if (TAILQ_EMPTY(&holder->wants))
		return NULL;
	TAILQ_FOREACH (want, &holder->wants, of_holder) {
		if (!is_stuck(want))
			return NULL;
		TAILQ_FOREACH (owner, &want->use->object->lock.owners, of_owners)
			last = see(last, owner->holder, search);
	}
	return last;
}

/*
 * A holder with several requests can go on when one of them can; a unit of a semaphore can be had when one of its owners goes
 * on.  So nobody goes on if everybody who can be reached, from holders to owners of what they wait for, waits.
 */
struct holder *object_circle(struct objects *objects, struct holder *holder)
{
	uint64_t search = ++objects->searches;
	struct holder *last = see(NULL, holder, search);

	for (struct holder *at = holder; at != NULL; at = at->next_seen) {
		last = see_owners(at, last, search);
		if (last == NULL)
			return NULL;
	}
	return holder;
}
