/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ruche/objects.h>

#include "crew.h"
#include "hive.h"

enum { SAMPLES_MAX = 1000000, ITEM_MIN = 8, ITEM_MAX = 255, BATCH_MAX = 65535 };

static void expect(int r, const char *what)
{
	if (r < 0)
		measure_fail(what, r);
}

static void watch_crew(struct measure *measure, const struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		measure_watch(measure, MEASURE_CLIENT, crew->pids[i]);
}

/* ---- a shared value ------------------------------------------------------------------------- */

struct counting {
	const struct hive *hive;
	long count, processes;
	bool is_atomic;
};

static struct ruche_value *open_counter(struct ruche *ruche)
{
	struct ruche_value *value;

	expect(ruche_value_open(ruche, &value, "counter", RUCHE_INT64, 1, NULL, NULL),
		"ruche_value_open");
	return value;
}

static void increment(struct ruche_value *value, long count)
{
	volatile int64_t *counter = ruche_value_data(value);

	for (long i = 0; i < count; i++) {
		expect(ruche_value_lock(value, -1), "ruche_value_lock");
		*counter = *counter + 1;
		expect(ruche_value_unlock(value), "ruche_value_unlock");
	}
}

static void add(struct ruche_value *value, long count)
{
	for (long i = 0; i < count; i++)
		ruche_value_add(value, 0, 1);
}

static void count_up(struct crew *crew, const void *context)
{
	const struct counting *counting = context;
	struct ruche *ruche = hive_connect(counting->hive);
	struct ruche_value *value = open_counter(ruche);

	crew_ready(crew);
	(counting->is_atomic ? add : increment)(value, counting->count);
	crew_done(crew);
	ruche_value_close(value);
	ruche_close(ruche);
}

static void run_counting(
	const struct counting *counting, struct measure *measure, const struct measure_args *args)
{
	struct crew crew;

	crew_start(&crew, (size_t)counting->processes, count_up, counting);
	hive_watch(counting->hive, measure, args);
	watch_crew(measure, &crew);
	crew_run(&crew, measure);
	crew_end(&crew);
}

