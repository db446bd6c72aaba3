/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

int signals_open(int more)
{
	struct sigaction old;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	if (more != 0)
		sigaddset(&set, more);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (sigaction(wanted[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaddset(&set, wanted[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return fd;
}

int signals_next(int fd, bool *ret_by_kernel)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (ret_by_kernel != NULL)
		*ret_by_kernel = info.ssi_code == SI_KERNEL;
	return (int)info.ssi_signo;
}

static int parse_number(const char *text, int *ret)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end != '\0' || number < 1 || number > (unsigned long)SIGRTMAX)
		return -EINVAL;
	*ret = (int)number;
	return 0;
}

int signals_parse(const char *text, int *ret)
{
	if (*text >= '0' && *text <= '9')
		return parse_number(text, ret);
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int number = 1; number < NSIG; number++) {
		const char *name = sigabbrev_np(number);

		if (name != NULL && strcasecmp(text, name) == 0) {
			*ret = number;
			return 0;
		}
	}
	return -EINVAL;
}

void signals_die(int signal_number)
{
	sigset_t set;

	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
