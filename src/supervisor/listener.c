/* SPDX-License-Identifier: MIT */
#include "supervisor/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "supervisor/call.h"
#include "supervisor/notify.h"
#include "supervisor/session.h"
#include "supervisor/stored.h"
#include "supervisor/supervisor.h"

#define PAUSE (100 * CLOCK_MS) /* of listening, when there is no descriptor left */

/* ---- binding ---------------------------------------------------------------------------- */

static int fill_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path)) {
		log_error("the socket's path is longer than %zu bytes: %s",
			sizeof(ret->sun_path) - 1, path);
		return -ENAMETOOLONG;
	}
	strcpy(ret->sun_path, path);
	return 0;
}

/*
 * A lock on the directory, so that of two daemons that start at once only one finds the
 * stale socket.  Released by close().
 */
static int lock_directory(const char *path)
{
	char *copy = strdup(path);
	int fd;

	if (copy == NULL)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		int r = -errno;

		log_error("cannot open the directory of the socket %s: %s", path, strerror(-r));
		fd_close(&fd);
		return r;
	}
	return fd;
}

/* Removes a socket that nobody listens on; refuses anything else that is in the way. */
static int clear_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat st;
	int probe, r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		log_error("%s is in the way and is not a socket", path);
		return -EEXIST;
	}
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	r = connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(probe);
	if (r != -ECONNREFUSED) {
		log_error("another daemon listens on %s", path);
		return -EADDRINUSE;
	}
	return unlink(path) < 0 ? -errno : 0;
}

/* Nobody else could connect until now. */
static int open_to_others(const char *path, const struct config *config)
{
	if (config->socket_group != NULL && chown(path, (uid_t)-1, config->socket_gid) < 0)
		return -errno;
	return chmod(path, config->socket_mode) < 0 ? -errno : 0;
}

static int bind_and_listen(
	const char *path, const struct sockaddr_un *address, const struct config *config)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	int r = 0;

	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
		listen(fd, SOMAXCONN) < 0)
		r = -errno;
	umask(mask);
	if (r == 0)
		r = open_to_others(path, config);
	if (r == 0)
		return fd;
	log_error("cannot listen on %s: %s", path, strerror(-r));
	fd_close(&fd);
	return r;
}

/* The default directory is made if it is missing; any other must be there. */
static char *default_path(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char dir[4096], *path;

	snprintf(dir, sizeof(dir), "%s/ruche", run != NULL && run[0] == '/' ? run : "/run");
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		log_warning("cannot make the directory %s: %s", dir, strerror(errno));
	return asprintf(&path, "%s/ruche.sock", dir) < 0 ? NULL : path;
}

