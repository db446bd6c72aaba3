/* SPDX-License-Identifier: MIT */
#include "worker/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/message.h"
#include "worker/children.h"
#include "worker/command_io.h"
#include "worker/memory.h"
#include "worker/settle.h"
#include "worker/spawn.h"
#include "worker/stop.h"
#include "worker/task.h"

enum { STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 }; /* as shells have it */

/* ---- signals that would disturb; a task before may have left them anyhow */

static const struct {
	int number;
	void (*handler)(int);
} dispositions[] = {
	{SIGPIPE, SIG_IGN}, /* a command need not read its input */
	{SIGCHLD, SIG_DFL}, /* or the kernel would reap the command for us */
};

enum { DISPOSITIONS = sizeof(dispositions) / sizeof(*dispositions) };

static void set_dispositions(struct sigaction before[DISPOSITIONS])
{
	for (int i = 0; i < DISPOSITIONS; i++) {
		const struct sigaction action = {.sa_handler = dispositions[i].handler};

		sigaction(dispositions[i].number, &action, &before[i]);
	}
}

static void restore_dispositions(const struct sigaction before[DISPOSITIONS])
{
	for (int i = 0; i < DISPOSITIONS; i++)
		sigaction(dispositions[i].number, &before[i], NULL);
}

/* ---- descriptors */

/* A task may have closed its stdio, and then new descriptors come to lie there. */
static int lift(int *fd)
{
	return settle_lift(fd, STDERR_FILENO + 1);
}

/* A pipe whose end `ours` (0 or 1) does not block. */
static int open_pipe(int ours, int *ret_ours, int *ret_theirs)
{
	int fds[2];
	int r = fd_pipe(fds);

	if (r < 0)
		return r;
	r = lift(&fds[0]);
	if (r == 0)
		r = lift(&fds[1]);
	if (r == 0)
		r = fd_set_nonblock(fds[ours]);
	*ret_ours = fds[ours];
	*ret_theirs = fds[!ours];
	return r;
}

static int open_null(int *ret)
{
	*ret = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : lift(ret);
}

/* Opens all; what was opened is the caller's to close, also on failure. */
static int open_stdio(struct command_io *io, int theirs[3])
{
	const struct command *c = io->command;
	int r;

	if (c->stream_input || c->input_len > 0)
		r = open_pipe(1, &io->input, &theirs[0]);
	else
		r = open_null(&theirs[0]);
	for (int i = 0; i < 2 && r == 0; i++)
		r = open_pipe(0, &io->out[i].fd, &theirs[i + 1]);
	return r;
}

/* ---- its beginning */

static char **allocate_shell_argv(struct ruche_task *task, const struct command *command)
{
	size_t count = 0;

	while (command->argv[count] != NULL)
		count++;
	return msgpack_zone_malloc(&task->zone, (count + 2) * sizeof(char *));
}

