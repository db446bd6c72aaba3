/* SPDX-License-Identifier: MIT */
/* deaths.h: queues and pipes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deaths.h"

enum { MANY = 8, PACKED = 16, LARGE = 100000 };

/* ---- an item: its producer, that one's number, and its own ------------------------------------------- */

struct triple {
	uint32_t producer, number, item;
};

static void pack_uint(uint8_t *at, uint32_t value)
{
	const uint8_t packed[] = {0xce, (uint8_t)(value >> 24), (uint8_t)(value >> 16),
		(uint8_t)(value >> 8), (uint8_t)value};

	memcpy(at, packed, sizeof(packed));
}

static void pack(uint8_t at[PACKED], const struct triple *triple)
{
	at[0] = 0x93;
	pack_uint(at + 1, triple->producer);
	pack_uint(at + 6, triple->number);
	pack_uint(at + 11, triple->item);
}

static uint32_t unpack_uint(const uint8_t *at)
{
	return (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4];
}

static struct triple unpack(const uint8_t *at)
{
	if (at[0] != 0x93 || at[1] != 0xce || at[6] != 0xce || at[11] != 0xce)
		fail("an item is not what was put", 0);
	return (struct triple){unpack_uint(at + 1), unpack_uint(at + 6), unpack_uint(at + 11)};
}

/* A reply that is an item (`count` 0: room for one), or an array of up to `count`.  How many; frees it. */
static size_t take_items(struct ruche_reply *reply, size_t count, struct triple *ret)
{
	size_t many = count > 0, len, n;
	const void *data;
	const uint8_t *at;

	must("unpack", ruche_reply_packed(reply, &data, &len));
	at = data;
	n = many ? at[0] & 0x0f : 1;
	if (len != many + n * PACKED || n == 0 || n > MANY || (many && n > count))
		fail("these are no items", 0);
	for (size_t i = 0; i < n; i++)
		ret[i] = unpack(at + many + i * PACKED);
	ruche_reply_free(reply);
	return n;
}

static struct item *item_of(const struct triple *triple)
{
	struct item *item;

	if (triple->item >= ITEMS)
		fail("an item that nobody has put", 0);
	item = &board->items[triple->item];
	if (atomic_load(&item->refused))
		fail("an item that was refused", 0);
	return item;
}

/* ---- opening -------------------------------------------------------------------------------------------- */

static void open_queue(struct ruche_object **ret, const char *name)
{
	const struct ruche_object_options options = {.maxsize = 16};

	if (*ret == NULL)
		must("open a queue",
			ruche_object_open(self.ruche, ret, RUCHE_QUEUE, name, &options));
}

void open_queues(void)
{
	open_queue(&self.line, "line");
	open_queue(&self.acked, "acked");
	open_queue(&self.plain, "plain");
}

/* ---- putting ---------------------------------------------------------------------------------------------- */

static struct triple new_item(void)
{
	struct triple triple = {self.serial, self.line_number + 1, 0};

	triple.item = atomic_fetch_add(&board->next_item, 1);
	if (triple.item >= ITEMS)
		fail("the board is full", 0);
	return triple;
}

/* Room comes, since there are readers; if it need not, it may be refused. */
static bool put(struct ruche_object *queue, const struct triple *triple)
{
	struct item *item = &board->items[triple->item];
	int timeout_ms = at_random(4) ? PATIENCE_MS : 0;
	uint8_t packed[PACKED];
	int r;

	pack(packed, triple);
	r = ruche_queue_put_packed(queue, timeout_ms, packed, PACKED);
	if ((r == -EAGAIN && timeout_ms == 0) || (r == -EPIPE && atomic_load(&board->stop))) {
		atomic_store(&item->refused, 1);
		return false;
	}
	must("put", r);
	atomic_store(&item->put, 1);
	return true;
}

static void put_in_line(const struct triple *triple)
{
	if (!put(self.line, triple))
		return;
	self.line_number++;
	atomic_store(&board->line_put[self.serial], self.line_number);
}

/* Several at once: those that went in are the first. */
static void put_many_in_line(void)
{
	int timeout_ms = at_random(2) ? PATIENCE_MS : 0, r;
	uint8_t packed[1 + MANY * PACKED] = {0x90 | MANY};
	size_t count = 0;

	for (uint32_t i = 0; i < MANY; i++) {
		struct triple triple = new_item();

		triple.number += i;
		pack(packed + 1 + i * PACKED, &triple);
	}
	r = ruche_queue_put_many(self.line, timeout_ms, packed, sizeof(packed), &count);
	if (r < 0 && !(r == -EAGAIN && timeout_ms == 0) && !atomic_load(&board->stop))
		fail("put many", r);
	if (r == 0 && count != MANY)
		fail("not all were put", 0);
	self.line_number += (unsigned int)count;
	atomic_store(&board->line_put[self.serial], self.line_number);
}

