/* SPDX-License-Identifier: MIT */
/* supervisor.h, the program around it. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

enum { EXIT_USAGE = 64 };

/* A private daemon belongs to its client, not to the terminal that the client runs in. */
static void set_up_process(const struct options *options)
{
	heap_keep();
	signal(SIGPIPE, SIG_IGN);
	/* A state may be larger than a file may be: that is an error, and no more. */
	signal(SIGXFSZ, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (options->session_fd >= 0)
		setsid();
}

int ruched_main(int argc, char **argv)
{
	struct supervisor sup;
	struct options options;
	int status = EXIT_FAILURE;

	log_open("ruched", LOG_LEVEL_INFO);
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_RUN:
		log_open("ruched", options.verbose           ? LOG_LEVEL_DEBUG
				   : options.session_fd >= 0 ? LOG_LEVEL_ERROR
							     : LOG_LEVEL_INFO);
		set_up_process(&options);
		if (options.try_only)
			_exit(supervisor_try(&sup, &options));
		log_never_wait();
		if (supervisor_init(&sup, &options) == 0)
			status = supervisor_run(&sup);
		supervisor_fini(&sup);
		break;
	case OPTIONS_DONE:
		status = EXIT_SUCCESS;
		break;
	case OPTIONS_USAGE:
		status = EXIT_USAGE;
		break;
	}
	options_fini(&options);
	return status;
}
