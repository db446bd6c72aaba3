/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/child.h"
#include "supervisor/forkserver.h"
#include "supervisor/notify.h"
#include "supervisor/reaper.h"
#include "supervisor/staff.h"
#include "supervisor/supervisor.h"

#define TIME_LIMIT (60 * CLOCK_S) /* for all of it */

enum { LOOKS = 8, REASON_MAX = PATH_MAX + 128 };

static const char good[] = "can go on: "; /* and its version */
static const char why_variable[] = "RUCHED_UPGRADE_FAILED";

/* ---- how it ends ------------------------------------------------------------------------ */

static void stop_trial(struct upgrade *upgrade)
{
	if (upgrade->said_fd >= 0)
		event_del(&upgrade->on_said);
	fd_close(&upgrade->said_fd);
	evtimer_del(&upgrade->timer);
	if (upgrade->trial > 0) {
		kill(upgrade->trial, SIGKILL);
		waitpid(upgrade->trial, NULL, 0);
	}
	upgrade->trial = 0;
}

/* What was held up meanwhile. */
static void go_on(struct supervisor *sup)
{
	sup->upgrade.state = UPGRADE_NOT;
	for (size_t i = 0; i < sup->pool_count; i++) {
		forkserver_want(sup->pools[i]);
		standby_restore(sup->pools[i]->forkserver);
	}
}

static void fail(struct supervisor *sup, const char *why)
{
	struct message_error error;
	char message[REASON_MAX + 64];

	text_format(message, sizeof(message), "the daemon goes on as it was: %s", why);
	notice_send(sup, NOTICE_UPGRADE_FAILED, &(struct notice_fields){0}, "upgrade: %s", message);
	stop_trial(&sup->upgrade);
	error = error_make(RUCHE_FAILED, message);
	askers_tell(sup, &sup->upgrade.askers, &error);
	go_on(sup);
}

static void fail_with_number(struct supervisor *sup, const char *what, int error)
{
	char why[REASON_MAX];

	text_format(why, sizeof(why), "%s: %s", what, strerror(-error));
	fail(sup, why);
}

static void on_time(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;

	(void)fd;
	(void)what;
	fail(sup,
		sup->upgrade.state == UPGRADE_ON_TRIAL
			? "the new program does not say whether it can go on"
			: "it was never quiet for a moment: workers are forked, code is loaded, or "
			  "the daemon is reloaded all the time");
}

/* ---- the other program ------------------------------------------------------------------- */

/* Our own arguments, without what an earlier upgrade has added, and one more.  Freed as one piece; NULL: no memory. */
static char **make_arguments(const struct supervisor *sup, char *more)
{
	char **given = sup->options.argv, **argv;
	size_t count = 0, kept = 2;

	while (given[count] != NULL)
		count++;
	argv = calloc(count + 3, sizeof(*argv));
	if (argv == NULL)
		return NULL;
	argv[0] = given[0];
	argv[1] = more;
	for (size_t i = 1; i < count; i++)
		if (strncmp(given[i], "--resume=", strlen("--resume=")) != 0)
			argv[kept++] = given[i];
	return argv;
}

/* It has the state, and what it says comes to us. */
static int spawn(struct supervisor *sup, int state, int said)
{
	struct upgrade *upgrade = &sup->upgrade;
	char option[32], **argv;
	int r;

	snprintf(option, sizeof(option), "--try-resume=%d", CHILD_FD);
	argv = make_arguments(sup, option);
	if (argv == NULL)
		return -ENOMEM;
	r = child_spawn(upgrade->program, argv, said, state, &upgrade->trial);
	free(argv);
	if (r < 0)
		upgrade->trial = 0;
	return r;
}

