/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_TIMERS_H
#define SUPERVISOR_TIMERS_H

/*
 * Everything that happens at a point of time and belongs to tasks, waits, sessions or notices: one
 * heap of alarms and one timer of the event loop, set to the first of them.
 */

#include <stdint.h>

#include "core/task.h"

struct supervisor;

/* What an alarm lies in. */
enum timer_kind {
	TIMER_PLAN,
	TIMER_HANDLE,
	TIMER_WAIT,
	TIMER_WANT,
	TIMER_SESSION,
	TIMER_NOTICE,
	TIMER_KINDS
};

/* Something changed for the task: when is it to be looked at next?  0 or -ENOMEM. */
int timers_watch_plan(struct supervisor *sup, struct task *task);

static inline int timers_watch(struct supervisor *sup, struct task *task)
{
	return task->plan != NULL ? timers_watch_plan(sup, task) : 0;
}

/* Does what has come due, and sets the timer to what comes next. */
void timers_run(struct supervisor *sup);
/* Sets the timer alone, at the end of a turn, when what comes due has to wait for the next one. */
void timers_arm(struct supervisor *sup);

#endif
