/* SPDX-License-Identifier: MIT */
/*
 * Processes that use the daemon's objects and are killed at a random moment, very many of them, and others beside them that go on and
 * see to it that all is as it should be: nobody waits for ever, nobody has what somebody else has, no item is lost or doubled.
 *
 *	deaths SOCKET KILLS [SEED]
 */
#include "deaths.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_US = 2000, NS_PER_US = 1000 };

struct board *board;
struct self self;

static const char *socket_path;
static unsigned int killed[PHASES], last_serial;

/* A process, and when it is to be killed. */
static struct life {
	pid_t pid;
	unsigned int serial;
	bool hasty;         /* not before it is ready, but as it is being started */
	uint64_t born, end; /* us; 0: not known yet */
} lives[SLOTS];

/* ---- words ---------------------------------------------------------------------------------------------- */

void fail(const char *what, int error)
{
	const struct ruche_error *said = ruche_last_error(self.ruche);

	atomic_store(&board->failed, true);
	fprintf(stderr, "deaths: process %u in slot %d, phase %u: %s%s%s%s%s\n", self.serial,
		self.slot, self.slot < 0 ? 0 : board->slots[self.slot].phase, what,
		error < 0 ? ": " : "", error < 0 ? strerror(-error) : "", said ? ": " : "",
		said ? said->message : "");
	_exit(1);
}

void must(const char *what, int error)
{
	if (error != 0)
		fail(what, error);
}

void set_phase(unsigned int phase)
{
	atomic_store(&board->slots[self.slot].phase, phase);
}

unsigned int at_random(unsigned int n)
{
	self.random ^= self.random << 13;
	self.random ^= self.random >> 7;
	self.random ^= self.random << 17;
	return (unsigned int)(self.random >> 32) % n;
}

void nap(unsigned int most)
{
	const struct timespec time = {.tv_nsec = NS_PER_US * (long)at_random(most)};

	nanosleep(&time, NULL);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / NS_PER_US;
}

/* ---- lives ------------------------------------------------------------------------------------------------ */

static void round_lock(void)
{
	round_section(OF_LOCK);
}

static void round_rlock(void)
{
	round_section(OF_RLOCK);
}

static void round_condition(void)
{
	round_section(OF_CONDITION);
}

static void round_value(void)
{
	round_section(OF_VALUE);
}

static void round_get_one(void)
{
	round_get(1);
}

static void round_get_one_acked(void)
{
	round_get_acked(20);
}

static void (*const rounds[])(void) = {round_lock, round_rlock, round_condition, round_value,
	round_semaphore, round_barrier, round_event, round_put, round_get_one, round_get_one_acked,
	round_pipe};

enum { ROUNDS = sizeof(rounds) / sizeof(rounds[0]), MIXED = 7 };

static void victim(void)
{
	void (*const around)(void) = rounds[at_random(ROUNDS)];

	open_data();
	for (;;) {
		atomic_store(&board->slots[self.slot].ready, true);
		around();
	}
}

static void survive_once(void)
{
	switch (self.slot) {
	case LINE_READER:
		round_line();
		break;
	case PRODUCER:
		round_event();
		round_put();
		break;
	case ACKED_READER:
		round_get_acked(PATIENCE_MS);
		break;
	case PLAIN_READER:
		round_get(8);
		break;
	case PIPE_PEER:
		round_pipe_peer();
		break;
	default:
		rounds[at_random(MIXED)]();
		nap(200);
	}
	atomic_fetch_add(&board->slots[self.slot].rounds, 1);
}

static void live(int slot, unsigned int serial, uint64_t seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self = (struct self){.slot = slot, .serial = serial, .random = seed * 2 + 1};
	at_random(2);
	must("connect", ruche_open(socket_path, &self.ruche));
	if (slot >= SURVIVORS)
		victim();
	while (!atomic_load(&board->stop))
		survive_once();
	ruche_value_close(self.data);
	ruche_close(self.ruche);
	_exit(0);
}

static void give_birth(int slot)
{
	uint64_t seed = (uint64_t)at_random(1u << 31) << 31 | at_random(1u << 31);
	unsigned int serial = ++last_serial;
	pid_t pid;

	if (serial >= SERIALS)
		fail("too many processes", 0);
	atomic_store(&board->slots[slot].ready, false);
	atomic_store(&board->slots[slot].pipe, 0);
	atomic_store(&board->slots[slot].phase, STARTING);
	pid = fork();
	if (pid == 0)
		live(slot, serial, seed);
	if (pid < 0)
		fail("fork", -errno);
	lives[slot] = (struct life){
		.pid = pid, .serial = serial, .hasty = at_random(8) == 0, .born = now_us()};
}

/* ---- deaths ------------------------------------------------------------------------------------------------ */

/* What is known of the dead is known before anything can come of it. */
static void kill_one(int slot)
{
	uint64_t bits = (UINT64_C(1) << 32 | 1) << slot;
	struct life *life = &lives[slot];
	int status;

	atomic_store(&board->doomed[life->serial], 1);
	atomic_fetch_or(&board->inside, UINT64_C(1) << 32 << slot);
	kill(life->pid, SIGKILL);
	if (waitpid(life->pid, &status, 0) != life->pid || !WIFSIGNALED(status))
		fail("a victim has ended by itself", 0);
	atomic_fetch_and(&board->inside, ~bits);
	killed[board->slots[slot].phase]++;
	life->pid = 0;
}

