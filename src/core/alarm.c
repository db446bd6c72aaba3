/* SPDX-License-Identifier: MIT */
#include "core/alarm.h"

#include <errno.h>
#include <stdlib.h>

/* Positions count from 1, so that the parent of n is n / 2. */
static void place(struct alarms *alarms, struct alarm *alarm, size_t position)
{
	alarms->heap[position - 1] = alarm;
	alarm->position = position;
}

static struct alarm *at(const struct alarms *alarms, size_t position)
{
	return alarms->heap[position - 1];
}

static void rise(struct alarms *alarms, struct alarm *alarm)
{
	size_t position = alarm->position;

	while (position > 1 && at(alarms, position / 2)->at > alarm->at) {
		place(alarms, at(alarms, position / 2), position);
		position /= 2;
	}
	place(alarms, alarm, position);
}

static void sink(struct alarms *alarms, struct alarm *alarm)
{
	size_t position = alarm->position;

	for (;;) {
		size_t child = position * 2;

		if (child < alarms->count && at(alarms, child + 1)->at < at(alarms, child)->at)
			child++;
		if (child > alarms->count || at(alarms, child)->at >= alarm->at)
			break;
		place(alarms, at(alarms, child), position);
		position = child;
	}
	place(alarms, alarm, position);
}

static int reserve(struct alarms *alarms)
{
	size_t cap = alarms->cap == 0 ? 64 : alarms->cap * 2;
	struct alarm **heap;

	if (alarms->count < alarms->cap)
		return 0;
	heap = realloc(alarms->heap, cap * sizeof(struct alarm *));
	if (heap == NULL)
		return -ENOMEM;
	alarms->heap = heap;
	alarms->cap = cap;
	return 0;
}

int alarms_set(struct alarms *alarms, struct alarm *alarm, uint64_t when)
{
	if (!alarm_is_set(alarm)) {
		if (reserve(alarms) < 0)
			return -ENOMEM;
		place(alarms, alarm, ++alarms->count);
	}
	alarm->at = when;
	rise(alarms, alarm);
	sink(alarms, alarm);
	return 0;
}

void alarms_clear(struct alarms *alarms, struct alarm *alarm)
{
	struct alarm *last;
	size_t position = alarm->position;

	if (position == 0)
		return;
	last = at(alarms, alarms->count--);
	alarm->position = 0;
	if (last == alarm)
		return;
	place(alarms, last, position);
	rise(alarms, last);
	sink(alarms, last);
}

struct alarm *alarms_first(const struct alarms *alarms)
{
	return alarms->count > 0 ? alarms->heap[0] : NULL;
}

void alarms_fini(struct alarms *alarms)
{
	free(alarms->heap);
	*alarms = (struct alarms){0};
}
