/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <ruche/ruche.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "client/connection.h"
#include "client/private.h"
#include "client/request.h"
#include "wire/message.h"

#define RUCHE_HELLO "ruche.hello" /* client → daemon: [{"task": token}] */
#define SOCKET_IN_RUN_DIR "ruche/ruche.sock"
#define SOCKET_OF_SYSTEM "/run/ruche/ruche.sock"

/* "@name" is an abstract socket: its name begins with a NUL, and has no other at its end. */
static int fill_address(const char *path, struct sockaddr_un *address, socklen_t *ret_len)
{
	size_t len = strlen(path);
	bool is_abstract = path[0] == '@';

	if (len == 0 || strcmp(path, "@") == 0)
		return -EINVAL;
	if (len + !is_abstract > sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, len);
	if (is_abstract)
		address->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !is_abstract);
	return 0;
}

/* A connected socket, or a negative errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un address;
	socklen_t len;
	int sock, r;

	r = fill_address(path, &address, &len);
	if (r < 0)
		return r;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	do
		r = connect(sock, (const struct sockaddr *)&address, len);
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

/* A task that opens a connection says which it is. */
static int say_hello(struct ruche *ruche, const char *token)
{
	struct request request;
	int r = request_begin_notification(&request, ruche, RUCHE_HELLO);

	if (r < 0)
		return r;
	r = msgpack_pack_array(&request.pk, 1);
	if (r == 0)
		r = msgpack_pack_map(&request.pk, 1);
	if (r == 0)
		r = message_pack_str(&request.pk, "task");
	if (r == 0)
		r = message_pack_str(&request.pk, token);
	return request_end(&request, r);
}

int ruche_open(const char *path, struct ruche **ret)
{
	const char *token = secure_getenv("RUCHE_TASK");
	struct ruche *ruche;
	int sock, r;

	if (ret == NULL)
		return -EINVAL;
	sock = path != NULL ? connect_to(path) : connect_to_default();
	if (sock < 0)
		return sock;
	r = connection_new(sock, &ruche);
	if (r < 0)
		return r;
	r = token != NULL && token[0] != '\0' ? say_hello(ruche, token) : 0;
	if (r < 0)
		connection_free(ruche);
	else
		*ret = ruche;
	return r;
}

void ruche_close(struct ruche *ruche)
{
	pid_t daemon;

	if (ruche == NULL)
		return;
	uses_end(ruche);
	daemon = ruche->daemon;
	if (daemon > 0) /* a child of the caller may hold a copy of the socket */
		shutdown(ruche->sock, SHUT_RDWR);
	connection_free(ruche);
	if (daemon > 0)
		private_end(daemon);
}
