/* SPDX-License-Identifier: MIT */
#include "core/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static size_t bucket_of(const char *name, size_t len)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619U;
	return hash % RECORD_BUCKETS;
}

struct record *records_find(const struct records *records, const char *name, size_t len)
{
	struct record *record = records->buckets[bucket_of(name, len)];

	while (record != NULL &&
		(strlen(record->name) != len || memcmp(record->name, name, len) != 0))
		record = record->next;
	return record;
}

struct record *records_get(struct records *records, const char *name, size_t len)
{
	struct record *record = records_find(records, name, len);
	size_t bucket = bucket_of(name, len);

	if (record != NULL)
		return record;
	record = calloc(1, sizeof(*record));
	if (record == NULL)
		return NULL;
	record->name = strndup(name, len);
	if (record->name == NULL) {
		free(record);
		return NULL;
	}
	task_list_init(&record->waiting, TASK_LIST_QUEUE);
	record->next = records->buckets[bucket];
	records->buckets[bucket] = record;
	return record;
}

struct record *records_next(const struct records *records, const struct record *record)
{
	size_t bucket = 0;

	if (record != NULL) {
		if (record->next != NULL)
			return record->next;
		bucket = bucket_of(record->name, strlen(record->name)) + 1;
	}
	while (bucket < RECORD_BUCKETS && records->buckets[bucket] == NULL)
		bucket++;
	return bucket < RECORD_BUCKETS ? records->buckets[bucket] : NULL;
}

void records_fini(struct records *records)
{
	struct record *record;

	while ((record = records_next(records, NULL)) != NULL) {
		records->buckets[bucket_of(record->name, strlen(record->name))] = record->next;
		free(record->name);
		free(record);
	}
}

bool record_on_crash(struct record *record, const char *reason, uint64_t limit, uint64_t real_now)
{
	memmove(record->reasons[1], record->reasons[0],
		(RECORD_REASONS - 1) * sizeof(record->reasons[0]));
	snprintf(record->reasons[0], sizeof(record->reasons[0]), "%s", reason);
	record->crashes++;
	if (record->quarantined || limit == 0 || record->crashes < limit)
		return false;
	record->quarantined = true;
	record->since = real_now;
	return true;
}

bool record_release(struct record *record)
{
	bool was = record->quarantined;

	record->quarantined = false;
	record->crashes = 0;
	return was;
}