static bool note_file(struct listener *listener)
{
	struct stat st;

	if (lstat(listener->path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
	return true;
}

static int open_new(
	struct listener *listener, const struct sockaddr_un *address, const struct config *config)
{
	int r = clear_stale(listener->path, address);

	if (r == 0)
		r = bind_and_listen(listener->path, address, config);
	if (r >= 0)
		note_file(listener);
	return r;
}

/* The config may say something else than when it was made.  Clients are better off with what was than with nothing. */
static void open_stored(const struct listener *listener, const struct config *config)
{
	int r = open_to_others(listener->path, config);

	if (r < 0)
		log_error("socket_mode and socket_group of %s stay what they were: %s",
			listener->path, strerror(-r));
}

static int open_path(struct listener *listener, const struct config *config)
{
	struct sockaddr_un address;
	int lock, r = fill_address(listener->path, &address);

	if (r < 0)
		return r;
	lock = lock_directory(listener->path);
	if (lock < 0)
		return lock;
	r = note_file(listener) ? stored_take(listener->path, listener->dev, listener->ino)
				: -ENOENT;
	listener->stored = r >= 0;
	notify_drop_given(); /* or a stale one would seem to be another daemon's */
	if (r >= 0)
		open_stored(listener, config);
	else
		r = open_new(listener, &address, config);
	close(lock);
	return r;
}

/* ---- for our own tasks ------------------------------------------------------------------ */

/* A private daemon's socket has a name that nobody can guess, and no file. */
static int open_nameless(struct listener *listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t random[2];
	size_t len;
	int fd;

	if (getrandom(random, sizeof(random), 0) != sizeof(random) ||
		asprintf(&listener->address, "@ruche-%016" PRIx64 "%016" PRIx64, random[0],
			random[1]) < 0) {
		listener->address = NULL;
		return -ENOMEM;
	}
	len = strlen(listener->address);
	memcpy(address.sun_path + 1, listener->address + 1, len - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
		bind(fd, (const struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0 ||
		listen(fd, SOMAXCONN) < 0) {
		fd_close(&fd);
		return -errno;
	}
	return fd;
}

/* Workers have another directory, so the path has to be absolute. */
static char *find_address(const struct listener *listener)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);
	char here[PATH_MAX], *path;

	if (listener->path == NULL) {
		if (getsockname(listener->fds[0], (struct sockaddr *)&address, &len) < 0 ||
			address.sun_path[0] != '/')
			return NULL;
		return strndup(address.sun_path, sizeof(address.sun_path));
	}
	if (listener->path[0] == '/')
		return strdup(listener->path);
	if (getcwd(here, sizeof(here)) == NULL ||
		asprintf(&path, "%s/%s", here, listener->path) < 0)
		return NULL;
	return path;
}

const char *listener_address(const struct listener *listener)
{
	return listener->address;
}

/* ---- accepting -------------------------------------------------------------------------- */

static void turn_away(struct supervisor *sup, int fd)
{
	static const char text[] = "\x93\x02\xabruche.error\x91\x83\xa4"
				   "code\xa4"
				   "busy\xa7"
				   "message\xb5"
				   "too many clients here\xa8"
				   "executed\xa2no";

	if (!sup->listener.refusing)
		notice_send(sup, NOTICE_CLIENTS_TURNED_AWAY,
			&(struct notice_fields){.count = sup->sessions.count},
			"clients are turned away: there are %u", sup->sessions.count);
	sup->listener.refusing = true;
	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("it did not wait to be told");
	close(fd);
}

static void listen_again(struct listener *listener)
{
	for (size_t i = 0; i < listener->count; i++)
		event_add(&listener->on_connect[i], NULL);
}

static void stop_listening(struct listener *listener)
{
	for (size_t i = 0; i < listener->count; i++)
		event_del(&listener->on_connect[i]);
}

/* No descriptor left: use the reserve to refuse whoever waits, and listen again in a moment. */
static void refuse_and_pause(struct supervisor *sup, int listening)
{
	struct listener *listener = &sup->listener;
	int fd;

	fd_close(&listener->reserve);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(sup, fd);
	listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	stop_listening(listener);
	supervisor_set_timer(&listener->pause, PAUSE);
}

/* A private daemon serves its own user's tasks beside its client, and nobody else. */
static bool is_own(int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return peer.uid == getuid();
}

static void on_connect(evutil_socket_t listening, short what, void *data)
{
	struct supervisor *sup = data;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		refuse_and_pause(sup, listening);
	if (fd < 0)
		return;
	if (sup->options.session_fd >= 0 && !is_own(fd))
		close(fd);
	else if (sup->sessions.count >= sup->clients_max)
		turn_away(sup, fd);
	else
		sup->listener.refusing = session_open(sup, fd) < 0;
}

static void on_pause_over(evutil_socket_t fd, short what, void *data)
{
	struct supervisor *sup = data;

	(void)fd;
	(void)what;
	listen_again(&sup->listener);
}

/* The socket at this path, which is taken, is the only one. */
static int open_own(struct listener *listener, const struct config *config, char *path)
{
	listener->path = path;
	listener->fds[0] = path == NULL ? -ENOMEM : open_path(listener, config);
	listener->count = listener->fds[0] >= 0;
	if (listener->count > 0)
		return 0;
	free(listener->path);
	listener->path = NULL;
	return listener->fds[0];
}

/* 0, or a negative errno after saying why. */
static int open_sockets(struct supervisor *sup)
{
	struct listener *listener = &sup->listener;

	if (sup->options.session_fd >= 0) {
		listener->fds[0] = open_nameless(listener);
		listener->count = listener->fds[0] >= 0;
		return listener->count > 0 ? 0 : listener->fds[0];
	}
	if (sup->options.given.socket != NULL)
		return open_own(listener, &sup->config, strdup(sup->options.given.socket));
	listener->count = notify_listen_fds(listener->fds, LISTENER_SOCKETS_MAX);
	if (listener->count > 0) {
		notify_drop_given();
		return 0;
	}
	return open_own(listener, &sup->config,
		sup->config.socket != NULL ? strdup(sup->config.socket) : default_path());
}

static void assign_events(struct supervisor *sup)
{
	struct listener *listener = &sup->listener;

	listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < listener->count; i++)
		event_assign(&listener->on_connect[i], sup->base, listener->fds[i],
			EV_READ | EV_PERSIST, on_connect, sup);
	evtimer_assign(&listener->pause, sup->base, on_pause_over, sup);
}

/* So that clients can connect while one daemon ends and the next one starts. */
static void store(struct supervisor *sup)
{
	struct listener *listener = &sup->listener;

	if (listener->path != NULL && sup->manager.listens && !listener->stored)
		listener->stored = stored_put(listener->fds[0], listener->dev, listener->ino);
}

void listener_restore(struct supervisor *sup)
{
	store(sup);
	assign_events(sup);
	listen_again(&sup->listener);
}

int listener_open(struct supervisor *sup)
{
	struct listener *listener = &sup->listener;
	int session_fd = sup->options.session_fd, r;

	*listener = (struct listener){.reserve = -1};
	if (session_fd >= 0 && fcntl(session_fd, F_SETFD, FD_CLOEXEC) < 0) {
		log_error("descriptor %d, given by --session-fd, is not open", session_fd);
		return -EBADF;
	}
	if (sup->options.check_only)
		return 0;
	r = open_sockets(sup);
	if (r < 0)
		return r;
	store(sup);
	if (listener->address == NULL)
		listener->address = find_address(listener);
	for (size_t i = 0; i < listener->count; i++)
		(void)fd_set_nonblock(listener->fds[i]);
	assign_events(sup);
	return 0;
}

void listener_start(struct supervisor *sup)
{
	listen_again(&sup->listener);
	if (sup->options.session_fd >= 0)
		session_open(sup, sup->options.session_fd);
}

void listener_close(struct supervisor *sup)
{
	struct listener *listener = &sup->listener;
	struct stat st;

	if (listener->count == 0)
		return;
	stop_listening(listener);
	evtimer_del(&listener->pause);
	while (listener->count > 0)
		fd_close(&listener->fds[--listener->count]);
	fd_close(&listener->reserve);
	/* Nobody knows whether this is a restart, so a file whose socket is stored stays. */
	if (listener->path != NULL && !listener->stored && lstat(listener->path, &st) == 0 &&
		st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->path);
	free(listener->path);
	free(listener->address);
	listener->path = listener->address = NULL;
}