/* A stop that comes after the check finds the group to signal. */
static int spawn_unless_stopped(
	const struct spawn_command *spawn, pid_t *ret_pid, enum spawn_step *ret_step)
{
	sigset_t all, before;
	int r = -ECANCELED;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (!stop_is_asked())
		r = spawn_command(spawn, ret_pid, ret_step);
	if (r == 0)
		stop_set_group(*ret_pid);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int refuse_to_run(struct command_io *io, int error, enum spawn_step step)
{
	const char *file = io->command->argv[0], *reason = strerror(-error);

	if (error == -ECANCELED)
		return task_fail(io->task, RUCHE_CANCELLED, RUCHE_EXECUTED_NO,
			"the command was cancelled before it was started");
	if (step == SPAWN_CHDIR)
		task_fail(io->task, RUCHE_FAILED, RUCHE_EXECUTED_NO,
			"cannot run '%.400s': cannot enter '%.400s': %s", file, io->command->cwd,
			reason);
	else
		task_fail(io->task, RUCHE_FAILED, RUCHE_EXECUTED_NO, "cannot run '%.800s': %s",
			file, reason);
	io->task->exit_status =
		step == SPAWN_EXEC && error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	return -1;
}

static int start(struct command_io *io, pid_t *ret_pid)
{
	const struct command *c = io->command;
	struct spawn_command spawn = {.argv = c->argv,
		.envp = c->envp,
		.files = c->files,
		.shell_argv = allocate_shell_argv(io->task, c),
		.cwd = c->cwd,
		.stdio = {-1, -1, -1}};
	enum spawn_step step = SPAWN_FORK;
	int r = spawn.shell_argv == NULL ? -ENOMEM : open_stdio(io, spawn.stdio);

	if (r == 0)
		r = spawn_unless_stopped(&spawn, ret_pid, &step);
	for (int i = 0; i < 3; i++)
		fd_close(&spawn.stdio[i]);
	return r < 0 ? refuse_to_run(io, r, step) : 0;
}

/* ---- its end */

static int pack_key(msgpack_packer *pk, const char *key)
{
	return message_pack_str(pk, key);
}

static void pack_key_int(msgpack_packer *pk, const char *key, bool known, int value)
{
	pack_key(pk, key);
	if (known)
		msgpack_pack_int(pk, value);
	else
		msgpack_pack_nil(pk);
}

static int return_result(struct command_io *io, int status)
{
	msgpack_packer *pk = ruche_return_packer(io->task);

	msgpack_pack_map(pk, 5);
	pack_key_int(pk, "exit_status", WIFEXITED(status), WEXITSTATUS(status));
	pack_key_int(pk, "signal", WIFSIGNALED(status), WTERMSIG(status));
	pack_key(pk, "stdout");
	command_output_pack(&io->out[0], pk);
	pack_key(pk, "stderr");
	command_output_pack(&io->out[1], pk);
	pack_key(pk, "truncated");
	if (io->out[0].cut > 0 || io->out[1].cut > 0)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
	return 0;
}

static int say_cancelled(struct ruche_task *task, int signal)
{
	task_fail(task, RUCHE_CANCELLED, RUCHE_EXECUTED_MAYBE,
		"the command was cancelled and ended by signal %d (%s)", signal, strsignal(signal));
	task->signal = signal;
	return -1;
}

/*
 * What the kernel tells is at least the worker's own peak, whose memory the command has
 * shared until it was executed: only above that it is the command's.
 */
static int64_t peak_of(const struct rusage *usage)
{
	uint64_t peak = (uint64_t)usage->ru_maxrss * 1024;

	return peak > memory_peak() ? (int64_t)peak : 0;
}

/* Once it is reaped its group may belong to anybody. */
static int reap(struct command_io *io, pid_t pid, int *ret_status)
{
	struct rusage usage;
	pid_t r;

	stop_set_group(0);
	do
		r = wait4(pid, ret_status, 0, &usage);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	io->task->peak_memory = peak_of(&usage);
	return 0;
}

static int give_up(struct command_io *io, int error)
{
	stop_set_group(0);
	children_kill();
	if (error == -EPROTO)
		return task_fail(io->task, RUCHE_FAILED, RUCHE_EXECUTED_MAYBE,
			"the command was killed: its input was not bytes, or more than there was "
			"room for, or came after the end");
	return task_fail(io->task, RUCHE_FAILED, RUCHE_EXECUTED_MAYBE, "the command was killed: %s",
		strerror(-error));
}

/*
 * Where the kernel kills one process alone for want of memory, the worker follows its command, whichever process of that it
 * was, and the supervisor tells why.  That is as where it kills all of a group.
 */
static void follow(uint64_t oom_kills)
{
	if (memory_oom_kills() > oom_kills)
		raise(SIGKILL);
}

static int finish(struct command_io *io, pid_t pid, uint64_t oom_kills)
{
	int status = 0;
	int r = reap(io, pid, &status);

	follow(oom_kills);
	if (children_exist())
		children_kill(); /* or there might be no end of output */
	if (r == 0)
		r = command_io_drain(io);
	if (r < 0)
		return give_up(io, r);
	if (stop_is_asked() && WIFSIGNALED(status))
		return say_cancelled(io->task, WTERMSIG(status));
	return return_result(io, status);
}

static int run_command(struct command_io *io)
{
	uint64_t oom_kills = memory_oom_kills();
	pid_t pid = 0;
	int r = start(io, &pid);

	if (r < 0)
		return r;
	r = command_io_run(io, pid);
	return r < 0 ? give_up(io, r) : finish(io, pid, oom_kills);
}

static int command_run(struct ruche_task *task)
{
	struct sigaction before[DISPOSITIONS];
	struct command command;
	struct command_io io;
	int r;

	if (command_read(task, &command) < 0)
		return -1;
	command_io_init(&io, task, &command);
	set_dispositions(before);
	r = run_command(&io);
	restore_dispositions(before);
	command_io_fini(&io);
	return r;
}

const struct ruche_function command_functions[] = {
	{.name = "ruche.run", .run = command_run, .params = "argv [options]"},
	{0},
};
