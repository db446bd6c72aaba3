/* SPDX-License-Identifier: MIT */
#include "supervisor/timers.h"

#include "base/clock.h"
#include "core/plan.h"
#include "supervisor/call.h"
#include "supervisor/keep.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

#define owner_of(alarm, type, member) ((type *)((char *)(alarm)-offsetof(type, member)))

/* What has been handed ahead does not run yet. */
static bool runs(struct supervisor *sup, const struct task *task)
{
	return task->state == TASK_HANDED && worker_head(worker_of(sup, task)) == task;
}

int timers_watch_plan(struct supervisor *sup, struct task *task)
{
	uint64_t at = task->stop != TASK_STOP_NOT ? 0 : plan_next(task->plan, runs(sup, task));
	if (at != 0)
		return alarms_set(&sup->alarms, &task->plan->alarm, at);
	alarms_clear(&sup->alarms, &task->plan->alarm);
	return 0;
}

static void on_plan(struct supervisor *sup, struct alarm *alarm, uint64_t now)
{
	struct task *task = owner_of(alarm, struct plan, alarm)->task;

	call_on_time(sup, task, plan_due(task->plan, runs(sup, task), now));
}

static void on_handle(struct supervisor *sup, struct alarm *alarm, uint64_t now)
{
	(void)now;
	keep_drop(sup, owner_of(alarm, struct handle, alarm));
}

static void on_wait(struct supervisor *sup, struct alarm *alarm, uint64_t now)
{
	(void)now;
	wait_on_time(sup, owner_of(alarm, struct wait, alarm));
}

static void on_want(struct supervisor *sup, struct alarm *alarm, uint64_t now)
{
	(void)sup;
	(void)now;
	want_on_time(owner_of(alarm, struct want, alarm));
}

static void on_session(struct supervisor *sup, struct alarm *alarm, uint64_t now)
{
	(void)sup;
	(void)now;
	session_on_unread_time(owner_of(alarm, struct session, unread_alarm));
}

static void on_notice(struct supervisor *sup, struct alarm *alarm, uint64_t now)
{
	(void)now;
	notice_on_time(sup, alarm);
}

static void (*const handlers[TIMER_KINDS])(
	struct supervisor *sup, struct alarm *alarm, uint64_t now) = {
	[TIMER_PLAN] = on_plan,
	[TIMER_HANDLE] = on_handle,
	[TIMER_WAIT] = on_wait,
	[TIMER_WANT] = on_want,
	[TIMER_SESSION] = on_session,
	[TIMER_NOTICE] = on_notice,
};

/* To the first alarm; only if that is another than before. */
static void set_timer(struct supervisor *sup, const struct alarm *first, uint64_t now)
{
	uint64_t at = first != NULL ? first->at : 0;

	if (at == sup->alarm_at)
		return;
	sup->alarm_at = at;
	if (at == 0)
		evtimer_del(&sup->alarm_timer);
	else
		supervisor_set_timer(&sup->alarm_timer, at > now ? at - now + 1000 : 0);
}

void timers_arm(struct supervisor *sup)
{
	const struct alarm *first = alarms_first(&sup->alarms);

	if (first != NULL || sup->alarm_at != 0)
		set_timer(sup, first, clock_now());
}

void timers_run(struct supervisor *sup)
{
	struct alarm *first = alarms_first(&sup->alarms);
	uint64_t now;

	if (first == NULL && sup->alarm_at == 0)
		return;
	supervisor_look_at_clock(sup);
	now = sup->now;
	while (first != NULL && first->at <= now) {
		alarms_clear(&sup->alarms, first);
		handlers[first->kind](sup, first, now);
		first = alarms_first(&sup->alarms);
	}
	set_timer(sup, first, now);
}
