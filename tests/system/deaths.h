/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DEATHS_H
#define TESTS_DEATHS_H

/*
 * What the files of deaths.c share.  A board in memory, that all processes have, is the witness: whoever does something says so there
 * before and after, so that what a dead one has done is known but for the one step that it was at.
 */

#include <ruche/objects.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LINE_READER, /* the survivors */
	PRODUCER,
	ACKED_READER,
	PLAIN_READER,
	MIXER,
	OTHER_MIXER,
	PIPE_PEER,
	SURVIVORS,
	VICTIMS = 4,
	SLOTS = SURVIVORS + VICTIMS,
	SERIALS = 1 << 17,
	ITEMS = 1 << 22,
	PATIENCE_MS = 20000, /* longer waits nobody */
	UNITS = 3,           /* of the semaphore */
};

/* What somebody may hold alone. */
enum section { OF_LOCK, OF_RLOCK, OF_CONDITION, OF_VALUE, SECTIONS };

/* What a process is at; the first three once for each section. */
enum phase {
	STARTING,
	BETWEEN,
	ASKING,
	HOLDING = ASKING + SECTIONS,
	LETTING_GO = HOLDING + SECTIONS,
	AT_SEMAPHORE = LETTING_GO + SECTIONS,
	AT_BARRIER,
	AT_EVENT,
	PUTTING,
	GETTING,
	GETTING_TO_ACK,
	HAVING,
	ACKNOWLEDGING,
	IN_PIPE,
	PHASES
};

struct item {
	atomic_uint holder; /* the serial of who has it, to be acknowledged */
	atomic_uchar put, refused, got, acking, acked;
};

struct board {
	atomic_bool stop, failed;
	struct slot {
		atomic_uint phase, rounds;
		atomic_bool ready;
		atomic_uint pipe; /* the serial of who has opened one and wants a peer */
	} slots[SLOTS];
	atomic_uchar doomed[SERIALS]; /* it is about to be killed, or dead */
	struct section_board {
		atomic_uint owner; /* a serial */
		atomic_llong entries, abandoned;
	} sections[SECTIONS];
	_Atomic uint64_t
		inside; /* bits of slots: who has a unit; and from bit 32 on who is doomed */
	atomic_uint next_item;
	atomic_uint line_put[SERIALS], line_got[SERIALS]; /* the last number that is known to be */
	struct item items[ITEMS];
};

struct self {
	int slot;
	unsigned int serial;
	uint64_t random;
	struct ruche *ruche;
	struct ruche_value *data;
	struct ruche_object *objects[SECTIONS];
	struct ruche_object *semaphore, *barrier, *event;
	struct ruche_object *line, *acked, *plain;
	unsigned int line_number;
};

extern struct board *board;
extern struct self self;

/* Says so and ends the process, and with it the test. */
void fail(const char *what, int error) __attribute__((noreturn));
/* Fails unless it is 0. */
void must(const char *what, int error);
void set_phase(unsigned int phase);
/* 0 to n - 1 */
unsigned int at_random(unsigned int n);
/* Up to so many microseconds. */
void nap(unsigned int most);

/* ---- deaths_locks.c: once around; they open what they need */

void round_section(enum section section);
void round_semaphore(void);
void round_barrier(void);
void round_event(void);
void open_data(void);
/* All of them: they live from now on, whoever dies. */
void open_locks(void);
/* Nobody else is there any more: all can be had, and nothing was changed that should not be. */
void check_locks(const unsigned int killed[PHASES]);

/* ---- deaths_items.c */

void open_queues(void);
void round_put(void);
void round_get(unsigned int most);
void round_get_acked(int timeout_ms);
void round_line(void);
void round_pipe(void);      /* asks a peer, again and again */
void round_pipe_peer(void); /* answers one, while it lives */
void end_queues(void);
void check_queues(const unsigned int killed[PHASES]);

#endif
