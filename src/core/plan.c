/* SPDX-License-Identifier: MIT */
#include "core/plan.h"

static bool is_over(uint64_t at, uint64_t now)
{
	return at != 0 && now >= at;
}

static uint64_t end_of_run(const struct plan *plan)
{
	return plan->timeout != 0 ? plan->task->started_at + plan->timeout : 0;
}

enum plan_event plan_due(const struct plan *plan, bool runs, uint64_t now)
{
	if (is_over(plan->deadline, now))
		return PLAN_DEADLINE;
	if (runs)
		return is_over(end_of_run(plan), now) ? PLAN_TIMEOUT : PLAN_NOTHING;
	if (plan->task->attempts == 0 && is_over(plan->expires, now))
		return PLAN_EXPIRED;
	if (plan->task->state == TASK_DELAYED && now >= plan->not_before)
		return PLAN_START;
	return PLAN_NOTHING;
}

static void earlier(uint64_t *at, uint64_t other)
{
	if (other != 0 && (*at == 0 || other < *at))
		*at = other;
}

uint64_t plan_next(const struct plan *plan, bool runs)
{
	uint64_t at = plan->deadline;

	if (runs) {
		earlier(&at, end_of_run(plan));
		return at;
	}
	if (plan->task->attempts == 0)
		earlier(&at, plan->expires);
	if (plan->task->state == TASK_DELAYED)
		earlier(&at, plan->not_before);
	return at;
}

bool plan_retries(const struct plan *plan, unsigned int code, uint32_t random, uint64_t *ret_delay)
{
	uint64_t delay = plan->backoff;

	if (plan->task->attempts >= plan->attempts || (plan->retry_on & 1U << code) == 0)
		return false;
	for (unsigned int i = 1; i < plan->task->attempts && delay < PLAN_BACKOFF_MAX; i++)
		delay *= 2;
	if (delay > PLAN_BACKOFF_MAX)
		delay = PLAN_BACKOFF_MAX;
	*ret_delay = delay / 2 + (delay / 2 * (random & 0xffff) >> 16);
	return true;
}
