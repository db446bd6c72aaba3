/* SPDX-License-Identifier: MIT */
/* deaths.h: what somebody may hold alone, and what several wait for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deaths.h"

static const char *const names[SECTIONS] = {"lock", "rlock", "condition", "value"};

/* ---- what is protected: two numbers that are the same ----------------------------------------- */

void open_data(void)
{
	if (self.data == NULL)
		must("open the value", ruche_value_open(self.ruche, &self.data, "data", RUCHE_INT64,
					       2 * SECTIONS, NULL, NULL));
}

static volatile int64_t *data_of(enum section section)
{
	return (volatile int64_t *)ruche_value_data(self.data) + 2 * section;
}

/* It is held. */
static void note_entry(enum section section, bool abandoned, bool may_be_half)
{
	struct section_board *b = &board->sections[section];
	unsigned int owner = atomic_load(&b->owner);
	volatile int64_t *data = data_of(section);

	set_phase(HOLDING + section);
	if (owner != 0 && !atomic_load(&board->doomed[owner]))
		fail("two have it at once", 0);
	if (owner != 0 && !may_be_half)
		fail("its holder has died, and nobody says so", 0);
	if (data[0] != data[1] && !may_be_half)
		fail("what it protects is half changed, and nobody says so", 0);
	atomic_store(&b->owner, self.serial);
	atomic_fetch_add(&b->abandoned, abandoned);
	data[1] = data[0];
}

static void change(enum section section)
{
	volatile int64_t *data = data_of(section);

	data[0] = data[0] + 1;
	atomic_fetch_add(&board->sections[section].entries, 1);
	nap(100);
	data[1] = data[0];
}

static void note_exit(enum section section)
{
	set_phase(LETTING_GO + section);
	if (atomic_load(&board->sections[section].owner) != self.serial)
		fail("somebody came in between", 0);
	atomic_store(&board->sections[section].owner, 0);
}

/* ---- in and out --------------------------------------------------------------------------------- */

static void open_section(enum section section)
{
	static const enum ruche_kind kinds[] = {RUCHE_LOCK, RUCHE_RLOCK, RUCHE_CONDITION};

	open_data();
	if (section != OF_VALUE && self.objects[section] == NULL)
		must("open a lock", ruche_object_open(self.ruche, &self.objects[section],
					    kinds[section], names[section], NULL));
}

static void enter(enum section section)
{
	int r;

	set_phase(ASKING + section);
	if (section == OF_VALUE)
		r = ruche_value_lock(self.data, PATIENCE_MS);
	else
		r = ruche_acquire(self.objects[section], at_random(2) ? -1 : PATIENCE_MS);
	if (r < 0)
		fail(names[section], r);
	note_entry(section, r == RUCHE_ABANDONED, r == RUCHE_ABANDONED);
}

static void leave(enum section section)
{
	int r;

	note_exit(section);
	if (section == OF_VALUE)
		r = ruche_value_unlock(self.data);
	else
		r = ruche_release(self.objects[section]);
	must("release", r);
	set_phase(BETWEEN);
}

/* It is held, and again afterwards. */
static void wait_for_condition(void)
{
	int r;

	note_exit(OF_CONDITION);
	set_phase(ASKING + OF_CONDITION);
	r = ruche_condition_wait(self.objects[OF_CONDITION], 20);
	if (r < 0 && r != -ETIMEDOUT)
		fail("wait for a condition", r);
	note_entry(OF_CONDITION, r == RUCHE_ABANDONED, r != 0);
}

void round_section(enum section section)
{
	open_section(section);
	enter(section);
	if (section == OF_RLOCK && ruche_acquire(self.objects[section], 0) != 0)
		fail("acquire an rlock again", 0);
	if (section == OF_CONDITION && at_random(2))
		wait_for_condition();
	change(section);
	if (section == OF_CONDITION)
		must("notify", ruche_condition_notify(self.objects[section], at_random(2)));
	if (section == OF_RLOCK)
		must("release an rlock once", ruche_release(self.objects[section]));
	leave(section);
}