void objects_lock(const struct measure_args *args)
{
	struct hive hive;
	const struct counting counting = {&hive, measure_number(args, "count", 1000000),
		measure_number(args, "processes", 1), measure_number(args, "atomic", 0) != 0};
	long total = counting.count * counting.processes;
	struct ruche_value *value;
	struct measure measure;
	struct ruche *ruche;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	value = open_counter(ruche);
	run_counting(&counting, &measure, args);
	if (ruche_value_get(value, 0) != total)
		measure_fail("increments were lost", 0);
	measure_print_each(&measure, total);
	ruche_value_close(value);
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- a lock of the daemon ---------------------------------------------------------------------- */

void objects_acquire(const struct measure_args *args)
{
	long count = measure_number(args, "count", 10000);
	struct ruche_object *lock;
	struct measure measure;
	struct ruche *ruche;
	struct hive hive;

	hive_start(&hive, args);
	ruche = hive_connect(&hive);
	expect(ruche_object_open(ruche, &lock, RUCHE_LOCK, "lock", NULL), "ruche_object_open");
	hive_watch(&hive, &measure, args);
	measure_begin(&measure);
	for (long i = 0; i < count; i++) {
		expect(ruche_acquire(lock, -1), "ruche_acquire");
		expect(ruche_release(lock), "ruche_release");
	}
	measure_end(&measure);
	measure_print_each(&measure, count);
	ruche_object_close(lock);
	ruche_close(ruche);
	hive_stop(&hive);
}

/* ---- a queue ------------------------------------------------------------------------------------ */

/* Items are bytes that begin with their number, so that the consumer sees that none is missing. */
struct passing {
	const struct hive *hive;
	struct ruche *ruche;
	struct ruche_object *queue;
	long count;
	size_t bytes, batch, ahead;
};

static void open_queue(struct passing *passing)
{
	passing->ruche = hive_connect(passing->hive);
	expect(ruche_object_open(passing->ruche, &passing->queue, RUCHE_QUEUE, "queue", NULL),
		"ruche_object_open");
}

static void close_queue(struct passing *passing)
{
	ruche_object_close(passing->queue);
	ruche_close(passing->ruche);
}

static void check_item(const void *item, size_t len, const struct passing *passing, int64_t number)
{
	if (len != passing->bytes || memcmp(item, &number, sizeof(number)) != 0)
		measure_fail("an item is missing, or another one", 0);
}

static void put_singly(const struct passing *passing)
{
	char item[ITEM_MAX] = "";

	for (int64_t i = 0; i < passing->count; i++) {
		memcpy(item, &i, sizeof(i));
		expect(ruche_queue_put(passing->queue, -1, "y", item, passing->bytes),
			"ruche_queue_put");
	}
}

static void get_singly(const struct passing *passing)
{
	struct ruche_reply *reply;
	const char *item;
	size_t len;

	for (int64_t i = 0; i < passing->count; i++) {
		expect(ruche_queue_get(passing->queue, -1, &reply), "ruche_queue_get");
		expect(ruche_reply_bytes(reply, &item, &len), "ruche_reply_bytes");
		check_item(item, len, passing, i);
		ruche_reply_free(reply);
	}
}

/* An array of 16 bits, of `count` bin of 8 bits. */
static size_t pack_batch(const struct passing *passing, int64_t first, size_t count, uint8_t *to)
{
	uint8_t *at = to;

	*at++ = 0xdc;
	*at++ = (uint8_t)(count >> 8);
	*at++ = (uint8_t)count;
	for (size_t i = 0; i < count; i++, at += passing->bytes) {
		int64_t number = first + (int64_t)i;

		*at++ = 0xc4;
		*at++ = (uint8_t)passing->bytes;
		memcpy(at, &number, sizeof(number));
	}
	return (size_t)(at - to);
}

static void put_batches(const struct passing *passing)
{
	uint8_t *packed = calloc(1, 3 + passing->batch * (2 + passing->bytes));

	if (packed == NULL)
		measure_fail("no memory", 0);
	for (int64_t i = 0; i < passing->count;) {
		size_t left = (size_t)(passing->count - i), went_in;
		size_t count = left < passing->batch ? left : passing->batch;
		size_t len = pack_batch(passing, i, count, packed);

		expect(ruche_queue_put_many(passing->queue, -1, packed, len, &went_in),
			"ruche_queue_put_many");
		i += (int64_t)went_in;
	}
	free(packed);
}

/* How many are in an array; *at is moved behind its head. */
static size_t read_count(const uint8_t **at)
{
	const uint8_t *head = *at;
	size_t len = head[0] == 0xdd ? 5 : head[0] == 0xdc ? 3 : 1;
	size_t count = len == 1 ? head[0] & 0x0f : 0;

	for (size_t i = 1; i < len; i++)
		count = count << 8 | head[i];
	*at += len;
	return count;
}

static size_t check_batch(
	const struct passing *passing, const struct ruche_reply *reply, int64_t first)
{
	const uint8_t *at;
	size_t len, count;

	expect(ruche_reply_packed(reply, (const void **)&at, &len), "ruche_reply_packed");
	count = read_count(&at);
	for (size_t i = 0; i < count; i++, at += 2 + passing->bytes)
		check_item(at + 2, at[1], passing, first + (int64_t)i);
	return count;
}

static void get_batches(const struct passing *passing)
{
	struct ruche_reply *reply;

	for (int64_t i = 0; i < passing->count;) {
		expect(ruche_queue_get_many(passing->queue, passing->batch, -1, &reply),
			"ruche_queue_get_many");
		i += (int64_t)check_batch(passing, reply, i);
		ruche_reply_free(reply);
	}
}

/* The answer to the oldest request, which they come in the order of. */
static struct ruche_reply *take_reply(struct ruche *ruche)
{
	struct ruche_reply *reply;

	expect(ruche_wait(ruche, 0, -1, &reply), "ruche_wait");
	if (ruche_reply_code(reply) != RUCHE_OK)
		measure_fail(ruche_reply_error(reply)->message, 0);
	return reply;
}

static void put_ahead(const struct passing *passing)
{
	char item[ITEM_MAX] = "";
	uint32_t id;

	for (int64_t i = 0; i < passing->count; i++) {
		memcpy(item, &i, sizeof(i));
		expect(ruche_submit(passing->ruche, &id, "ruche.queue.put", "sy", "queue", item,
			       passing->bytes),
			"ruche_submit");
		while (ruche_pending(passing->ruche) >= passing->ahead)
			ruche_reply_free(take_reply(passing->ruche));
	}
	while (ruche_pending(passing->ruche) > 0)
		ruche_reply_free(take_reply(passing->ruche));
}

static void get_ahead(const struct passing *passing)
{
	int64_t asked = 0;
	uint32_t id;

	for (int64_t i = 0; i < passing->count; i++) {
		struct ruche_reply *reply;
		const char *item;
		size_t len;

		for (; asked < passing->count && asked < i + (int64_t)passing->ahead; asked++)
			expect(ruche_submit(passing->ruche, &id, "ruche.queue.get", "s", "queue"),
				"ruche_submit");
		reply = take_reply(passing->ruche);
		expect(ruche_reply_bytes(reply, &item, &len), "ruche_reply_bytes");
		check_item(item, len, passing, i);
		ruche_reply_free(reply);
	}
}

static void produce(struct crew *crew, const void *context)
{
	struct passing passing = *(const struct passing *)context;

	open_queue(&passing);
	crew_ready(crew);
	(passing.batch > 1 ? put_batches : passing.ahead > 1 ? put_ahead : put_singly)(&passing);
	crew_done(crew);
	close_queue(&passing);
}

static void run_passing(
	struct passing *passing, struct measure *measure, const struct measure_args *args)
{
	struct crew crew;

	crew_start(&crew, 1, produce, passing);
	open_queue(passing);
	hive_watch(passing->hive, measure, args);
	watch_crew(measure, &crew);
	crew_await(&crew);
	measure_begin(measure);
	crew_go(&crew);
	(passing->batch > 1 ? get_batches : passing->ahead > 1 ? get_ahead : get_singly)(passing);
	measure_end(measure);
	crew_await(&crew);
	crew_end(&crew);
	close_queue(passing);
}

void objects_queue(const struct measure_args *args)
{
	struct hive hive;
	struct passing passing = {.hive = &hive,
		.count = measure_number(args, "count", 100000),
		.bytes = (size_t)measure_number(args, "bytes", 100),
		.batch = (size_t)measure_number(args, "batch", 1),
		.ahead = (size_t)measure_number(args, "ahead", 1)};
	struct measure measure;

	if (passing.bytes < ITEM_MIN || passing.bytes > ITEM_MAX || passing.batch > BATCH_MAX)
		measure_fail("items of 8 to 255 bytes, in batches of up to 65535", 0);
	hive_start(&hive, args);
	run_passing(&passing, &measure, args);
	measure_print(
		&measure, (struct measure_figure[]){
				  {"rate", (double)passing.count / measure.seconds}, {NULL, 0}});
	hive_stop(&hive);
}

/* ---- a pipe -------------------------------------------------------------------------------------- */

struct chatting {
	const struct hive *hive;
	long count;
};

static struct ruche_pipe *open_end(struct ruche *ruche, int end)
{
	struct ruche_pipe *pipe;

	expect(ruche_pipe_open(ruche, &pipe, "pipe", end, NULL), "ruche_pipe_open");
	return pipe;
}

static int64_t receive_number(struct ruche_pipe *pipe)
{
	struct ruche_reply *reply;
	int64_t number;

	expect(ruche_pipe_receive(pipe, -1, &reply), "ruche_pipe_receive");
	expect(ruche_reply_int64(reply, &number), "ruche_reply_int64");
	ruche_reply_free(reply);
	return number;
}

static void reply_to_all(struct crew *crew, const void *context)
{
	const struct chatting *chatting = context;
	struct ruche *ruche = hive_connect(chatting->hive);
	struct ruche_pipe *pipe = open_end(ruche, 1);

	crew_ready(crew);
	for (long i = 0; i < chatting->count; i++)
		expect(ruche_pipe_send(pipe, -1, "i", receive_number(pipe)), "ruche_pipe_send");
	crew_done(crew);
	ruche_pipe_close(pipe);
	ruche_close(ruche);
}

static void chat(struct ruche_pipe *pipe, long count, double *took)
{
	for (int64_t i = 0; i < count; i++) {
		double start = measure_now();

		expect(ruche_pipe_send(pipe, -1, "i", i), "ruche_pipe_send");
		if (receive_number(pipe) != i)
			measure_fail("another message", 0);
		took[i] = measure_now() - start;
	}
}

static void run_chatting(const struct chatting *chatting, struct measure *measure, double *took,
	const struct measure_args *args)
{
	struct ruche_pipe *pipe;
	struct ruche *ruche;
	struct crew crew;

	crew_start(&crew, 1, reply_to_all, chatting);
	ruche = hive_connect(chatting->hive);
	pipe = open_end(ruche, 0);
	hive_watch(chatting->hive, measure, args);
	watch_crew(measure, &crew);
	crew_await(&crew);
	crew_go(&crew);
	measure_begin(measure);
	chat(pipe, chatting->count, took);
	measure_end(measure);
	crew_await(&crew);
	crew_end(&crew);
	ruche_pipe_close(pipe);
	ruche_close(ruche);
}

void objects_pipe(const struct measure_args *args)
{
	static double took[SAMPLES_MAX];
	struct hive hive;
	const struct chatting chatting = {&hive, measure_number(args, "count", 20000)};
	size_t count = (size_t)chatting.count;
	struct measure measure;

	if (count > SAMPLES_MAX)
		measure_fail("too many messages", 0);
	hive_start(&hive, args);
	run_chatting(&chatting, &measure, took, args);
	measure_print(
		&measure, (struct measure_figure[]){{"p50", measure_percentile(took, count, 0.5)},
				  {"p99", measure_percentile(took, count, 0.99)}, {NULL, 0}});
	hive_stop(&hive);
}
