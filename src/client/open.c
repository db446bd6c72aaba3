/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <ruche/ruche.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "client/connection.h"
#include "client/private.h"

#define SOCKET_IN_RUN_DIR "ruche/ruche.sock"
#define SOCKET_OF_SYSTEM "/run/ruche/ruche.sock"

/* A connected socket, or a negative errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int sock, r;

	if (len == 0)
		return -EINVAL;
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	do
		r = connect(sock, (const struct sockaddr *)&address, sizeof(address));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return sock;
	r = -errno;
	fd_close(&sock);
	return r;
}

/* The user's own daemon, or -ENOENT. */
static int connect_in_run_dir(void)
{
	const char *dir = secure_getenv("XDG_RUNTIME_DIR");
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int len;

	if (dir == NULL || dir[0] != '/')
		return -ENOENT;
	len = snprintf(path, sizeof(path), "%s/" SOCKET_IN_RUN_DIR, dir);
	return (size_t)len < sizeof(path) ? connect_to(path) : -ENAMETOOLONG;
}

static int connect_to_default(void)
{
	const char *path = secure_getenv("RUCHE_SOCKET");
	int first, r;

	if (path != NULL && path[0] != '\0')
		return connect_to(path);
	first = connect_in_run_dir();
	if (first >= 0)
		return first;
	r = connect_to(SOCKET_OF_SYSTEM);
	/* A daemon that died is better news than a system without one. */
	return r == -ENOENT ? first : r;
}

int ruche_open(const char *path, struct ruche **ret)
{
	int sock;

	if (ret == NULL)
		return -EINVAL;
	sock = path != NULL ? connect_to(path) : connect_to_default();
	return sock < 0 ? sock : connection_new(sock, ret);
}

void ruche_close(struct ruche *ruche)
{
	pid_t daemon;

	if (ruche == NULL)
		return;
	daemon = ruche->daemon;
	if (daemon > 0) /* a child of the caller may hold a copy of the socket */
		shutdown(ruche->sock, SHUT_RDWR);
	connection_free(ruche);
	if (daemon > 0)
		private_end(daemon);
}
