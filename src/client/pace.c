/* SPDX-License-Identifier: MIT */
#include "client/pace.h"

/* Nanoseconds. */
#define CHUNK_TIME 1000000ULL /* that a chunk should take */
#define SLOW_ITEM 200000ULL   /* an item of more than this goes alone */
/* Many answers come in one read, so that a sample of less time would see them end at once. */
#define SAMPLE_MIN 500000ULL
#define SAMPLE_MAX 5000000ULL /* one of slow items ends here, however few they are */

enum {
	SAMPLE_ITEMS = 64,
	GROWTH_MAX =
		8, /* times, from one sample to the next: it may have been of a few quick items */
};

void pace_init(struct pace *pace)
{
	*pace = (struct pace){.chunk = 1};
}

bool pace_count(struct pace *pace, size_t items)
{
	pace->ended += items;
	/* A clock that is read for each single item would be felt. */
	return pace->chunk > 1 || pace->ended % SAMPLE_ITEMS == 0;
}

static void judge(struct pace *pace, uint64_t elapsed)
{
	uint64_t each = elapsed / pace->ended;
	size_t max = pace->chunk * GROWTH_MAX < PACE_CHUNK_MAX ? pace->chunk * GROWTH_MAX
							       : PACE_CHUNK_MAX;

	if (each > SLOW_ITEM)
		pace->chunk = 1;
	else if (pace->chunk * each > CHUNK_TIME * 2 && pace->chunk > 1)
		pace->chunk /= 2;
	else
		while (pace->chunk * 2 * each <= CHUNK_TIME && pace->chunk < max)
			pace->chunk *= 2;
}

static void pass_time(struct pace *pace, uint64_t now)
{
	if (pace->is_running)
		pace->spent += now - pace->since;
	pace->since = now;
}

void pace_look(struct pace *pace, uint64_t now)
{
	size_t wanted = pace->chunk * 2 > SAMPLE_ITEMS ? pace->chunk * 2 : SAMPLE_ITEMS;
	bool is_enough;

	pass_time(pace, now);
	is_enough = pace->ended >= wanted && pace->spent >= SAMPLE_MIN;
	if (pace->ended == 0 || (!is_enough && pace->spent < SAMPLE_MAX))
		return;
	judge(pace, pace->spent);
	pace->ended = 0;
	pace->spent = 0;
}

void pace_start(struct pace *pace, uint64_t now)
{
	pass_time(pace, now);
	pace->is_running = true;
}

void pace_stop(struct pace *pace, uint64_t now)
{
	pass_time(pace, now);
	pace->is_running = false;
}
