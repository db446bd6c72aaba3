/* SPDX-License-Identifier: MIT */
#include "worker/children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	ENTRIES_SIZE = 8192,
	STAT_SIZE = 512,
	NAP_MIN_NS = 50 * 1000,
	NAP_MAX_NS = 10 * 1000 * 1000,
};

#define PATIENCE (2 * CLOCK_S)

bool children_exist(void)
{
	int saved = errno;
	siginfo_t info;
	int r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL);

	errno = saved;
	return r == 0;
}

/* A decimal number; -1 if `text` does not begin with one. */
static pid_t read_number(const char *text)
{
	pid_t n = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (*text - '0');
	return n;
}

/* The parent in /proc/PID/stat, behind a name that may hold anything. */
static pid_t read_parent(int proc, const char *pid)
{
	char path[64], text[STAT_SIZE];
	const char *after;
	ssize_t n;
	int fd;

	if (strlen(pid) + sizeof("/stat") > sizeof(path))
		return -1;
	strcpy(stpcpy(path, pid), "/stat");
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	after = strrchr(text, ')');
	return after != NULL && strlen(after) > 4 ? read_number(after + 4) : -1;
}

static void kill_if_child(int proc, const char *name, pid_t self)
{
	pid_t pid = read_number(name);

	if (pid > 0 && read_parent(proc, name) == self)
		kill(pid, SIGKILL);
}

/* readdir() takes memory, so the directory is read by the system call. */
static void kill_each_child(void)
{
	_Alignas(struct dirent64) char entries[ENTRIES_SIZE];
	pid_t self = getpid();
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (proc < 0)
		return;
	while ((n = syscall(SYS_getdents64, proc, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(entries + at);

			kill_if_child(proc, entry->d_name, self);
			at += entry->d_reclen;
		}
	close(proc);
}

static void reap_the_dead(void)
{
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
}

int children_kill(void)
{
	uint64_t deadline = clock_now() + PATIENCE;
	struct timespec nap = {.tv_nsec = NAP_MIN_NS};
	int saved = errno;

	/* Each round makes the next generation our children. */
	while (children_exist() && clock_now() < deadline) {
		kill_each_child();
		nanosleep(&nap, NULL);
		reap_the_dead();
		if (nap.tv_nsec < NAP_MAX_NS)
			nap.tv_nsec *= 2;
	}
	errno = saved;
	return children_exist() ? -EBUSY : 0;
}
