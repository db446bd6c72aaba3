/* SPDX-License-Identifier: MIT */
#include "worker/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "worker/worker.h"

uint64_t memory_peak(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

/* Without what is shared, as with clients, or comes from files. */
uint64_t memory_resident(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long long all = 0, shared = 0;
	char text[256];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%*u %llu %llu", &all, &shared) != 2 || shared > all)
		return 0;
	return (all - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool watches_oom;

void memory_watch_oom(void)
{
	watches_oom = true;
}

uint64_t memory_oom_kills(void)
{
	unsigned long long kills = 0;
	const char *line;
	char text[256];
	ssize_t n = watches_oom ? pread(WORKER_OOM_FD, text, sizeof(text) - 1, 0) : 0;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	line = strstr(text, "\noom_kill ");
	return line != NULL && sscanf(line, " oom_kill %llu", &kills) == 1 ? kills : 0;
}
