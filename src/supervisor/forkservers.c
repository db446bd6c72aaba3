/* SPDX-License-Identifier: MIT */
/* forkserver.h, all of them. */
#include "supervisor/forkserver.h"

#include "supervisor/supervisor.h"

struct forkserver *forkserver_next(const struct pool *pool, const struct forkserver *fs)
{
	if (fs == NULL)
		return pool->forkserver;
	if (fs == pool->forkserver && pool->next != NULL)
		return pool->next;
	return fs == pool->forkserver || fs == pool->next ? pool->former : fs->older;
}

void forkservers_release(struct pool *pool)
{
	for (struct forkserver *fs = forkserver_next(pool, NULL); fs != NULL;
		fs = forkserver_next(pool, fs))
		forkserver_release(fs);
}

void forkservers_free(struct pool *pool)
{
	while (pool->former != NULL) {
		struct forkserver *fs = pool->former;

		pool->former = fs->older;
		forkserver_free(fs);
	}
	forkserver_free(pool->next);
	forkserver_free(pool->forkserver);
	pool->forkserver = pool->next = NULL;
}

bool forkservers_live(const struct pool *pool)
{
	for (struct forkserver *fs = forkserver_next(pool, NULL); fs != NULL;
		fs = forkserver_next(pool, fs))
		if (fs->pid > 0)
			return true;
	return false;
}

struct forkserver *forkserver_find(const struct supervisor *sup, pid_t pid)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		for (struct forkserver *fs = forkserver_next(sup->pools[i], NULL); fs != NULL;
			fs = forkserver_next(sup->pools[i], fs))
			if (fs->pid > 0 && fs->pid == pid)
				return fs;
	return NULL;
}

void forkservers_read(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		for (struct forkserver *fs = forkserver_next(sup->pools[i], NULL); fs != NULL;
			fs = forkserver_next(sup->pools[i], fs))
			forkserver_read(fs);
}

bool forkservers_are_busy(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++)
		for (struct forkserver *fs = forkserver_next(sup->pools[i], NULL); fs != NULL;
			fs = forkserver_next(sup->pools[i], fs))
			if (fs->pending != NULL || standby_is_awaited(fs))
				return true;
	return false;
}

bool forkservers_are_loading(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->pool_count; i++) {
		const struct forkserver *fs = sup->pools[i]->forkserver;

		if (fs->pid > 0 && !fs->ready)
			return true;
	}
	return false;
}
