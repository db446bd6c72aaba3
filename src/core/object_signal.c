/* SPDX-License-Identifier: MIT */
/* object.h: events and barriers. */
#include "core/object.h"

/* ---- events ------------------------------------------------------------------------------- */

bool object_try_set(struct want *want, struct object_answer *answer)
{
	answer->code = RUCHE_OK;
	return want->use->object->set;
}

void object_set(struct object *event, bool set)
{
	event->set = set;
	object_serve(event, WANT_SET);
}

/* ---- barriers ----------------------------------------------------------------------------- */

bool object_try_pass(struct want *want, struct object_answer *answer)
{
	struct object *barrier = want->use->object;

	if (barrier->waiting[WANT_PASS] + 1 < barrier->size)
		return false;
	answer->number = barrier->waiting[WANT_PASS];
	for (uint64_t i = 0; !TAILQ_EMPTY(&barrier->lanes[WANT_PASS]); i++) {
		const struct object_answer passed = {.number = i};

		want_finish(TAILQ_FIRST(&barrier->lanes[WANT_PASS]), &passed);
	}
	return true;
}

void object_break(struct object *barrier)
{
	barrier->broken = true;
	want_fail_all(barrier, WANT_PASS, RUCHE_BROKEN);
}

void object_mend(struct object *barrier)
{
	want_fail_all(barrier, WANT_PASS, RUCHE_BROKEN);
	barrier->broken = false;
}
