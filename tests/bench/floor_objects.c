/* SPDX-License-Identifier: MIT */
/* objects.h, without ruche: what the processor and the kernel alone take. */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crew.h"
#include "measure.h"
#include "objects.h"
#include "relay.h"

enum { SAMPLES_MAX = 1000000 };

/* ---- a lock: two atomic instructions, and nobody who would wait ---------------------------- */

struct counting {
	_Atomic uint32_t *lock;
	volatile int64_t *counter;
	long count;
	bool is_atomic;
};

static void count_up(struct crew *crew, const void *context)
{
	const struct counting *counting = context;

	crew_ready(crew);
	for (long i = 0; i < counting->count; i++) {
		uint32_t unlocked = 0;

		if (counting->is_atomic) {
			atomic_fetch_add((_Atomic int64_t *)counting->counter, 1);
			continue;
		}
		atomic_compare_exchange_strong(counting->lock, &unlocked, 1);
		*counting->counter = *counting->counter + 1;
		atomic_exchange(counting->lock, 0);
	}
	crew_done(crew);
}

void objects_lock(const struct measure_args *args)
{
	struct counting counting = {.count = measure_number(args, "count", 1000000),
		.is_atomic = measure_number(args, "atomic", 0) != 0};
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct measure measure;
	struct crew crew;

	if (memory == MAP_FAILED)
		measure_fail("mmap", -errno);
	if (measure_number(args, "processes", 1) != 1)
		measure_skip("nobody waits for this lock");
	counting.lock = memory;
	counting.counter = (int64_t *)memory + 256;
	crew_start(&crew, 1, count_up, &counting);
	measure_init(&measure, args);
	measure_watch(&measure, MEASURE_CLIENT, crew.pids[0]);
	crew_run(&crew, &measure);
	crew_end(&crew);
	measure_print_each(&measure, counting.count);
}

/* ---- a pipe: a socket, and a system call for each thing that is done ------------------------- */

struct chatting {
	int ends[2];
	long count;
};

static void reply_to_all(struct crew *crew, const void *context)
{
	const struct chatting *chatting = context;
	int64_t number;

	crew_ready(crew);
	for (long i = 0; i < chatting->count; i++) {
		relay_read(chatting->ends[1], &number, sizeof(number));
		relay_write(chatting->ends[1], &number, sizeof(number));
	}
	crew_done(crew);
}

static void chat(int end, long count, double *took)
{
	for (int64_t i = 0; i < count; i++) {
		double start = measure_now();
		int64_t number = i;

		relay_write(end, &number, sizeof(number));
		relay_read(end, &number, sizeof(number));
		took[i] = measure_now() - start;
	}
}

void objects_pipe(const struct measure_args *args)
{
	static double took[SAMPLES_MAX];
	struct chatting chatting = {.count = measure_number(args, "count", 20000)};
	struct measure measure;
	struct crew crew;

	if (chatting.count > SAMPLES_MAX)
		measure_fail("too many messages", 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, chatting.ends) < 0)
		measure_fail("socketpair", -errno);
	crew_start(&crew, 1, reply_to_all, &chatting);
	crew_await(&crew);
	measure_init(&measure, args);
	measure_watch(&measure, MEASURE_CLIENT, getpid());
	measure_watch(&measure, MEASURE_CLIENT, crew.pids[0]);
	crew_go(&crew);
	measure_begin(&measure);
	chat(chatting.ends[0], chatting.count, took);
	measure_end(&measure);
	crew_await(&crew);
	crew_end(&crew);
	measure_print_times(&measure, took, (size_t)chatting.count);
}
