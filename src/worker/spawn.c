/* SPDX-License-Identifier: MIT */
#include "worker/spawn.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "worker/settle.h"

static pid_t wait_for(pid_t pid)
{
	pid_t r;

	do
		r = waitpid(pid, NULL, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

/* ---- workers */

/* What the three processes of a birth share; [0] is read, [1] is written. */
struct nursery {
	int report[2]; /* intermediate → fork server: the worker's pid, with its pidfd */
	int go[2];     /* fork server → worker: its order */
};

struct report {
	pid_t pid;
	int error; /* errno of what failed, or 0 */
};

static void nursery_close(struct nursery *n)
{
	for (int i = 0; i < 2; i++) {
		fd_close(&n->report[i]);
		fd_close(&n->go[i]);
	}
}

static int nursery_open(struct nursery *n)
{
	int r;

	*n = (struct nursery){.report = {-1, -1}, .go = {-1, -1}};
	r = fd_socketpair(SOCK_SEQPACKET, n->report);
	if (r == 0)
		r = fd_socketpair(SOCK_SEQPACKET, n->go);
	if (r < 0)
		nursery_close(n);
	return r;
}

static enum spawn_side be_born(struct nursery *n, struct spawn_birth *ret)
{
	*ret = (struct spawn_birth){.pidfd = -1, .go = n->go[0]};
	n->go[0] = -1;
	nursery_close(n);
	return SPAWN_WORKER;
}

/*
 * The intermediate opens the pidfd because only its parent can be sure whom a pid
 * means: nobody else can reap it yet.
 */
static void report_birth(const struct nursery *n, pid_t worker)
{
	struct report report = {.pid = worker, .error = worker < 0 ? errno : 0};
	int pidfd = -1;

	if (worker > 0) {
		pidfd = pidfd_open(worker, 0);
		if (pidfd < 0 && errno != ENOSYS)
			report.error = errno;
	}
	if (fd_send_packet(n->report[1], 0, &report, sizeof(report), &pidfd, pidfd >= 0) < 0)
		report.error = EPIPE;
	if (report.error != 0 && worker > 0)
		kill(worker, SIGKILL);
}

static enum spawn_side bear(struct nursery *n, struct spawn_birth *ret)
{
	pid_t worker = fork();

	if (worker == 0)
		return be_born(n, ret);
	report_birth(n, worker);
	_exit(0);
}

static int receive_birth(const struct nursery *n, struct spawn_birth *ret)
{
	struct report report;
	size_t nfds = 0;
	int pidfd = -1;
	ssize_t len = fd_recv_packet(n->report[0], 0, &report, sizeof(report), &pidfd, 1, &nfds);

	if (len < 0)
		return (int)len;
	if (len != sizeof(report))
		return -ECHILD; /* it died before it could tell */
	if (report.error != 0) {
		fd_close(&pidfd);
		return -report.error;
	}
	*ret = (struct spawn_birth){.pid = report.pid, .pidfd = pidfd, .go = n->go[1]};
	return 0;
}

static int attend(struct nursery *n, pid_t intermediate, struct spawn_birth *ret)
{
	int r;

	fd_close(&n->report[1]);
	fd_close(&n->go[0]);
	r = receive_birth(n, ret);
	if (r == 0)
		n->go[1] = -1; /* given to *ret */
	wait_for(intermediate);
	nursery_close(n);
	return r < 0 ? r : SPAWN_PARENT;
}

int spawn_worker(struct spawn_birth *ret)
{
	struct nursery nursery;
	pid_t pid;
	int r = nursery_open(&nursery);

	if (r < 0)
		return r;
	fflush(NULL); /* or each worker would print what a plugin has not printed yet */
	pid = fork();
	if (pid < 0) {
		r = -errno;
		nursery_close(&nursery);
		return r;
	}
	return pid == 0 ? (int)bear(&nursery, ret) : attend(&nursery, pid, ret);
}

/* ---- commands */

/* What the child could not do, told through a pipe that a successful exec closes. */
struct trouble {
	enum spawn_step step;
	int error;
};

/* A script without #! is run by the shell, as execvp() does. */
static void exec_by_shell(const struct spawn_command *command, char *file)
{
	static char shell[] = "/bin/sh";
	size_t at = 0;

	command->shell_argv[at++] = shell;
	command->shell_argv[at++] = file;
	for (size_t i = 1; command->argv[0] != NULL && command->argv[i] != NULL; i++)
		command->shell_argv[at++] = command->argv[i];
	command->shell_argv[at] = NULL;
	execve(shell, command->shell_argv, command->envp);
}

/* Tries each file as execvp() does; returns the errno to report. */
static int exec_first(const struct spawn_command *command)
{
	int error = ENOENT;

	for (char *const *file = command->files; *file != NULL; file++) {
		execve(*file, command->argv, command->envp);
		if (errno == ENOEXEC)
			exec_by_shell(command, *file);
		if (errno == EACCES)
			error = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR)
			return errno;
	}
	return error;
}

/* The child's half: async-signal-safe calls alone, as the memory is still the parent's. */
static void __attribute__((noreturn))
become(const struct spawn_command *command, pid_t parent, int report)
{
	struct trouble trouble = {.step = SPAWN_FORK};

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (int i = 0; i < 3; i++)
		if (dup2(command->stdio[i], i) < 0)
			goto fail;
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	trouble.step = SPAWN_CHDIR;
	if (chdir(command->cwd) < 0)
		goto fail;
	trouble.step = SPAWN_EXEC;
	settle_reset_signals();
	errno = exec_first(command);
fail:
	trouble.error = errno;
	(void)fd_write_all(report, &trouble, sizeof(trouble));
	_exit(127);
}

/* The parent's half: 0 once the child runs its program. */
static int hear(int report, pid_t pid, enum spawn_step *ret_step)
{
	struct trouble trouble = {0};
	ssize_t n;

	do
		n = read(report, &trouble, sizeof(trouble));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	wait_for(pid);
	*ret_step = trouble.step;
	return n == sizeof(trouble) ? -trouble.error : -EIO;
}

int spawn_command(const struct spawn_command *command, pid_t *ret_pid, enum spawn_step *ret_step)
{
	pid_t self = getpid(), pid;
	int report[2];
	int r = fd_pipe(report);

	*ret_step = SPAWN_FORK;
	if (r < 0)
		return r;
	pid = vfork();
	if (pid == 0)
		become(command, self, report[1]);
	if (pid < 0)
		r = -errno;
	fd_close(&report[1]);
	if (pid > 0)
		r = hear(report[0], pid, ret_step);
	fd_close(&report[0]);
	if (r == 0)
		*ret_pid = pid;
	return r;
}
