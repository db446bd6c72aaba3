/* SPDX-License-Identifier: MIT */
#include "base/proctree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KILL_ROUNDS = 16 };

struct proc {
	pid_t pid, parent;
	bool member;
};

struct snapshot {
	struct proc *procs;
	size_t count, cap;
};

/*
 * The parent in the text of /proc/PID/stat, after a name that may hold anything; 0: none that is seen here;
 * -ESRCH for a zombie.  But a process whose first thread alone has ended looks like a zombie too.
 */
static pid_t parse_parent(const char *text)
{
	const char *after = strrchr(text, ')');
	int parent, threads;
	char state;

	if (after == NULL ||
		sscanf(after,
			") %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
			&state, &parent, &threads) != 3)
		return -ESRCH;
	return state == 'X' || (state == 'Z' && threads <= 1) ? -ESRCH : parent;
}

enum { STAT_MAX = 512 };

/* /proc/PID/stat, below a descriptor of /proc or by its whole name. */
static bool read_stat(int proc_fd, const char *path, char text[STAT_MAX])
{
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, STAT_MAX - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

static pid_t read_parent(int proc_fd, const char *pid)
{
	char path[64], text[STAT_MAX];

	snprintf(path, sizeof(path), "%s/stat", pid);
	return read_stat(proc_fd, path, text) ? parse_parent(text) : -ESRCH;
}

static bool read_stat_of(pid_t pid, char text[STAT_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return read_stat(AT_FDCWD, path, text);
}

pid_t proctree_parent(pid_t pid)
{
	char text[STAT_MAX];

	return read_stat_of(pid, text) ? parse_parent(text) : -ESRCH;
}

static int snapshot_add(struct snapshot *snap, pid_t pid, pid_t parent)
{
	if (snap->count == snap->cap) {
		size_t cap = snap->cap == 0 ? 256 : snap->cap * 2;
		struct proc *procs = realloc(snap->procs, cap * sizeof(*procs));

		if (procs == NULL)
			return -ENOMEM;
		snap->procs = procs;
		snap->cap = cap;
	}
	snap->procs[snap->count++] = (struct proc){.pid = pid, .parent = parent};
	return 0;
}

static int snapshot_take(struct snapshot *snap)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (dir == NULL)
		return -errno;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		pid_t parent;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		parent = read_parent(dirfd(dir), entry->d_name);
		if (parent > 0)
			r = snapshot_add(snap, (pid_t)strtol(entry->d_name, NULL, 10), parent);
	}
	closedir(dir);
	return r;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = ((const struct proc *)a)->pid, y = ((const struct proc *)b)->pid;

	return (x > y) - (x < y);
}

static bool has_member(const struct snapshot *snap, pid_t pid)
{
	struct proc key = {.pid = pid};
	const struct proc *found =
		bsearch(&key, snap->procs, snap->count, sizeof(*snap->procs), compare_pids);

	return found != NULL && found->member;
}

/* Marks what descends from `root`; a pass for each generation, until nothing is added. */
static void mark_members(
	struct snapshot *snap, pid_t root, bool (*spare)(void *user, pid_t child), void *user)
{
	bool added = true;

	while (added) {
		added = false;
		for (size_t i = 0; i < snap->count; i++) {
			struct proc *p = &snap->procs[i];

			if (p->member || (p->parent != root && !has_member(snap, p->parent)))
				continue;
			if (spare != NULL && spare(user, p->pid))
				continue;
			p->member = added = true;
		}
	}
}

int proctree_signal(pid_t root, int signal, bool (*spare)(void *user, pid_t child), void *user)
{
	struct snapshot snap = {0};
	int count = 0;
	int r = snapshot_take(&snap);

	if (r == 0 && snap.count > 0)
		qsort(snap.procs, snap.count, sizeof(*snap.procs), compare_pids);
	if (r == 0)
		mark_members(&snap, root, spare, user);
	for (size_t i = 0; r == 0 && i < snap.count; i++)
		if (snap.procs[i].member && kill(snap.procs[i].pid, signal) == 0)
			count++;
	free(snap.procs);
	return r < 0 ? r : count;
}

void proctree_kill(pid_t root)
{
	for (int round = 0; round < KILL_ROUNDS; round++)
		if (proctree_signal(root, SIGKILL, NULL, NULL) <= 0)
			break;
	if (root != getpid())
		kill(root, SIGKILL);
}

bool proctree_start(pid_t pid, uint64_t *ret)
{
	char text[STAT_MAX];
	const char *after = read_stat_of(pid, text) ? strrchr(text, ')') : NULL;

	return after != NULL &&
	       sscanf(after,
		       ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
		       "%*d %" SCNu64,
		       ret) == 1;
}

bool proctree_is_below(pid_t pid, pid_t root)
{
	while (pid > 1) {
		pid = proctree_parent(pid);
		if (pid == root)
			return true;
	}
	return false;
}
