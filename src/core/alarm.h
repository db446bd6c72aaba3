/* SPDX-License-Identifier: MIT */
#ifndef CORE_ALARM_H
#define CORE_ALARM_H

/*
 * Points of time at which something is to be looked at: a binary heap of alarms that lie
 * in what they belong to.  Setting and clearing one takes logarithmic time; what never sets
 * one costs nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is not set.  Must not move while it is set. */
struct alarm {
	uint64_t at;     /* ns */
	size_t position; /* in the heap, from 1; 0: not set */
	int kind;        /* the owner's: what it lies in */
};

struct alarms {
	struct alarm **heap;
	size_t count, cap;
};

void alarms_fini(struct alarms *alarms);

static inline bool alarm_is_set(const struct alarm *alarm)
{
	return alarm->position != 0;
}

/* Sets it, or moves it if it is set.  0, or -ENOMEM with nothing changed; moving never fails. */
int alarms_set(struct alarms *alarms, struct alarm *alarm, uint64_t at);
void alarms_clear(struct alarms *alarms, struct alarm *alarm); /* may be not set */

struct alarm *alarms_first(const struct alarms *alarms); /* NULL: none is set */

#endif