/* ---- semaphore, barrier, event --------------------------------------------------------------------- */

static void open_semaphore(void)
{
	const struct ruche_object_options options = {.value = UNITS};

	if (self.semaphore == NULL)
		must("open the semaphore", ruche_object_open(self.ruche, &self.semaphore,
						   RUCHE_SEMAPHORE, "semaphore", &options));
}

void round_semaphore(void)
{
	uint64_t bit = UINT64_C(1) << self.slot, seen;
	int r;

	open_semaphore();
	set_phase(AT_SEMAPHORE);
	r = ruche_acquire(self.semaphore, PATIENCE_MS);
	if (r < 0)
		fail("acquire a unit", r);
	seen = atomic_fetch_or(&board->inside, bit) | bit;
	if (__builtin_popcount((uint32_t)seen & ~(uint32_t)(seen >> 32)) > UNITS)
		fail("more have units than there are", 0);
	nap(100);
	atomic_fetch_and(&board->inside, ~bit);
	must("release a unit", ruche_release(self.semaphore));
	set_phase(BETWEEN);
}

static void open_barrier(void)
{
	const struct ruche_object_options options = {.parties = 2};

	if (self.barrier == NULL)
		must("open the barrier", ruche_object_open(self.ruche, &self.barrier, RUCHE_BARRIER,
						 "barrier", &options));
}

void round_barrier(void)
{
	unsigned int index = 0;
	int r;

	open_barrier();
	set_phase(AT_BARRIER);
	r = ruche_barrier_wait(self.barrier, PATIENCE_MS, &index);
	if (r == -EPIPE)
		r = ruche_barrier_reset(self.barrier);
	must("wait at the barrier", r);
	if (index > 1)
		fail("a third at a barrier of two", 0);
	set_phase(BETWEEN);
}

static void open_event(void)
{
	if (self.event == NULL)
		must("open the event",
			ruche_object_open(self.ruche, &self.event, RUCHE_EVENT, "event", NULL));
}

void round_event(void)
{
	open_event();
	set_phase(AT_EVENT);
	if (self.slot == PRODUCER) {
		must("clear", ruche_event_clear(self.event));
		nap(100);
		must("set", ruche_event_set(self.event));
	} else {
		must("wait for the event", ruche_event_wait(self.event, PATIENCE_MS));
	}
	set_phase(BETWEEN);
}

/* ---- from the beginning to the end -------------------------------------------------------------------------------------- */

void open_locks(void)
{
	for (int section = 0; section < SECTIONS; section++)
		open_section((enum section)section);
	open_semaphore();
	open_barrier();
	open_event();
}

static void check_section(enum section section, const unsigned int killed[PHASES])
{
	const struct section_board *b = &board->sections[section];
	unsigned int asking = killed[ASKING + section], holding = killed[HOLDING + section],
		     leaving = killed[LETTING_GO + section];
	int64_t entries, changed;

	enter(section);
	leave(section);
	entries = atomic_load(&b->entries);
	changed = data_of(section)[0];
	fprintf(stderr,
		"%s: %lld times; killed: %u waiting, %u holding, %u leaving; %lld abandoned\n",
		names[section], (long long)entries, asking, holding, leaving,
		(long long)b->abandoned);
	if (changed < entries || changed > entries + holding)
		fail("a change was lost or doubled", 0);
	if (b->abandoned > asking + holding + leaving)
		fail("abandoned more often than holders have died", 0);
}

void check_locks(const unsigned int killed[PHASES])
{
	for (int section = 0; section < SECTIONS; section++)
		check_section((enum section)section, killed);
	for (int i = 0; i < UNITS; i++)
		if (ruche_acquire(self.semaphore, PATIENCE_MS) < 0)
			fail("a unit has gone with its holder", 0);
	if (ruche_acquire(self.semaphore, 0) != -EAGAIN)
		fail("there are more units than before", 0);
}
