/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_KIT_H
#define SUPERVISOR_KIT_H

/*
 * What the supervisor shares with one worker, our ends of it.  It depends on nothing that is known of the worker, and can be made before
 * there is one.
 */

#include <stddef.h>
#include <stdint.h>

#include "wire/claim.h"
#include "wire/link.h"

struct supervisor;

enum { WORKER_TOKEN_SIZE = 33 };

struct kit {
	int tasks_fd, results_fd, output_fd, arenas_fd;
	int claims_fd; /* the memory of the page */
	struct claim_page *claims;
	uint32_t birth;                /* no two workers have the same, in the life of a daemon */
	char token[WORKER_TOKEN_SIZE]; /* by which its tasks' own connections are known */
};

/* `ret_theirs` gets the worker's ends, the caller's.  0; or a negative errno, and then there is nothing. */
int kit_make(struct supervisor *sup, struct kit *ret, int ret_theirs[LINK_WORKER_FDS]);

/* One that is moved elsewhere has nothing any more: KIT_NONE. */
void kit_drop(struct kit *kit);

enum { KITS_MAX = 8 };

/* Of dead workers.  To give memory back may take longer than to make the next one begin, so that is done later. */
struct kits {
	struct kit all[KITS_MAX];
	size_t count;
};

/* Takes it; drops it now if there are many already. */
void kits_put(struct kits *kits, struct kit *kit);
void kits_drop(struct kits *kits);

/* 0 and the claim page in that memory, or a negative errno. */
int kit_map_claims(int fd, struct claim_page **ret);

#define KIT_NONE                                                                                   \
	((struct kit){.tasks_fd = -1,                                                              \
		.results_fd = -1,                                                                  \
		.output_fd = -1,                                                                   \
		.arenas_fd = -1,                                                                   \
		.claims_fd = -1})

#endif
