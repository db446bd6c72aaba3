/* SPDX-License-Identifier: MIT */

/*
 * The test plugin: every way to die and to misbehave, and what tests need to look at a
 * worker from inside.
 *
 * It knows what no plugin should: where its worker keeps the result pipe, what is in a task, and how
 * frames begin.
 */

#include <ruche/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire/message.h"
#include "worker/task.h"
#include "worker/worker.h"

enum { RESULTS_FD = WORKER_RESULTS_FD, TEXT_MAX = 4096 };

/* A NUL-terminated copy of an argument. */
static int get_text(struct ruche_task *task, size_t index, char text[TEXT_MAX])
{
	const char *bytes;
	size_t len;

	if (ruche_arg_bytes(task, index, &bytes, &len) < 0)
		return -1;
	if (len >= TEXT_MAX || memchr(bytes, '\0', len) != NULL)
		return ruche_refuse(task, "that text is too long or has a NUL");
	memcpy(text, bytes, len);
	text[len] = '\0';
	return 0;
}

/* Where a test cannot go on if a write fails, it shall not go on. */
static void write_bytes(int fd, const void *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		abort();
}

/* ---- ways to die ------------------------------------------------------------------- */

/* A real fault, which no sanitizer reports in its own way and no compiler foresees. */
static void die_of_segv(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static int crash_segv(struct ruche_task *task)
{
	(void)task;
	die_of_segv();
	return 0;
}

static int crash_abort(struct ruche_task *task)
{
	(void)task;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static int crash_exit(struct ruche_task *task)
{
	int64_t status;

	if (ruche_arg_int64(task, 0, &status) < 0)
		return -1;
	exit((int)status);
}

/* The volatile array is used after the call, so this is not turned into a loop. */
static unsigned int __attribute__((noinline)) descend(unsigned int depth)
{
	volatile char ballast[4096];

	ballast[depth % sizeof(ballast)] = (char)depth;
	return depth == 0xffffffffU ? 0 : descend(depth + 1) + (unsigned char)ballast[7];
}

static int crash_stack(struct ruche_task *task)
{
	const struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};

	setrlimit(RLIMIT_STACK, &limit); /* quick, and no gigabytes where the limit is none */
	signal(SIGSEGV, SIG_DFL);
	return ruche_return_uint64(task, descend(1));
}

/* Both come back from here. */
static int crash_fork(struct ruche_task *task)
{
	return fork() < 0 ? ruche_fail(task, "cannot fork") : 0;
}

static int crash_kill(struct ruche_task *task)
{
	(void)task;
	kill(getpid(), SIGKILL);
	return 0;
}

/* A sanitizer has an address space and an allocator of its own, so there it is only acted. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
static void use_up_memory(void)
{
}
#else
/* How much address space is in use, bytes. */
static rlim_t address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file != NULL && fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void use_up_memory(void)
{
	const rlim_t most = address_space() + (64 << 20);
	const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
	volatile char *piece;

	if (setrlimit(RLIMIT_AS, &limit) == 0)
		while ((piece = malloc(1 << 20)) != NULL)
			*piece = 1;
}
#endif

static int crash_oom(struct ruche_task *task)
{
	static const char message[] = "out of memory\n";

	(void)task;
	signal(SIGABRT, SIG_DFL);
	use_up_memory();
	write_bytes(STDERR_FILENO, message, sizeof(message) - 1);
	abort();
}

static int crash_stderr(struct ruche_task *task)
{
	char text[TEXT_MAX];

	if (get_text(task, 0, text) < 0)
		return -1;
	dprintf(STDERR_FILENO, "%s\n", text);
	die_of_segv();
	return 0;
}

/* Until its worker is killed, or nobody reads any more. */
static int crash_noise(struct ruche_task *task)
{
	static const char noise[65536];

	(void)task;
	while (write(STDERR_FILENO, noise, sizeof(noise)) > 0)
		;
	return 0;
}

/* ---- what it should not do to its result pipe ---------------------------------------- */

static int crash_half(struct ruche_task *task)
{
	static const char half[] = "\x94\x01\xce\x00\x00";

	(void)task;
	write_bytes(RESULTS_FD, half, sizeof(half) - 1);
	_exit(0);
}

/* The first reply; the worker writes the second one. */
static int crash_twice(struct ruche_task *task)
{
	char reply[] = "\x94\x01\xce\x00\x00\x00\x00\xc0\xa5"
		       "twice";
	int64_t seq;

	if (ruche_arg_int64(task, 0, &seq) < 0)
		return -1;
	for (int i = 0; i < 4; i++)
		reply[3 + i] = (char)(seq >> (24 - 8 * i));
	write_bytes(RESULTS_FD, reply, sizeof(reply) - 1);
	return ruche_return_str(task, "once more");
}

static int crash_garbage(struct ruche_task *task)
{
	static const char garbage[] =
		"\xc1\xff\xc1 this is no MessagePack-RPC \xdd\xff\xff\xff\xff";

	write_bytes(RESULTS_FD, garbage, sizeof(garbage) - 1);
	return ruche_return_nil(task);
}

static int crash_close(struct ruche_task *task)
{
	for (int fd = 0; fd < 10; fd++)
		close(fd);
	return ruche_return_nil(task);
}

/* ---- what it should not leave behind -------------------------------------------------- */

static void sleep_long(void)
{
	const struct timespec long_time = {.tv_sec = 1000};

	nanosleep(&long_time, NULL);
	_exit(0);
}

static void write_pid(const char *path)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		_exit(1);
	write_bytes(fd, text, (size_t)len);
	close(fd);
}

