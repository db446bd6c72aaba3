/* SPDX-License-Identifier: MIT */
#include "worker/stop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "worker/children.h"

enum {
	REPEAT_FIRST_NS = 5 * 1000 * 1000,
	REPEAT_NS = 20 * 1000 * 1000,
};

static struct claim_page *claims;
static pid_t parent;
static timer_t repeat;

static volatile _Atomic uint32_t running; /* the task's number; 0: none */
static volatile sig_atomic_t asked;
static volatile sig_atomic_t group;

static void set_repeat(bool on)
{
	struct itimerspec when = {0};

	if (on) {
		when.it_value.tv_nsec = REPEAT_FIRST_NS;
		when.it_interval.tv_nsec = REPEAT_NS;
	}
	timer_settime(repeat, 0, &when, NULL);
}

/* The signal the running task is to be stopped by; 0: it is not. */
static int wanted_signal(void)
{
	uint32_t seq = atomic_load(&running);

	return seq == 0 ? 0 : claim_stop_signal(claims, seq);
}

static void on_stop(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	int wanted = wanted_signal();

	(void)number;
	(void)context;
	if (wanted != 0 && info->si_code != SI_TIMER) {
		asked = 1;
		if (group > 0)
			kill(-(pid_t)group, wanted);
		set_repeat(true);
	}
	errno = saved;
}

static void on_parent_death(int number)
{
	(void)number;
	if (getppid() == parent)
		return;
	children_kill();
	kill(getpid(), SIGKILL);
}

static int install(void)
{
	struct sigaction stop = {.sa_sigaction = on_stop, .sa_flags = SA_SIGINFO};
	struct sigaction death = {.sa_handler = on_parent_death, .sa_flags = SA_RESTART};

	sigemptyset(&stop.sa_mask);
	sigfillset(&death.sa_mask);
	if (sigaction(SIGTERM, &stop, NULL) < 0 || sigaction(SIGHUP, &death, NULL) < 0)
		return -errno;
	return 0;
}

int stop_init(struct claim_page *page, pid_t supervisor)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};

	claims = page;
	parent = supervisor;
	if (timer_create(CLOCK_MONOTONIC, &event, &repeat) < 0)
		return -errno;
	return install();
}

void stop_fini(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	timer_delete(repeat);
}

void stop_begin(uint32_t seq)
{
	asked = 0;
	if (claim_command(claims) != 0) /* writing would take the line from the supervisor's core */
		claim_set_command(claims, 0);
	atomic_store(&running, seq);
	/* A request that came before this line has had its SIGTERM already. */
	if (wanted_signal() != 0) {
		asked = 1;
		set_repeat(true);
	}
}

void stop_end(void)
{
	/* The handler comes before this or after it; another thread sees it before the answer. */
	atomic_store_explicit(&running, 0, memory_order_release);
	if (asked)
		set_repeat(false);
}

bool stop_is_asked(void)
{
	return asked != 0;
}

void stop_set_group(pid_t pgid)
{
	group = pgid;
	if (pgid > 0)
		claim_set_command(claims, (uint32_t)pgid);
}
