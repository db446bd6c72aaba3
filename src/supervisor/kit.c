/* SPDX-License-Identifier: MIT */
#include "supervisor/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "supervisor/supervisor.h"

/* Nobody can guess it who has not been told. */
static int make_token(char ret[WORKER_TOKEN_SIZE])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(ret, WORKER_TOKEN_SIZE, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	return 0;
}

int kit_map_claims(int fd, struct claim_page **ret)
{
	void *page = mmap(NULL, CLAIM_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	*ret = page;
	return 0;
}

/* A page that the worker can write to but not shrink under our feet. */
static int make_claims(struct supervisor *sup, struct kit *kit, int *ret_fd)
{
	int r;

	kit->claims_fd = fd_memory("ruche-claims", CLAIM_SHARED_SIZE);
	if (kit->claims_fd < 0)
		return kit->claims_fd;
	r = kit_map_claims(kit->claims_fd, &kit->claims);
	if (r < 0)
		return r;
	*ret_fd = fcntl(kit->claims_fd, F_DUPFD_CLOEXEC, 0);
	if (*ret_fd < 0)
		return -errno;
	kit->birth = ++sup->births;
	atomic_store(&kit->claims->birth, kit->birth);
	return 0;
}

/* A pipe of which we keep one end, without blocking on it. */
static int make_pipe(int *ret_ours, int *ret_theirs, bool we_read)
{
	int ends[2];
	int r = fd_pipe(ends);

	if (r < 0)
		return r;
	*ret_ours = ends[we_read ? 0 : 1];
	*ret_theirs = ends[we_read ? 1 : 0];
	return fd_set_nonblock(*ret_ours);
}

/* Packets go to the worker alone, which may be long in reading them. */
static int make_arenas_link(struct kit *kit, int *ret)
{
	int ends[2];
	int r = fd_socketpair(SOCK_SEQPACKET | SOCK_NONBLOCK, ends);

	if (r < 0)
		return r;
	kit->arenas_fd = ends[0];
	*ret = ends[1];
	return 0;
}

int kit_make(struct supervisor *sup, struct kit *ret, int ret_theirs[LINK_WORKER_FDS])
{
	struct kit kit = KIT_NONE;
	int r = make_token(kit.token);

	for (int i = 0; i < LINK_WORKER_FDS; i++)
		ret_theirs[i] = -1;
	if (r == 0)
		r = make_pipe(&kit.tasks_fd, &ret_theirs[LINK_WORKER_TASKS], false);
	if (r == 0)
		r = make_pipe(&kit.results_fd, &ret_theirs[LINK_WORKER_RESULTS], true);
	if (r == 0)
		r = make_pipe(&kit.output_fd, &ret_theirs[LINK_WORKER_OUTPUT], true);
	if (r == 0)
		r = make_claims(sup, &kit, &ret_theirs[LINK_WORKER_CLAIMS]);
	if (r == 0)
		r = make_arenas_link(&kit, &ret_theirs[LINK_WORKER_ARENAS]);
	if (r < 0) {
		for (int i = 0; i < LINK_WORKER_FDS; i++)
			fd_close(&ret_theirs[i]);
		kit_drop(&kit);
		return r;
	}
	*ret = kit;
	return 0;
}

void kit_drop(struct kit *kit)
{
	fd_close(&kit->tasks_fd);
	fd_close(&kit->results_fd);
	fd_close(&kit->output_fd);
	fd_close(&kit->arenas_fd);
	if (kit->claims != NULL)
		munmap(kit->claims, CLAIM_SHARED_SIZE);
	kit->claims = NULL;
	fd_close(&kit->claims_fd);
}

void kits_put(struct kits *kits, struct kit *kit)
{
	if (kits->count == KITS_MAX) {
		kit_drop(kit);
		return;
	}
	kits->all[kits->count++] = *kit;
	*kit = KIT_NONE;
}

void kits_drop(struct kits *kits)
{
	while (kits->count > 0)
		kit_drop(&kits->all[--kits->count]);
}
