/* SPDX-License-Identifier: MIT */
#include "supervisor/manager.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "supervisor/notify.h"
#include "supervisor/report.h"
#include "supervisor/supervisor.h"

#define TICK CLOCK_S
#define EXTENSION "5000000" /* us; several ticks, so that a late one does no harm */

static void make_status(const struct supervisor *sup, char *ret, size_t size)
{
	struct report_totals totals = report_totals(sup);

	snprintf(ret, size, "STATUS=%s%u workers, %u running, %llu queued",
		sup->state >= SUPERVISOR_STOPPING ? "Ending: " : "", totals.workers, totals.running,
		(unsigned long long)totals.queued);
}

static void tell_status(struct supervisor *sup)
{
	char status[sizeof(sup->manager.status)];

	make_status(sup, status, sizeof(status));
	if (strcmp(status, sup->manager.status) == 0)
		return;
	strcpy(sup->manager.status, status);
	notify_send(status);
}

/* A daemon that makes no progress is not fed, and restarted if that lasts. */
static void feed_watchdog(struct supervisor *sup)
{
	struct manager *manager = &sup->manager;
	const char *fault = health_look(&manager->health, sup);

	if (fault == NULL)
		notify_send("WATCHDOG=1");
	else if (!manager->hungry)
		notice_send(sup, NOTICE_WATCHDOG_NOT_FED, &(struct notice_fields){0},
			"the watchdog is not fed: %s", fault);
	manager->hungry = fault != NULL;
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;
	struct manager *manager = &sup->manager;
	uint64_t half = manager->watchdog / 2;

	(void)fd;
	(void)what;
	if (manager->watchdog > 0)
		feed_watchdog(sup);
	if (sup->state >= SUPERVISOR_STOPPING)
		notify_send("EXTEND_TIMEOUT_USEC=" EXTENSION);
	if (sup->state != SUPERVISOR_STARTING)
		tell_status(sup);
	supervisor_set_timer(&manager->timer, half > 0 && half < TICK ? half : TICK);
}

void manager_init(struct supervisor *sup)
{
	struct manager *manager = &sup->manager;

	/* A private daemon has its client's environment. */
	manager->listens = notify_is_wanted() && sup->options.session_fd < 0;
	manager->watchdog = notify_watchdog();
	if (!manager->listens)
		return;
	evtimer_assign(&manager->timer, sup->base, on_tick, sup);
	on_tick(-1, 0, sup);
}

void manager_fini(struct supervisor *sup)
{
	if (sup->manager.listens)
		evtimer_del(&sup->manager.timer);
}

void manager_ready(struct supervisor *sup)
{
	if (!sup->manager.listens || sup->state >= SUPERVISOR_STOPPING)
		return;
	notify_send("READY=1");
	sup->manager.status[0] = '\0'; /* what is said while it reloads takes its place */
	tell_status(sup);
}

void manager_reloading(struct supervisor *sup)
{
	if (!sup->manager.listens)
		return;
	notify_send("RELOADING=1\nSTATUS=Reloading");
}

void manager_stopping(struct supervisor *sup)
{
	if (!sup->manager.listens)
		return;
	notify_send("STOPPING=1");
	on_tick(-1, 0, sup);
}
