/* SPDX-License-Identifier: MIT */
#include "supervisor/group_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

enum { FOLDERS_MAX = 16 }; /* open at a time */

int group_file_open(const char *folder, const char *file, int flags)
{
	char path[PATH_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, file) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int group_file_write(const char *folder, const char *file, const char *text)
{
	int fd = group_file_open(folder, file, O_WRONLY);
	int r = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	fd_close(&fd);
	return r;
}

int group_file_read(const char *folder, const char *file, char *ret, size_t size)
{
	int fd = group_file_open(folder, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = fd_read_text(fd, ret, size);
	fd_close(&fd);
	return n < 0 ? (int)n : 0;
}

int group_file_move(const char *folder, pid_t pid)
{
	char text[24];

	text_format(text, sizeof(text), "%d", (int)pid);
	return group_file_write(folder, "cgroup.procs", text);
}

int group_file_each(const char *folder, void (*call)(void *user, pid_t pid), void *user)
{
	int fd = group_file_open(folder, "cgroup.procs", O_RDONLY), pid;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && file == NULL) {
		close(fd);
		return -ENOMEM;
	}
	if (file == NULL)
		return fd;
	while (fscanf(file, "%d", &pid) == 1) /* NOLINT(cert-err34-c): the kernel wrote it */
		if (pid > 0)                  /* one of another pid namespace is 0 */
			call(user, pid);
	fclose(file);
	return 0;
}

static void kill_one(void *user, pid_t pid)
{
	(void)user;
	if (pid != getpid())
		kill(pid, SIGKILL);
}

/* What is in a group below it comes before itself. */
static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)where;
	if (type != FTW_DP)
		return 0;
	if (group_file_write(path, "cgroup.kill", "1") < 0)
		(void)group_file_each(path, kill_one, NULL);
	(void)rmdir(path); /* at the next look, if there was anybody */
	return 0;
}

int group_file_remove(const char *folder)
{
	if (rmdir(folder) == 0 || errno == ENOENT)
		return 0;
	nftw(folder, remove_one, FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
	return rmdir(folder) == 0 || errno == ENOENT ? 0 : -errno;
}
