/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

/*
 * Processes beside this one that work at the same time.  Each prepares itself, says that it is ready, waits to be let
 * go, works, says that it is done, and stays until crew_end(), so that what it has cost can be read.
 *
 *	the program	crew_start	crew_await	crew_go		crew_await	crew_end
 *	each of them	         prepare, crew_ready	       work, crew_done
 */

#include <stddef.h>
#include <sys/types.h>

#include "measure.h"

enum { CREW_MAX = 64 };

struct crew {
	size_t count;
	pid_t pids[CREW_MAX];
	int go[2], told[2], stay[2];
};

/* `member` is called in each of `count` processes, which end when it returns, or with this one. */
void crew_start(struct crew *crew, size_t count,
	void (*member)(struct crew *crew, const void *context), const void *context);
/* Waits until each is ready, or done. */
void crew_await(struct crew *crew);
void crew_go(struct crew *crew);
/* From all being ready to all being done is what is measured. */
void crew_run(struct crew *crew, struct measure *measure);
void crew_end(struct crew *crew);

/* For a member. */
void crew_ready(struct crew *crew);
void crew_done(struct crew *crew); /* returns when the program calls crew_end() */

#endif