static ssize_t read_said(struct upgrade *upgrade)
{
	char text[512];
	ssize_t n = read(upgrade->said_fd, text, sizeof(text));

	if (n > 0)
		tail_add(&upgrade->said, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		event_del(&upgrade->on_said);
	return n;
}

static void on_said(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	read_said(&((struct supervisor *)data)->upgrade);
}

static int listen_to(struct supervisor *sup, int fd)
{
	struct upgrade *upgrade = &sup->upgrade;
	int r = fd_set_nonblock(fd);

	upgrade->said_fd = fd;
	upgrade->said.len = 0;
	event_assign(&upgrade->on_said, sup->base, fd, EV_READ | EV_PERSIST, on_said, sup);
	event_add(&upgrade->on_said, NULL);
	return r;
}

static int try(struct supervisor *sup)
{
	struct state_writer w;
	int ends[2] = {-1, -1};
	int r = state_writer_init(&w);

	if (r == 0)
		r = upgrade_save(sup, &w);
	if (r == 0)
		r = fd_pipe(ends);
	if (r == 0)
		r = listen_to(sup, ends[0]);
	if (r == 0)
		r = spawn(sup, w.fd, ends[1]);
	fd_close(&ends[1]);
	state_writer_fini(&w);
	return r;
}

static void begin_trial(struct supervisor *sup)
{
	int r = stat(sup->upgrade.program, &sup->upgrade.tried) < 0 ? -errno : try(sup);

	sup->upgrade.state = UPGRADE_ON_TRIAL;
	if (r < 0)
		fail_with_number(sup, sup->upgrade.program, r);
}

void upgrade_on_exit(struct supervisor *sup)
{
	struct upgrade *upgrade = &sup->upgrade;
	int status = 0;
	const char *line;
	size_t len;

	waitpid(upgrade->trial, &status, 0);
	upgrade->trial = 0;
	while (read_said(upgrade) > 0)
		;
	line = tail_last_line(&upgrade->said, &len);
	if (status != 0 || len < strlen(good) || memcmp(line, good, strlen(good)) != 0) {
		char why[REASON_MAX];

		text_format(why, sizeof(why), "the new program cannot go on: %.*s", (int)len, line);
		text_append(why, sizeof(why), len > 0 ? "" : "it does not say why");
		fail(sup, why);
		return;
	}
	stop_trial(upgrade);
	supervisor_set_timer(&upgrade->timer, TIME_LIMIT);
	upgrade->state = UPGRADE_SURE;
}

/* ---- the exec ------------------------------------------------------------------------------ */

static bool is_quiet(const struct supervisor *sup)
{
	return sup->state == SUPERVISOR_RUNNING && sup->reload.state == RELOAD_NOT &&
	       !forkservers_are_busy(sup) && !forkservers_are_loading(sup) &&
	       sup->sessions.dirty == NULL;
}

static int open_self(struct upgrade *upgrade)
{
	upgrade->old_program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return upgrade->old_program < 0 ? -errno : 0;
}

/* With the state, and all that it names.  Returns only if that failed. */
static int execute(const struct supervisor *sup, const char *program, int state)
{
	char option[32], **argv;
	int r;

	snprintf(option, sizeof(option), "--resume=%d", state);
	argv = make_arguments(sup, option);
	if (argv == NULL)
		return -ENOMEM;
	fcntl(state, F_SETFD, 0);
	notify_pass_on(sup->manager.watchdog);
	execv(program, argv);
	r = -errno;
	notify_is_wanted();
	notify_watchdog();
	fcntl(state, F_SETFD, FD_CLOEXEC);
	free(argv);
	return r;
}

static int take_over(struct supervisor *sup)
{
	struct state_writer w;
	int r = state_writer_init(&w);

	if (r == 0)
		r = open_self(&sup->upgrade);
	if (r == 0)
		r = upgrade_save(sup, &w);
	if (r == 0)
		r = state_pass_fds(&w, true);
	if (r == 0)
		r = execute(sup, sup->upgrade.program, w.fd);
	state_pass_fds(&w, false);
	state_writer_fini(&w);
	fd_close(&sup->upgrade.old_program);
	return r;
}

static void set_signals(bool blocked)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &all, NULL);
}

/* Somebody may have installed yet another one. */
static bool is_the_tried_one(const struct upgrade *upgrade)
{
	const struct stat *tried = &upgrade->tried;
	struct stat now;

	return stat(upgrade->program, &now) == 0 && now.st_dev == tried->st_dev &&
	       now.st_ino == tried->st_ino && now.st_size == tried->st_size &&
	       now.st_mtim.tv_sec == tried->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == tried->st_mtim.tv_nsec;
}

