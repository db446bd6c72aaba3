/* SPDX-License-Identifier: MIT */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

/*
 * What is known of a function beyond one task, by name: how many run, how many may, and whether
 * it kills its workers.  A function that has crashed `limit` times running, with no other
 * end in between, is quarantined: it is not called any more until somebody releases it.
 * Records outlive reloads and are never freed before the end, so a pointer to one is good.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/task.h"

enum { RECORD_REASONS = 3, RECORD_REASON_MAX = 256 };

struct record {
	char *name;
	struct record *next;
	uint64_t running, max_running; /* at a time; 0: no limit */
	struct task_list waiting;      /* for another one to end; TASK_PARKED */
	uint64_t crashes;              /* running */
	bool quarantined;
	uint64_t since; /* real time, ns */
	char reasons[RECORD_REASONS]
		    [RECORD_REASON_MAX]; /* of the last crashes, the last one first */
};

enum { RECORD_BUCKETS = 256 };

struct records {
	struct record *buckets[RECORD_BUCKETS];
};

void records_fini(struct records *records);

/* Made if there is none; NULL: no memory. */
struct record *records_get(struct records *records, const char *name, size_t len);
struct record *records_find(const struct records *records, const char *name, size_t len);
/* Walks all of them: the one after `record`, the first for NULL; NULL at the end. */
struct record *records_next(const struct records *records, const struct record *record);

static inline bool record_is_full(const struct record *record)
{
	return record->max_running > 0 && record->running >= record->max_running;
}

/* It ended otherwise than by a crash. */
static inline void record_on_end(struct record *record)
{
	record->crashes = 0;
}

/* True if it is quarantined from now on.  `limit` 0: never. */
bool record_on_crash(struct record *record, const char *reason, uint64_t limit, uint64_t real_now);

/* False if it was not quarantined. */
bool record_release(struct record *record);

#endif
