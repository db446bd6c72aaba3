/* SPDX-License-Identifier: MIT */
#include "core/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 256 };

int handles_init(struct handles *handles, struct users *users, uint64_t seconds)
{
	*handles =
		(struct handles){.last_id = seconds << 20, .buckets = BUCKETS_MIN, .users = users};
	handles->by_id = calloc(BUCKETS_MIN, sizeof(struct handle *));
	handles->by_key = calloc(BUCKETS_MIN, sizeof(struct handle *));
	return handles->by_id == NULL || handles->by_key == NULL ? -ENOMEM : 0;
}

void handles_fini(struct handles *handles)
{
	free(handles->by_id);
	free(handles->by_key);
	*handles = (struct handles){0};
}

static struct handle **id_bucket(const struct handles *handles, uint64_t id)
{
	return &handles->by_id[id & (handles->buckets - 1)];
}

/* FNV-1a over the user and the key. */
static struct handle **key_bucket(
	const struct handles *handles, const struct user *user, const char *key, size_t len)
{
	uint32_t hash = 2166136261U ^ user->uid;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)key[i]) * 16777619U;
	return &handles->by_key[hash & (handles->buckets - 1)];
}

static void link_up(struct handles *handles, struct handle *handle)
{
	struct handle **at = id_bucket(handles, handle->id);

	handle->next_by_id = *at;
	*at = handle;
	if (handle->key == NULL)
		return;
	at = key_bucket(handles, handle->user, handle->key, handle->key_len);
	handle->next_by_key = *at;
	*at = handle;
}

/* Twice the buckets; if there is no memory, the chains are longer. */
static void grow(struct handles *handles)
{
	struct handles grown = {.buckets = handles->buckets * 2};

	grown.by_id = calloc(grown.buckets, sizeof(struct handle *));
	grown.by_key = calloc(grown.buckets, sizeof(struct handle *));
	if (grown.by_id == NULL || grown.by_key == NULL) {
		handles_fini(&grown);
		return;
	}
	for (size_t i = 0; i < handles->buckets; i++)
		for (struct handle *handle = handles->by_id[i], *next; handle != NULL;
			handle = next) {
			next = handle->next_by_id;
			link_up(&grown, handle);
		}
	grown.count = handles->count;
	grown.last_id = handles->last_id;
	grown.users = handles->users;
	handles_fini(handles);
	*handles = grown;
}

struct handle *handle_restore(struct handles *handles, struct task *task, struct user *user,
	uint64_t id, const char *key, size_t key_len)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (handle == NULL)
		return NULL;
	if (key != NULL) {
		handle->key = malloc(key_len + 1);
		if (handle->key == NULL) {
			free(handle);
			return NULL;
		}
		memcpy(handle->key, key, key_len);
		handle->key[key_len] = '\0';
		handle->key_len = key_len;
	}
	if (handles->count >= handles->buckets)
		grow(handles);
	handle->id = id;
	handle->task = task;
	handle->user = user;
	user_ref(user);
	link_up(handles, handle);
	handles->count++;
	task->handle = handle;
	return handle;
}

struct handle *handle_new(struct handles *handles, struct task *task, struct user *user,
	const char *key, size_t key_len)
{
	return handle_restore(handles, task, user, ++handles->last_id, key, key_len);
}

static void unlink_id(struct handles *handles, struct handle *handle)
{
	struct handle **at = id_bucket(handles, handle->id);

	while (*at != handle)
		at = &(*at)->next_by_id;
	*at = handle->next_by_id;
}

void handle_drop_key(struct handles *handles, struct handle *handle)
{
	struct handle **at;

	if (handle->key == NULL)
		return;
	at = key_bucket(handles, handle->user, handle->key, handle->key_len);
	while (*at != handle)
		at = &(*at)->next_by_key;
	*at = handle->next_by_key;
	free(handle->key);
	handle->key = NULL;
}

void handle_free(struct handles *handles, struct handle *handle)
{
	unlink_id(handles, handle);
	handle_drop_key(handles, handle);
	handles->count--;
	handle->task->handle = NULL;
	user_unref(handles->users, handle->user);
	free(handle->tag);
	free(handle->answer);
	free(handle);
}

struct handle *handles_find(const struct handles *handles, uint64_t id)
{
	struct handle *handle = *id_bucket(handles, id);

	while (handle != NULL && handle->id != id)
		handle = handle->next_by_id;
	return handle;
}

struct handle *handles_find_key(
	const struct handles *handles, const struct user *user, const char *key, size_t len)
{
	struct handle *handle = *key_bucket(handles, user, key, len);

	while (handle != NULL && (handle->user != user || handle->key_len != len ||
					 memcmp(handle->key, key, len) != 0))
		handle = handle->next_by_key;
	return handle;
}

struct handle *handles_next(const struct handles *handles, size_t *at, const struct handle *last)
{
	if (last != NULL && last->next_by_id != NULL)
		return last->next_by_id;
	while (*at < handles->buckets) {
		struct handle *handle = handles->by_id[(*at)++];

		if (handle != NULL)
			return handle;
	}
	return NULL;
}
