/* SPDX-License-Identifier: MIT */
#include "supervisor/stored.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/notify.h"

static void make_name(dev_t dev, ino_t ino, char ret[NOTIFY_NAME_MAX])
{
	snprintf(ret, NOTIFY_NAME_MAX, NOTIFY_STORED "socket-%jx-%jx", (uintmax_t)dev,
		(uintmax_t)ino);
}

static bool is_bound_to(int fd, const char *path)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       strncmp(address.sun_path, path, sizeof(address.sun_path)) == 0;
}

int stored_take(const char *path, dev_t dev, ino_t ino)
{
	char name[NOTIFY_NAME_MAX];
	int fd;

	make_name(dev, ino, name);
	fd = notify_take_stored(name);
	if (fd < 0 || is_bound_to(fd, path))
		return fd;
	close(fd);
	return -ENOENT;
}

bool stored_put(int fd, dev_t dev, ino_t ino)
{
	char name[NOTIFY_NAME_MAX];

	make_name(dev, ino, name);
	return notify_store(fd, name);
}
