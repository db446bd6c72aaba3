/* SPDX-License-Identifier: MIT */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

/*
 * When a task may start, by when it must have started and ended, and how often it is
 * tried.  Only tasks whose caller asked for any of this have a plan.  All times are points on
 * the monotonic clock in ns, 0 for none, unless they say otherwise.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/alarm.h"
#include "core/task.h"

#define PLAN_BACKOFF_DEFAULT 100000000ULL /* ns */
#define PLAN_BACKOFF_MAX 60000000000ULL

struct plan {
	struct alarm alarm;
	struct task *task;
	uint64_t not_before, expires, deadline;
	uint64_t timeout; /* of one run, ns */
	uint64_t backoff; /* before the second run, ns */
	unsigned int attempts;
	unsigned int retry_on; /* a bit for each code, 1 << code */
};

/* What has come due. */
enum plan_event {
	PLAN_NOTHING,
	PLAN_START,    /* it may start now */
	PLAN_EXPIRED,  /* it has not started in time */
	PLAN_DEADLINE, /* it has not ended in time */
	PLAN_TIMEOUT,  /* its run takes too long */
};

/* Runs: its worker has it and works on nothing before it. */
enum plan_event plan_due(const struct plan *plan, bool runs, uint64_t now);

/* When to look again; 0: never. */
uint64_t plan_next(const struct plan *plan, bool runs);

/*
 * After a run that failed with this code: true if it is to be run again, `*ret_delay` ns from now.
 * `random` is any 32 bits: the pause is spread over its upper half.
 */
bool plan_retries(const struct plan *plan, unsigned int code, uint32_t random, uint64_t *ret_delay);

#endif
