/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "supervisor/notify.h"

#ifdef HAVE_SYSTEMD

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"

enum { SOCKETS_MAX = 64 };

static const char variable[] = "NOTIFY_SOCKET";
static char *manager; /* its value; NULL: nobody listens */

/* What it has passed to us, as long as nobody has taken it. */
static struct {
	int fd;
	char *name;
} given[SOCKETS_MAX];
static size_t given_count;

static void add_given(int fd, const char *name)
{
	if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0) {
		log_warning("descriptor %d (%s), given by the service manager, is no Unix stream "
			    "socket that listens: it is not used",
			fd, name);
		return;
	}
	if (given_count == SOCKETS_MAX) {
		log_warning("more than %d sockets are given: %s is not used", SOCKETS_MAX, name);
		return;
	}
	given[given_count].fd = fd;
	given[given_count].name = strdup(name);
	if (given[given_count].name != NULL)
		given_count++;
}

/* The environment tells once; then it is forgotten. */
static void look_at_given(void)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < count; i++) {
		add_given(SD_LISTEN_FDS_START + i, names[i]);
		free(names[i]);
	}
	free(names);
}

static bool is_stored(size_t i)
{
	return strncmp(given[i].name, NOTIFY_STORED, strlen(NOTIFY_STORED)) == 0;
}

static int take(size_t i)
{
	int fd = given[i].fd;

	free(given[i].name);
	given[i] = given[--given_count];
	return fd;
}

size_t notify_listen_fds(int *ret, size_t max)
{
	size_t count = 0, i = 0;

	look_at_given();
	while (i < given_count && count < max)
		if (is_stored(i))
			i++;
		else
			ret[count++] = take(i);
	return count;
}

int notify_take_stored(const char *name)
{
	look_at_given();
	for (size_t i = 0; i < given_count; i++)
		if (is_stored(i) && strcmp(given[i].name, name) == 0)
			return take(i);
	return -ENOENT;
}

void notify_drop_given(void)
{
	char state[NOTIFY_NAME_MAX + 64];

	look_at_given();
	while (given_count > 0) {
		size_t last = given_count - 1;

		if (is_stored(last)) {
			snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s",
				given[last].name);
			notify_send(state);
		} else {
			log_warning("a socket that the service manager gives is not used: %s",
				given[last].name);
		}
		close(take(last));
	}
}

bool notify_store(int fd, const char *name)
{
	char state[NOTIFY_NAME_MAX + 64];

	if (manager == NULL || setenv(variable, manager, 1) < 0)
		return false;
	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	return sd_pid_notify_with_fds(0, 1, state, &fd, 1) > 0;
}

bool notify_is_wanted(void)
{
	const char *value = getenv(variable);

	if (value != NULL && manager == NULL)
		manager = strdup(value);
	unsetenv(variable);
	return manager != NULL;
}

uint64_t notify_watchdog(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(1, &usec) > 0 ? usec * 1000 : 0;
}

void notify_pass_on(uint64_t watchdog)
{
	char text[24];

	if (manager != NULL)
		setenv(variable, manager, 1);
	if (watchdog == 0)
		return;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(watchdog / 1000));
	setenv("WATCHDOG_USEC", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("WATCHDOG_PID", text, 1);
}

void notify_send(const char *state)
{
	if (manager != NULL && setenv(variable, manager, 1) == 0)
		sd_notify(1, state);
}

#else

#include <errno.h>

size_t notify_listen_fds(int *ret, size_t max)
{
	(void)ret;
	(void)max;
	return 0;
}

int notify_take_stored(const char *name)
{
	(void)name;
	return -ENOENT;
}

void notify_drop_given(void)
{
}

bool notify_store(int fd, const char *name)
{
	(void)fd;
	(void)name;
	return false;
}

bool notify_is_wanted(void)
{
	return false;
}

uint64_t notify_watchdog(void)
{
	return 0;
}

void notify_pass_on(uint64_t watchdog)
{
	(void)watchdog;
}

void notify_send(const char *state)
{
	(void)state;
}

#endif
