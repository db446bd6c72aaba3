/* SPDX-License-Identifier: MIT */
#include "wire/value.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

_Static_assert(VALUE_LOCK_OFF >= sizeof(struct value_head), "the head ends before the lock");
_Static_assert(VALUE_LOCK_OFF + sizeof(pthread_mutex_t) <= VALUE_DATA_OFF, "and that in time");
_Static_assert(sizeof(VALUE_MAGIC) == sizeof(((struct value_head *)NULL)->magic), "with its NUL");

static const struct {
	const char *name;
	size_t size;
} types[VALUE_TYPE_COUNT] = {
	[1] = {"int8", 1},
	[2] = {"uint8", 1},
	[3] = {"int16", 2},
	[4] = {"uint16", 2},
	[5] = {"int32", 4},
	[6] = {"uint32", 4},
	[7] = {"int64", 8},
	[8] = {"uint64", 8},
	[9] = {"float", sizeof(float)},
	[10] = {"double", sizeof(double)},
};

const char *value_type_name(uint32_t type)
{
	return type < VALUE_TYPE_COUNT ? types[type].name : NULL;
}

uint32_t value_type_from_name(const char *name, size_t len)
{
	for (uint32_t i = 1; i < VALUE_TYPE_COUNT; i++)
		if (strlen(types[i].name) == len && memcmp(types[i].name, name, len) == 0)
			return i;
	return 0;
}

size_t value_type_size(uint32_t type)
{
	return type < VALUE_TYPE_COUNT ? types[type].size : 0;
}

uint64_t value_memory_size(uint32_t type, uint64_t count)
{
	size_t size = value_type_size(type);

	if (size == 0 || count == 0 || count > (PTRDIFF_MAX - VALUE_DATA_OFF) / size)
		return 0;
	return VALUE_DATA_OFF + count * size;
}

static int set_attributes(pthread_mutexattr_t *attributes)
{
	int r = pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED);

	if (r == 0)
		r = pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
	if (r == 0)
		r = pthread_mutexattr_settype(attributes, PTHREAD_MUTEX_ERRORCHECK);
	return r;
}

static int init_lock(void *at)
{
	pthread_mutexattr_t attributes;
	int r = pthread_mutexattr_init(&attributes);

	if (r != 0)
		return -r;
	r = set_attributes(&attributes);
	if (r == 0)
		r = pthread_mutex_init(at, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return -r;
}

int value_init(void *map, uint32_t type, uint64_t count)
{
	struct value_head *head = map;

	if (value_memory_size(type, count) == 0)
		return -EINVAL;
	*head = (struct value_head){
		.magic = VALUE_MAGIC, .type = type, .count = count, .data_off = VALUE_DATA_OFF};
	return init_lock((char *)map + VALUE_LOCK_OFF);
}

int value_read_head(const void *map, uint64_t size, uint32_t *ret_type, uint64_t *ret_count)
{
	struct value_head head;

	if (size < VALUE_DATA_OFF)
		return -EPROTO;
	memcpy(&head, map, sizeof(head));
	if (memcmp(head.magic, VALUE_MAGIC, sizeof(head.magic)) != 0 ||
		head.data_off != VALUE_DATA_OFF || value_memory_size(head.type, head.count) != size)
		return -EPROTO;
	*ret_type = head.type;
	*ret_count = head.count;
	return 0;
}