void round_put(void)
{
	struct triple triple = new_item();

	open_queues();
	set_phase(PUTTING);
	switch (at_random(4)) {
	case 0:
		put_in_line(&triple);
		break;
	case 1:
		put_many_in_line();
		break;
	case 2:
		put(self.acked, &triple);
		break;
	default:
		put(self.plain, &triple);
	}
	set_phase(BETWEEN);
}

/* ---- getting ------------------------------------------------------------------------------------------------ */

/* True: got; false: there was nothing. */
static bool has_got(int r, int timeout_ms)
{
	if (r == -EPIPE && atomic_load(&board->stop))
		return false;
	if (r == -ETIMEDOUT && timeout_ms < PATIENCE_MS)
		return false;
	must("get", r);
	return true;
}

/* One after the other, of each producer. */
void round_line(void)
{
	struct triple triples[MANY];
	struct ruche_reply *reply;
	size_t count;

	open_queues();
	if (!has_got(ruche_queue_get_many(self.line, MANY, PATIENCE_MS, &reply), PATIENCE_MS))
		return;
	count = take_items(reply, MANY, triples);
	for (size_t i = 0; i < count; i++) {
		atomic_store(&item_of(&triples[i])->got, 1);
		if (triples[i].producer >= SERIALS ||
			triples[i].number != board->line_got[triples[i].producer] + 1)
			fail("an item is out of line, lost or doubled", 0);
		board->line_got[triples[i].producer]++;
	}
}

/* Without acknowledgement. */
void round_get(unsigned int most)
{
	int timeout_ms = most > 1 ? PATIENCE_MS : 20, r;
	struct triple triples[MANY];
	struct ruche_reply *reply;
	size_t count;

	open_queues();
	set_phase(GETTING);
	r = most > 1 ? ruche_queue_get_many(self.plain, most, timeout_ms, &reply)
		     : ruche_queue_get(self.plain, timeout_ms, &reply);
	if (!has_got(r, timeout_ms))
		return;
	count = take_items(reply, most > 1 ? most : 0, triples);
	for (size_t i = 0; i < count; i++)
		if (atomic_exchange(&item_of(&triples[i])->got, 1))
			fail("an item came twice", 0);
	set_phase(BETWEEN);
	if (at_random(2))
		must("task_done", ruche_queue_task_done(self.plain, count));
}

static void settle(struct item *item, uint64_t token)
{
	if (at_random(8) == 0) {
		atomic_store(&item->holder, 0);
		must("give back", ruche_queue_give_back(self.acked, token));
		return;
	}
	atomic_store(&item->acking, 1);
	set_phase(ACKNOWLEDGING);
	must("acknowledge", ruche_queue_ack(self.acked, token));
	atomic_store(&item->acked, 1);
}

void round_get_acked(int timeout_ms)
{
	struct ruche_reply *reply;
	struct triple triple;
	struct item *item;
	unsigned int before;
	uint64_t token;

	open_queues();
	set_phase(GETTING_TO_ACK);
	if (!has_got(ruche_queue_get_ack(self.acked, timeout_ms, &token, &reply), timeout_ms))
		return;
	set_phase(HAVING);
	take_items(reply, 0, &triple);
	item = item_of(&triple);
	before = atomic_exchange(&item->holder, self.serial);
	if (before != 0 && !atomic_load(&board->doomed[before]))
		fail("two have the same item", 0);
	if (atomic_load(&item->acked))
		fail("an item comes again that was acknowledged", 0);
	nap(50);
	settle(item, token);
	set_phase(BETWEEN);
}

/* ---- pipes -------------------------------------------------------------------------------------------------- */

static void name_pipe(char ret[32], unsigned int serial)
{
	snprintf(ret, 32, "pipe %u", serial);
}

static int send_number(struct ruche_pipe *pipe, int64_t number)
{
	static char large[LARGE];

	return ruche_pipe_send(pipe, PATIENCE_MS, "iy", number, large,
		number % 8 == 0 ? sizeof(large) : (size_t)1);
}

/* [number, bytes] */
static int receive_number(struct ruche_pipe *pipe, int64_t *ret)
{
	struct ruche_reply *reply;
	const uint8_t *at;
	const void *data;
	size_t len;
	int r = ruche_pipe_receive(pipe, PATIENCE_MS, &reply);

	if (r < 0)
		return r;
	must("unpack", ruche_reply_packed(reply, &data, &len));
	at = data;
	if (len < 4 || at[0] != 0x92)
		fail("a message is not what was sent", 0);
	*ret = at[1] < 0x80    ? at[1]
	       : at[1] == 0xcc ? at[2]
	       : at[1] == 0xcd ? at[2] << 8 | at[3]
			       : -1;
	if ((len > LARGE) != (*ret % 8 == 0))
		fail("a message is longer or shorter than it was", 0);
	ruche_reply_free(reply);
	return 0;
}