/* A signal that comes from here on waits for the next program; those that came before are seen to by this one. */
static void try_to_take_over(struct supervisor *sup)
{
	int r;

	if (!is_the_tried_one(&sup->upgrade)) {
		sup->upgrade.state = UPGRADE_WANTED;
		return;
	}
	set_signals(true);
	/* One look may not tell of everything: it has room for so many descriptors, and doubles that each time. */
	for (int i = 0; i < LOOKS; i++)
		event_base_loop(sup->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	sessions_flush(sup);
	if (sup->upgrade.state == UPGRADE_SURE && is_quiet(sup)) {
		notices_account(sup);
		standbys_end(sup);
		r = take_over(sup);
		fail_with_number(sup, sup->upgrade.program, r);
	}
	set_signals(false);
}

/* ---- steps ----------------------------------------------------------------------------------- */

void upgrade_check(struct supervisor *sup)
{
	switch (sup->upgrade.state) {
	case UPGRADE_NOT:
	case UPGRADE_ON_TRIAL:
		break;
	case UPGRADE_WANTED:
		if (is_quiet(sup))
			begin_trial(sup);
		break;
	case UPGRADE_SURE:
		try_to_take_over(sup);
		break;
	}
	if (sup->upgrade.state != UPGRADE_NOT && sup->state >= SUPERVISOR_STOPPING)
		fail(sup, "it is ending");
}

bool upgrade_is_near(const struct supervisor *sup)
{
	return (sup->upgrade.state == UPGRADE_WANTED || sup->upgrade.state == UPGRADE_SURE) &&
	       sup->reload.state == RELOAD_NOT && !forkservers_are_loading(sup);
}

void upgrade_start(struct supervisor *sup, struct session *session, uint32_t msgid)
{
	struct upgrade *upgrade = &sup->upgrade;

	if (session != NULL)
		asker_add(&upgrade->askers, session, msgid);
	if (upgrade->state != UPGRADE_NOT)
		return;
	if (sup->options.session_fd >= 0 || upgrade->program == NULL) {
		fail(sup, "a private daemon ends with its client");
		return;
	}
	notice_send(sup, NOTICE_UPGRADE_BEGUN, &(struct notice_fields){.session = session},
		"upgrade: to %s", upgrade->program);
	upgrade->state = UPGRADE_WANTED;
	supervisor_set_timer(&upgrade->timer, TIME_LIMIT);
}

void upgrade_init(struct supervisor *sup)
{
	struct upgrade *upgrade = &sup->upgrade;
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	upgrade->said_fd = upgrade->old_program = -1;
	if (sup->options.resume_fd < 0)
		unsetenv(why_variable); /* it is for us alone */
	if (len > 0 && len < (ssize_t)sizeof(path))
		upgrade->program = strndup(path, (size_t)len);
	evtimer_assign(&upgrade->timer, sup->base, on_time, sup);
}

void upgrade_fini(struct supervisor *sup)
{
	struct upgrade *upgrade = &sup->upgrade;

	if (sup->base != NULL && event_initialized(&upgrade->timer))
		stop_trial(upgrade);
	askers_free(&upgrade->askers);
	free(upgrade->program);
	upgrade->program = NULL;
}

/* ---- the program that takes over --------------------------------------------------------------- */

/* The program before this one is there still, as is the state. */
static void fall_back(struct supervisor *sup, const char *why)
{
	char program[64];

	notice_send(sup, NOTICE_UPGRADE_FAILED, &(struct notice_fields){0},
		"upgrade: %s; the former program goes on", why);
	if (sup->upgrade.old_program < 0 || getenv(why_variable) != NULL)
		return;
	snprintf(program, sizeof(program), "/proc/self/fd/%d", sup->upgrade.old_program);
	setenv(why_variable, *why != '\0' ? why : "?", 1);
	execute(sup, program, sup->options.resume_fd);
}

static void tell_askers(struct supervisor *sup)
{
	const char *why = getenv(why_variable);
	char message[1024];
	struct message_error error;

	if (why == NULL) {
		notice_send(sup, NOTICE_UPGRADE_DONE, &(struct notice_fields){0},
			"upgrade: " PACKAGE_VERSION " goes on where %s was", sup->upgrade.former);
		askers_tell(sup, &sup->upgrade.askers, NULL);
		sup->upgrade.count++;
		return;
	}
	text_format(message, sizeof(message), "the daemon goes on as it was: %s", why);
	unsetenv(why_variable);
	error = error_make(RUCHE_FAILED, message);
	askers_tell(sup, &sup->upgrade.askers, &error);
}

void upgrade_resume(struct supervisor *sup)
{
	char error[1024];
	int r = upgrade_load(sup, sup->options.resume_fd, false, error, sizeof(error));

	if (r < 0) {
		fall_back(sup, error);
		_exit(EXIT_FAILURE); /* what is half there is nothing to be taken down */
	}
	fd_close(&sup->options.resume_fd);
	fd_close(&sup->upgrade.old_program);
	sup->state = SUPERVISOR_RUNNING;
	tell_askers(sup);
}

void upgrade_go_on(struct supervisor *sup)
{
	reaper_run(sup);
	reaper_sweep_soon(sup);
	reaper_sweep_groups_soon(sup);
	for (size_t i = 0; i < sup->pool_count; i++) {
		staff_balance(sup->pools[i]);
		staff_look_soon(sup->pools[i]);
	}
	set_signals(false);
}

int upgrade_try(struct supervisor *sup)
{
	char error[1024];
	int r = upgrade_load(sup, sup->options.resume_fd, true, error, sizeof(error));

	if (r < 0)
		log_error("%s", error);
	else
		printf("%s" PACKAGE_VERSION "\n", good);
	fflush(stdout);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
