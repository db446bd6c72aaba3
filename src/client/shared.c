/* SPDX-License-Identifier: MIT */
/* objects.h: shared values, but for their atomic operations. */
#include "client/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/object.h"
#include "client/object_reply.h"
#include "client/reply.h"
#include "wire/value.h"

#define LOOK_AGAIN (50 * CLOCK_MS)

_Static_assert(
	(int)RUCHE_TYPE_COUNT == (int)VALUE_TYPE_COUNT, "the types are numbered as on the wire");

const char *ruche_type_name(enum ruche_type type)
{
	const char *name = value_type_name((uint32_t)type);

	return name == NULL ? "unknown" : name;
}

enum ruche_type ruche_type_from_name(const char *name)
{
	return name == NULL ? 0 : (enum ruche_type)value_type_from_name(name, strlen(name));
}

size_t ruche_type_size(enum ruche_type type)
{
	return value_type_size((uint32_t)type);
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool has_size(int fd, uint64_t size)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	return seals >= 0 && (seals & needed) == needed && fstat(fd, &st) == 0 &&
	       (uint64_t)st.st_size == size;
}

/* The value is of the type and size that it was asked for. */
static int map(struct ruche_value *value, int fd)
{
	uint64_t count;
	uint32_t type;

	if (!has_size(fd, value->size))
		return -EPROTO;
	value->map = mmap(NULL, value->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (value->map == MAP_FAILED) {
		value->map = NULL;
		return -errno;
	}
	if (value_read_head(value->map, value->size, &type, &count) < 0 ||
		type != (uint32_t)value->type || count != value->count)
		return -EPROTO;
	return 0;
}

static int map_answer(struct ruche_value *value, struct ruche_reply *reply)
{
	uint64_t count = 0, size = 0;
	int fd, r;

	if (object_get_number(reply, "count", &count) < 0 || count != value->count ||
		object_get_number(reply, "size", &size) < 0 || size != value->size)
		return -EPROTO;
	fd = reply_take_fd(reply);
	r = fd < 0 ? -EPROTO : map(value, fd);
	fd_close(&fd);
	return r;
}

static int open_value(struct ruche *ruche, struct ruche_value *value, const char *name,
	const void *initial, const struct ruche_object_options *options)
{
	const struct piece bytes = {initial, value->count * ruche_type_size(value->type)};
	const struct object_option more[] = {
		{"type", true, object_pack_text, {.text = ruche_type_name(value->type)}},
		{"count", true, object_pack_number, {.number = value->count}},
		{"data", initial != NULL, object_pack_bytes, {.bytes = bytes}},
	};
	const struct object_opening opening = {
		RUCHE_VALUE, name, options, more, sizeof(more) / sizeof(more[0])};
	struct ruche_reply *reply;
	int r = object_open(ruche, &value->use, &opening, &reply);

	if (r < 0)
		return r;
	r = map_answer(value, reply);
	ruche_reply_free(reply);
	return r;
}

int ruche_value_open(struct ruche *ruche, struct ruche_value **ret, const char *name,
	enum ruche_type type, size_t count, const void *initial,
	const struct ruche_object_options *options)
{
	uint64_t size = value_memory_size((uint32_t)type, count);
	struct ruche_value *value;
	int r = object_begin(ruche, ret);

	if (r == 0 && size == 0)
		r = -EINVAL;
	if (r < 0)
		return r;
	value = calloc(1, sizeof(*value));
	if (value == NULL)
		return -ENOMEM;
	value->type = type;
	value->count = count;
	value->size = (size_t)size;
	r = open_value(ruche, value, name, initial, options);
	if (r < 0)
		ruche_value_close(value);
	else
		*ret = value;
	return r;
}

static pthread_mutex_t *lock_of(struct ruche_value *value)
{
	return (pthread_mutex_t *)(void *)((char *)value->map + VALUE_LOCK_OFF);
}

/* A lock that this thread has must not stay among its robust ones when the memory is gone. */
void ruche_value_close(struct ruche_value *value)
{
	if (value == NULL)
		return;
	if (value->map != NULL) {
		(void)pthread_mutex_unlock(lock_of(value));
		munmap(value->map, value->size);
	}
	use_end(&value->use);
	free(value);
}

/* ---- what it has -------------------------------------------------------------------------- */

void *ruche_value_data(struct ruche_value *value)
{
	return shared_at(value, 0);
}

size_t ruche_value_count(const struct ruche_value *value)
{
	return value == NULL ? 0 : value->count;
}

enum ruche_type ruche_value_type(const struct ruche_value *value)
{
	return value == NULL ? 0 : value->type;
}

void *shared_at(const struct ruche_value *value, size_t index)
{
	if (value == NULL || index >= value->count)
		return NULL;
	return (char *)value->map + VALUE_DATA_OFF + index * value_type_size((uint32_t)value->type);
}

/* ---- the lock ----------------------------------------------------------------------------- */

static struct timespec time_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / CLOCK_S), .tv_nsec = (long)(ns % CLOCK_S)};
}

/*
 * The errno of the mutex's functions, which is positive.  Who is killed when he has been woken for the lock takes that with him: the
 * kernel wakes another one only if nobody has come in between, and who has does not know of any that wait.  So they look
 * again by themselves.
 */
static __attribute__((noinline)) int wait_for(pthread_mutex_t *lock, int timeout_ms)
{
	uint64_t now = clock_now();
	uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms * CLOCK_MS;
	int error;

	do {
		struct timespec at =
			time_of(deadline - now < LOOK_AGAIN ? deadline : now + LOOK_AGAIN);

		error = pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &at);
		now = clock_now();
	} while (error == ETIMEDOUT && now < deadline);
	return error;
}

/* Not in the way of a lock that is free, which takes some nanoseconds. */
static __attribute__((noinline)) int judge(pthread_mutex_t *lock, int error)
{
	if (error == EOWNERDEAD) {
		error = pthread_mutex_consistent(lock);
		return error == 0 ? RUCHE_ABANDONED : -error;
	}
	return error == EBUSY ? -EAGAIN : -error;
}

int ruche_value_lock(struct ruche_value *value, int timeout_ms)
{
	int error;

	if (value == NULL)
		return -EINVAL;
	error = pthread_mutex_trylock(lock_of(value));
	if (error == EBUSY && timeout_ms != 0)
		error = wait_for(lock_of(value), timeout_ms);
	return error == 0 ? 0 : judge(lock_of(value), error);
}

int ruche_value_unlock(struct ruche_value *value)
{
	return value == NULL ? -EINVAL : -pthread_mutex_unlock(lock_of(value));
}