void round_pipe(void)
{
	struct ruche_pipe *pipe;
	int64_t answer;
	char name[32];

	name_pipe(name, self.serial);
	set_phase(IN_PIPE);
	must("open a pipe", ruche_pipe_open(self.ruche, &pipe, name, 0, NULL));
	atomic_store(&board->slots[self.slot].pipe, self.serial);
	for (int64_t i = 1; i < 60000; i++) {
		must("send", send_number(pipe, i));
		must("receive", receive_number(pipe, &answer));
		if (answer != i)
			fail("the peer answers something else", 0);
	}
	fail("nobody has killed it", 0);
}

/* Until the other one has gone. */
static void answer_all(struct ruche_pipe *pipe)
{
	int64_t last = 0, number = 0;
	int r;

	while ((r = receive_number(pipe, &number)) == 0) {
		if (number != ++last)
			fail("a message was lost or doubled", 0);
		r = send_number(pipe, number);
		if (r < 0)
			break;
	}
	if (r != -EPIPE)
		fail("the other end has gone, and nobody says so", r);
}

void round_pipe_peer(void)
{
	const struct ruche_object_options options = {.existing = true};
	struct ruche_pipe *pipe;
	char name[32];
	int r;

	for (int slot = SURVIVORS; slot < SLOTS; slot++) {
		unsigned int serial = atomic_exchange(&board->slots[slot].pipe, 0);

		if (serial == 0)
			continue;
		name_pipe(name, serial);
		r = ruche_pipe_open(self.ruche, &pipe, name, 1, &options);
		if (r == -ENOENT && atomic_load(&board->doomed[serial]))
			continue;
		must("open the other end", r);
		answer_all(pipe);
		ruche_pipe_close(pipe);
	}
	nap(500);
}

/* ---- at the end ---------------------------------------------------------------------------------------------- */

void end_queues(void)
{
	open_queues();
	must("end", ruche_queue_end(self.line));
	must("end", ruche_queue_end(self.acked));
	must("end", ruche_queue_end(self.plain));
}

/* All that is there: nobody but us has it open any more. */
static void drain(void)
{
	struct ruche_reply *reply;
	struct triple triple;

	while (ruche_queue_get(self.plain, 0, &reply) == 0) {
		take_items(reply, 0, &triple);
		if (atomic_exchange(&item_of(&triple)->got, 1))
			fail("an item came twice", 0);
		must("task_done", ruche_queue_task_done(self.plain, 1));
	}
	while (ruche_queue_get(self.line, 0, &reply) == 0) {
		take_items(reply, 0, &triple);
		atomic_store(&item_of(&triple)->got, 1);
		if (triple.number != ++board->line_got[triple.producer])
			fail("an item is out of line, lost or doubled", 0);
	}
	for (size_t left = 1; left > 0;) {
		must("size", ruche_queue_size(self.acked, &left));
		if (left > 0)
			round_get_acked(0);
	}
}

/* What was put in `plain` is told from what was put in `acked` by nothing, so these two are one account. */
static void account(unsigned int *ret_lost, unsigned int *ret_unsure, unsigned int *ret_put)
{
	unsigned int count = atomic_load(&board->next_item);

	*ret_lost = *ret_unsure = *ret_put = 0;
	for (unsigned int i = 0; i < count; i++) {
		const struct item *item = &board->items[i];

		if (!item->put || item->refused)
			continue;
		++*ret_put;
		if (!item->got && !item->acked)
			++*(item->acking ? ret_unsure : ret_lost);
	}
}

void check_queues(const unsigned int killed[PHASES])
{
	unsigned int lost, unsure, put, lines = 0;

	drain();
	must("join", ruche_queue_join(self.plain, PATIENCE_MS));
	must("join", ruche_queue_join(self.acked, PATIENCE_MS));
	account(&lost, &unsure, &put);
	for (unsigned int i = 0; i < SERIALS; i++) {
		if (board->line_got[i] < board->line_put[i])
			fail("of what was put last, some was lost", 0);
		lines += board->line_got[i];
	}
	fprintf(stderr,
		"queues: %u in line, %u others; %u lost, %u unsure; killed: %u putting, %u "
		"getting, %u "
		"getting to acknowledge, %u having, %u acknowledging\n",
		lines, put, lost, unsure, killed[PUTTING], killed[GETTING], killed[GETTING_TO_ACK],
		killed[HAVING], killed[ACKNOWLEDGING]);
	if (lost > killed[GETTING])
		fail("items are lost", 0);
	if (unsure > killed[ACKNOWLEDGING])
		fail("items are lost that were about to be acknowledged", 0);
}
