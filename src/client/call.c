/* SPDX-License-Identifier: MIT */
#include "client/call.h"

#include <ruche/ruche.h>
#include <stdlib.h>

enum { MIN_BUCKETS = 64, SPARE_MAX = 1024 };

void calls_init(struct calls *calls)
{
	*calls = (struct calls){0};
	TAILQ_INIT(&calls->open);
	TAILQ_INIT(&calls->finished);
	TAILQ_INIT(&calls->spare);
}

static void free_list(struct call_list *list)
{
	struct call *call;

	while ((call = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, call, link);
		ruche_reply_free(call->reply);
		free(call);
	}
}

void calls_fini(struct calls *calls)
{
	free_list(&calls->open);
	free_list(&calls->finished);
	free_list(&calls->spare);
	free(calls->buckets);
	client_arena_release(calls->arena);
	calls_init(calls);
}

/* Ids are given in order, so that their low bits spread them evenly. */
static struct call **bucket_of(const struct calls *calls, uint32_t id)
{
	return &calls->buckets[id & (calls->bucket_count - 1)];
}

struct call *calls_find(const struct calls *calls, uint32_t id)
{
	struct call *call;

	if (calls->bucket_count == 0)
		return NULL;
	call = *bucket_of(calls, id);
	while (call != NULL && call->id != id)
		call = call->bucket_next;
	return call;
}

struct call *calls_find_public(const struct calls *calls, uint32_t id)
{
	struct call *call = calls_find(calls, id);

	return call != NULL && call->owner == NULL ? call : NULL;
}

size_t calls_count_public(const struct calls *calls)
{
	return calls->count - calls->owned;
}

uint32_t calls_next_id(const struct calls *calls)
{
	uint32_t id = calls->last_id;

	do
		id++;
	while (id == 0 || calls_find(calls, id) != NULL);
	return id;
}

static void link_bucket(struct calls *calls, struct call *call)
{
	struct call **bucket = bucket_of(calls, call->id);

	call->bucket_next = *bucket;
	*bucket = call;
}

static int grow(struct calls *calls)
{
	size_t count = calls->bucket_count == 0 ? MIN_BUCKETS : calls->bucket_count * 2;
	struct call **buckets = calloc(count, sizeof(struct call *));
	struct call *call;

	if (buckets == NULL)
		return -1;
	free(calls->buckets);
	calls->buckets = buckets;
	calls->bucket_count = count;
	TAILQ_FOREACH (call, &calls->open, link)
		link_bucket(calls, call);
	TAILQ_FOREACH (call, &calls->finished, link)
		link_bucket(calls, call);
	return 0;
}

/* The allocator would take longer than all else. */
static struct call *new_call(struct calls *calls)
{
	struct call *call = TAILQ_FIRST(&calls->spare);

	if (call == NULL)
		return malloc(sizeof(*call));
	TAILQ_REMOVE(&calls->spare, call, link);
	calls->spare_count--;
	return call;
}

static void free_call(struct calls *calls, struct call *call)
{
	if (calls->spare_count == SPARE_MAX) {
		free(call);
		return;
	}
	call->reply = NULL;
	TAILQ_INSERT_HEAD(&calls->spare, call, link);
	calls->spare_count++;
}

struct call *calls_add(struct calls *calls, uint32_t id, uint64_t end)
{
	struct call *call;

	if (calls->count == calls->bucket_count && grow(calls) < 0)
		return NULL;
	call = new_call(calls);
	if (call == NULL)
		return NULL;
	*call = (struct call){.id = id, .end = end};
	link_bucket(calls, call);
	TAILQ_INSERT_TAIL(&calls->open, call, link);
	calls->count++;
	calls->last_id = id;
	return call;
}

void calls_own(
	struct calls *calls, struct call *call, const struct call_owner *owner, void *owner_data)
{
	calls->owned += call->owner == NULL;
	call->owner = owner;
	call->owner_data = owner_data;
}

static int ignore_end(struct call *call, struct piece error, struct piece result)
{
	(void)call;
	(void)error;
	(void)result;
	return 0;
}

static void ignore_loss(struct call *call, bool was_sent)
{
	(void)call;
	(void)was_sent;
}

void calls_drop(struct calls *calls, struct call *call)
{
	static const struct call_owner nobody = {ignore_end, ignore_loss};

	calls_own(calls, call, &nobody, NULL);
}

void calls_expect_fd(struct calls *calls, struct call *call)
{
	calls->fd_count += !call->brings_fd;
	call->brings_fd = true;
}

/* It waits for its answer no more. */
static void end(struct calls *calls, struct call *call)
{
	client_arena_give(calls->arena, call->lanes);
	call->lanes = 0;
	calls->fd_count -= call->brings_fd;
	call->brings_fd = false;
}

void calls_finish(struct calls *calls, struct call *call, struct ruche_reply *reply)
{
	end(calls, call);
	call->reply = reply;
	call->finished = true;
	TAILQ_REMOVE(&calls->open, call, link);
	TAILQ_INSERT_TAIL(&calls->finished, call, link);
}

void calls_remove(struct calls *calls, struct call *call)
{
	struct call **at = bucket_of(calls, call->id);

	end(calls, call);
	while (*at != call)
		at = &(*at)->bucket_next;
	*at = call->bucket_next;
	TAILQ_REMOVE(call->finished ? &calls->finished : &calls->open, call, link);
	calls->count--;
	calls->owned -= call->owner != NULL;
	free_call(calls, call);
}