/* So that the caller finds the pid there when the task has ended. */
static void wait_for_content(const char *path)
{
	const struct timespec moment = {.tv_nsec = 1000 * 1000};
	struct stat st;

	for (int i = 0; i < 5000 && (stat(path, &st) < 0 || st.st_size == 0); i++)
		nanosleep(&moment, NULL);
}

/* A grandchild in its own session that outlives its parent, as a daemon; its pid is in `path`. */
static int leave_orphan(struct ruche_task *task, char path[TEXT_MAX])
{
	pid_t child;

	if (get_text(task, 0, path) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		setsid();
		if (fork() > 0)
			_exit(0);
		write_pid(path);
		sleep_long();
	}
	if (child < 0)
		return ruche_fail(task, "cannot fork");
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	wait_for_content(path);
	return 0;
}

static int crash_orphan(struct ruche_task *task)
{
	char path[TEXT_MAX];

	return leave_orphan(task, path);
}

static int crash_orphan_die(struct ruche_task *task)
{
	char path[TEXT_MAX];

	if (leave_orphan(task, path) == 0)
		die_of_segv();
	return -1;
}

/* Goes on, however often it is interrupted: only a kill ends it, and the orphan beside it. */
static int test_orphan(struct ruche_task *task)
{
	struct timespec left = {.tv_sec = 1000};
	char path[TEXT_MAX];

	if (leave_orphan(task, path) < 0)
		return -1;
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	return 0;
}

static int crash_stop(struct ruche_task *task)
{
	kill(getpid(), SIGSTOP);
	return ruche_return_nil(task);
}

/* ---- what tests need --------------------------------------------------------------------- */

static int test_fail(struct ruche_task *task)
{
	char text[TEXT_MAX];

	if (get_text(task, 0, text) < 0)
		return -1;
	return ruche_fail(task, "%s", text);
}