static bool is_due(int slot)
{
	struct life *life = &lives[slot];
	uint64_t now = now_us();

	if (now - life->born > UINT64_C(1000) * PATIENCE_MS)
		fail("a victim has not begun", 0);
	if (life->end == 0 && (life->hasty || atomic_load(&board->slots[slot].ready)))
		life->end = now + at_random(MOST_US);
	return life->end != 0 && now >= life->end;
}

static void kill_many(unsigned int count)
{
	while (count > 0) {
		for (int slot = SURVIVORS; slot < SLOTS && count > 0; slot++) {
			if (lives[slot].pid == 0)
				give_birth(slot);
			if (!is_due(slot))
				continue;
			kill_one(slot);
			count--;
		}
		if (atomic_load(&board->failed) || waitpid(-1, NULL, WNOHANG) != 0)
			fail("somebody has failed", 0);
		nap(100);
	}
	for (int slot = SURVIVORS; slot < SLOTS; slot++)
		if (lives[slot].pid != 0)
			kill_one(slot);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static bool has_ended(pid_t pid)
{
	int status;
	pid_t r = waitpid(pid, &status, WNOHANG);

	if (r == pid && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		fail("a survivor has failed", 0);
	return r == pid;
}

/* Each ends what it is at: two more rounds would make up for whom it waits. */
static void end_survivors(void)
{
	uint64_t end = now_us() + UINT64_C(2000) * PATIENCE_MS;

	atomic_store(&board->stop, true);
	end_queues();
	for (int slot = 0; slot < SURVIVORS; slot++)
		while (!has_ended(lives[slot].pid)) {
			must("abort", ruche_barrier_abort(self.barrier));
			if (now_us() > end)
				fail("a survivor does not end", 0);
			nap(1000);
		}
}

static bool is_unused_by_others(const char *name)
{
	static const char one[] = "\xa5users\x01";
	struct ruche_reply *reply;
	const void *data;
	size_t len;
	bool found;

	must("status", ruche_object_status(self.ruche, name, &reply));
	must("unpack", ruche_reply_packed(reply, &data, &len));
	found = memmem(data, len, one, sizeof(one) - 1) != NULL;
	ruche_reply_free(reply);
	return found;
}

/* The daemon learns of a death a moment later. */
static void wait_until_alone(void)
{
	static const char *const names[] = {"line", "acked", "plain"};
	uint64_t end = now_us() + UINT64_C(1000) * PATIENCE_MS;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		while (!is_unused_by_others(names[i])) {
			if (now_us() > end)
				fail("somebody dead still uses a queue", 0);
			nap(1000);
		}
}

static void check_that_nothing_is_left(void)
{
	uint64_t end = now_us() + UINT64_C(1000) * PATIENCE_MS;
	struct ruche_reply *reply;
	const void *data;
	size_t len;
	bool empty;

	do {
		must("objects", ruche_objects(self.ruche, &reply));
		must("unpack", ruche_reply_packed(reply, &data, &len));
		empty = len == 1 && *(const uint8_t *)data == 0x90;
		ruche_reply_free(reply);
		if (now_us() > end)
			fail("objects are left", 0);
	} while (!empty);
}

static void check_all(void)
{
	end_survivors();
	wait_until_alone();
	check_queues(killed);
	check_locks(killed);
	fprintf(stderr,
		"killed: %u starting, %u between, %u at the semaphore, %u at the barrier, %u "
		"at the event, %u in a pipe\nsurvivors went around:",
		killed[STARTING], killed[BETWEEN], killed[AT_SEMAPHORE], killed[AT_BARRIER],
		killed[AT_EVENT], killed[IN_PIPE]);
	for (int slot = 0; slot < SURVIVORS; slot++) {
		fprintf(stderr, " %u", board->slots[slot].rounds);
		if (board->slots[slot].rounds == 0)
			fail("a survivor has done nothing", 0);
	}
	fprintf(stderr, "\n");
	ruche_value_close(self.data);
	ruche_close(self.ruche);
}

static void set_up(uint64_t seed)
{
	void *map = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED) {
		perror("deaths: mmap");
		exit(2);
	}
	board = map;
	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	self = (struct self){.slot = PRODUCER, .serial = ++last_serial, .random = seed * 2 + 1};
	must("connect", ruche_open(socket_path, &self.ruche));
	open_locks();
	open_queues();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	socket_path = argv[1];
	set_up(argc > 3 ? strtoull(argv[3], NULL, 10) : now_us());
	for (int slot = 0; slot < SURVIVORS; slot++)
		give_birth(slot);
	kill_many((unsigned int)strtoul(argv[2], NULL, 10));
	check_all();
	must("connect", ruche_open(socket_path, &self.ruche));
	check_that_nothing_is_left();
	ruche_close(self.ruche);
	puts("good");
	return 0;
}
