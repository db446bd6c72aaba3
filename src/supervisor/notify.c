/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "supervisor/notify.h"

#ifdef HAVE_SYSTEMD

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

int notify_listen_fd(void)
{
	int count = sd_listen_fds(1);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++)
		if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0)
			return fd;
	return -1;
}

void notify_send(const char *state)
{
	sd_notify(0, state);
}

#else

int notify_listen_fd(void)
{
	return -1;
}

void notify_send(const char *state)
{
	(void)state;
}

#endif