/* Works on, whatever it is told. */
static int test_spin(struct ruche_task *task)
{
	struct timespec now, end;
	sigset_t term, before;
	double seconds;

	if (ruche_arg_double(task, 0, &seconds) < 0)
		return -1;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((double)(end.tv_sec - now.tv_sec) + (double)(end.tv_nsec - now.tv_nsec) / 1e9 > 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ruche_return_nil(task);
}

static int test_pid(struct ruche_task *task)
{
	return ruche_return_int64(task, getpid());
}

/* Appends a line to a file, in one write, so that many may do so at once. */
static int append_line(struct ruche_task *task, const char *path, const char *line)
{
	char text[TEXT_MAX + 1];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return ruche_fail(task, "cannot open %s: %s", path, strerror(errno));
	write_bytes(fd, text, (size_t)snprintf(text, sizeof(text), "%s\n", line));
	close(fd);
	return 0;
}

/* A number, or a text that is one. */
static int get_line(struct ruche_task *task, size_t index, char line[TEXT_MAX])
{
	const msgpack_object *object = ruche_arg(task, index);
	int64_t n;

	if (object->type == MSGPACK_OBJECT_STR)
		return get_text(task, index, line);
	if (ruche_arg_int64(task, index, &n) < 0)
		return -1;
	snprintf(line, TEXT_MAX, "%" PRId64, n);
	return 0;
}

/* How often did it run?  The journal knows. */
static int test_journal(struct ruche_task *task)
{
	char path[TEXT_MAX], line[TEXT_MAX];

	if (get_text(task, 0, path) < 0 || get_line(task, 1, line) < 0 ||
		append_line(task, path, line) < 0)
		return -1;
	return ruche_return_object(task, ruche_arg(task, 1));
}

static int test_big(struct ruche_task *task)
{
	uint64_t n;
	char *bytes;
	int r;

	if (ruche_arg_uint64(task, 0, &n) < 0)
		return -1;
	bytes = malloc(n > 0 ? n : 1);
	if (bytes == NULL)
		return ruche_fail(task, "no memory");
	memset(bytes, 'x', n);
	r = ruche_return_bin(task, bytes, n);
	free(bytes);
	return r;
}

/* It has a result, and dies. */
static int test_big_kill(struct ruche_task *task)
{
	return test_big(task) < 0 ? -1 : crash_kill(task);
}

/* It has a result, then another one, and fails. */
static int test_big_fail(struct ruche_task *task)
{
	return test_big(task) < 0 || test_big(task) < 0 ? -1 : ruche_fail(task, "after all");
}

/* It has a result, and closes the pipe that this would go through. */
static int test_big_close(struct ruche_task *task)
{
	for (int fd = 3; fd < 10; fd++)
		close(fd);
	return test_big(task);
}

/* It has a result, and so has a copy of it. */
static int test_big_fork(struct ruche_task *task)
{
	pid_t pid = fork();

	if (pid > 0)
		waitpid(pid, NULL, 0);
	return test_big(task);
}

/* An array of n integers. */
static int test_list(struct ruche_task *task)
{
	msgpack_packer *pk = ruche_return_packer(task);
	uint64_t n;

	if (ruche_arg_uint64(task, 0, &n) < 0)
		return -1;
	msgpack_pack_array(pk, n);
	while (n-- > 0)
		msgpack_pack_int(pk, 0x1234);
	return 0;
}

/* The cores it may run on. */
static int test_core(struct ruche_task *task)
{
	msgpack_packer *pk = ruche_return_packer(task);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return ruche_fail(task, "sched_getaffinity: %s", strerror(errno));
	msgpack_pack_array(pk, (size_t)CPU_COUNT(&set));
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			msgpack_pack_int(pk, i);
	return 0;
}

/* Reports 1 to n of n. */
static int test_progress(struct ruche_task *task)
{
	int64_t n;

	if (ruche_arg_int64(task, 0, &n) < 0)
		return -1;
	for (int64_t i = 1; i <= n; i++)
		if (ruche_progress(task, (double)i / (double)n) < 0)
			return ruche_fail(task, "progress %lld was not taken", (long long)i);
	return ruche_return_int64(task, n);
}

static int test_env(struct ruche_task *task)
{
	char name[TEXT_MAX];
	const char *value;

	if (get_text(task, 0, name) < 0)
		return -1;
	value = getenv(name);
	return value != NULL ? ruche_return_str(task, value) : ruche_return_nil(task);
}

/* A result that is not one value: 0 of them, 2, or an array that lacks its element. */
static int test_pack(struct ruche_task *task)
{
	msgpack_packer *pk = ruche_return_packer(task);
	int64_t kind;

	if (ruche_arg_int64(task, 0, &kind) < 0)
		return -1;
	if (kind == 2) {
		msgpack_pack_nil(pk);
		msgpack_pack_nil(pk);
	} else if (kind == 1) {
		msgpack_pack_array(pk, 1);
	}
	return 0;
}

/* Burns CPU time, so that it is the same work on a busy machine. */
/* Bytes as the result, and one byte more behind it. */
static int test_stray(struct ruche_task *task)
{
	static const uint8_t zeros[1 << 20];
	msgpack_packer *pk = ruche_return_packer(task);
	int64_t size = 0;

	if (ruche_arg_int64(task, 0, &size) < 0)
		return -1;
	if (size < 0 || size > (int64_t)sizeof(zeros))
		return ruche_refuse(task, "takes a size");
	if (ruche_return_bin(task, zeros, (size_t)size) < 0)
		return -1;
	return msgpack_pack_nil(pk);
}

static int wait_for_ever(void *unused)
{
	while (unused == NULL)
		pause();
	return 0;
}

/* The cheapest process that there is, left behind. */
static int test_leave(struct ruche_task *task)
{
	static _Alignas(16) char stack[16384];
	pid_t pid = clone(wait_for_ever, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	return pid < 0 ? ruche_fail(task, "clone") : ruche_return_int64(task, pid);
}

static int test_children(struct ruche_task *task)
{
	siginfo_t info;
	bool any = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;

	return ruche_return_bool(task, any);
}

static int test_busy(struct ruche_task *task)
{
	struct timespec begin, now;
	int64_t us, spent;

	if (ruche_arg_int64(task, 0, &us) < 0)
		return -1;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
		spent = (now.tv_sec - begin.tv_sec) * 1000000 +
			(now.tv_nsec - begin.tv_nsec) / 1000;
	} while (spent < us);
	return ruche_return_int64(task, us);
}

/* Keeps so many bytes more than before. */
static int test_grow(struct ruche_task *task)
{
	static char *volatile kept;
	uint64_t n;

	if (ruche_arg_uint64(task, 0, &n) < 0)
		return -1;
	kept = malloc(n > 0 ? n : 1);
	if (kept == NULL)
		return ruche_fail(task, "no memory");
	memset(kept, 1, n);
	return ruche_return_nil(task);
}

/* ---- what a pool may call once in each worker ---------------------------------------------- */

static int64_t inits;

static int test_init(struct ruche_task *task)
{
	return ruche_return_int64(task, ++inits);
}

static int test_init_fails(struct ruche_task *task)
{
	return ruche_fail(task, "the hive is full");
}

static int test_inits(struct ruche_task *task)
{
	return ruche_return_int64(task, inits);
}

/* ---- a function that lives or dies as it is told ------------------------------------------- */

static int mixed_ok(struct ruche_task *task)
{
	(void)task;
	return 0;
}

/* Until there is a file beside the journal that ends in ".go". */
static int mixed_wait(struct ruche_task *task)
{
	struct timespec pause = {.tv_nsec = 5000000};
	char path[TEXT_MAX], go[TEXT_MAX + 4];

	if (get_text(task, 0, path) < 0)
		return -1;
	snprintf(go, sizeof(go), "%s.go", path);
	while (access(go, F_OK) < 0 && !ruche_should_stop(task))
		nanosleep(&pause, NULL);
	return 0;
}

static int mixed_exit0(struct ruche_task *task)
{
	(void)task;
	_exit(0);
}

/* The first `len` bytes of a good reply, nil, to the task that runs. */
static void write_reply(struct ruche_task *task, size_t len)
{
	uint8_t reply[] = {0x94, 0x01, 0xce, 0, 0, 0, 0, 0xc0, 0xc0};

	message_write_id(reply + 3, task->seq);
	if (write(RESULTS_FD, reply, len) < 0)
		return; /* a task before it has closed that */
}

static int mixed_half(struct ruche_task *task)
{
	write_reply(task, 8);
	return crash_kill(task);
}

/* The worker writes the second reply. */
static int mixed_twice(struct ruche_task *task)
{
	write_reply(task, 9);
	return 0;
}

static const struct {
	const char *name;
	int (*act)(struct ruche_task *task);
} modes[] = {
	{"ok", mixed_ok},
	{"wait", mixed_wait},
	{"segv", crash_segv},
	{"abort", crash_abort},
	{"exit0", mixed_exit0},
	{"kill9", crash_kill},
	{"half", mixed_half},
	{"twice", mixed_twice},
	{"close", crash_close},
	{"overflow", crash_stack},
	{"stop", crash_stop},
};

/* Leaves its number in the journal and then does as `mode` says; if it lives, it returns the number. */
static int test_mixed(struct ruche_task *task)
{
	char path[TEXT_MAX], line[TEXT_MAX], mode[TEXT_MAX];
	size_t i = 0;

	if (get_text(task, 0, path) < 0 || get_line(task, 1, line) < 0 ||
		get_text(task, 2, mode) < 0)
		return -1;
	while (i < sizeof(modes) / sizeof(*modes) && strcmp(modes[i].name, mode) != 0)
		i++;
	if (i == sizeof(modes) / sizeof(*modes))
		return ruche_refuse(task, "there is no mode %s", mode);
	if (append_line(task, path, line) < 0 || modes[i].act(task) < 0)
		return -1;
	return ruche_return_object(task, ruche_arg(task, 1));
}

static const struct ruche_function functions[] = {
	{.name = "crash.segv", .run = crash_segv, .params = ""},
	{.name = "crash.abort", .run = crash_abort, .params = ""},
	{.name = "crash.exit", .run = crash_exit, .params = "status"},
	{.name = "crash.stack", .run = crash_stack, .params = ""},
	{.name = "crash.kill", .run = crash_kill, .params = ""},
	{.name = "crash.oom", .run = crash_oom, .params = ""},
	{.name = "crash.stderr", .run = crash_stderr, .params = "text"},
	{.name = "crash.noise", .run = crash_noise, .params = ""},
	{.name = "crash.half", .run = crash_half, .params = ""},
	{.name = "crash.twice", .run = crash_twice, .params = "seq"},
	{.name = "crash.garbage", .run = crash_garbage, .params = ""},
	{.name = "crash.close", .run = crash_close, .params = ""},
	{.name = "crash.orphan", .run = crash_orphan, .params = "file"},
	{.name = "crash.orphan_die", .run = crash_orphan_die, .params = "file"},
	{.name = "crash.fork", .run = crash_fork, .params = ""},
	{.name = "crash.stop", .run = crash_stop, .params = ""},
	{.name = "test.fail", .run = test_fail, .params = "message"},
	{.name = "test.spin", .run = test_spin, .params = "seconds"},
	{.name = "test.pid", .run = test_pid, .params = ""},
	{.name = "test.journal", .run = test_journal, .params = "path n"},
	{.name = "test.mixed", .run = test_mixed, .params = "path n mode"},
	{.name = "test.orphan", .run = test_orphan, .params = "path"},
	{.name = "test.stray", .run = test_stray, .params = "bytes"},
	{.name = "test.leave", .run = test_leave, .params = ""},
	{.name = "test.children", .run = test_children, .params = ""},
	{.name = "test.busy", .run = test_busy, .params = "us"},
	{.name = "test.grow", .run = test_grow, .params = "bytes"},
	{.name = "test.init", .run = test_init, .params = ""},
	{.name = "test.init_fails", .run = test_init_fails, .params = ""},
	{.name = "test.inits", .run = test_inits, .params = ""},
	{.name = "test.big", .run = test_big, .params = "n"},
	{.name = "test.big_kill", .run = test_big_kill, .params = "n"},
	{.name = "test.big_fail", .run = test_big_fail, .params = "n"},
	{.name = "test.big_close", .run = test_big_close, .params = "n"},
	{.name = "test.big_fork", .run = test_big_fork, .params = "n"},
	{.name = "test.list", .run = test_list, .params = "n"},
	{.name = "test.core", .run = test_core, .params = ""},
	{.name = "test.progress", .run = test_progress, .params = "n"},
	{.name = "test.env", .run = test_env, .params = "name"},
	{.name = "test.pack", .run = test_pack, .params = "kind"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "crash",
	.functions = functions,
};
