/* SPDX-License-Identifier: MIT */

/* The tasks that a client sends, what workers make of them, and the check of the answers. */

#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 200

/* With payloads a few are enough, and of large ones one for each of two workers. */
#define WARM_UP_ECHO 8
#define WARM_UP_LARGE 2
#define LARGE (256 << 10)

static _Noreturn void die_of_ours(const char *what)
{
	errno = 0;
	peer_die(what);
}

/* ---- functions -------------------------------------------------------------------------- */

static int64_t number_at(struct bytes task, size_t index)
{
	int64_t number;

	if (task.size < (index + 1) * sizeof number)
		die_of_ours("a task is too short");
	memcpy(&number, (const char *)task.data + index * sizeof number, sizeof number);
	return number;
}

static void answer_number(struct answer *answer, int64_t number)
{
	answer->number = number;
	answer->bytes = (struct bytes){&answer->number, sizeof answer->number};
}

static void square(struct bytes task, struct answer *answer)
{
	int64_t n = number_at(task, 0);

	answer_number(answer, n * n);
}

static void echo(struct bytes task, struct answer *answer)
{
	answer->bytes = task;
}

/* By trial division, as slow as the one in contrib/plugins/tutorial.c. */
static bool is_prime(uint64_t n)
{
	if (n < 2)
		return false;
	for (uint64_t d = 2; d <= n / d; d++)
		if (n % d == 0)
			return false;
	return true;
}

static void primes(struct bytes task, struct answer *answer)
{
	int64_t count = 0;

	for (int64_t n = number_at(task, 0), hi = number_at(task, 1); n < hi; n++)
		count += is_prime((uint64_t)n);
	answer_number(answer, count);
}

static const struct {
	const char *name;
	void (*run)(struct bytes task, struct answer *answer);
} functions[] = {
	[FUNCTION_SQUARE] = {"square", square},
	[FUNCTION_ECHO] = {"echo", echo},
	[FUNCTION_PRIMES] = {"primes", primes},
};

enum function function_of(const struct peer_args *args)
{
	if (strcmp(args->workload, "echo") == 0)
		return FUNCTION_ECHO;
	if (strcmp(args->workload, "primes") == 0)
		return FUNCTION_PRIMES;
	return FUNCTION_SQUARE;
}

const char *function_name(enum function function)
{
	return functions[function].name;
}

void function_run(enum function function, struct bytes task, struct answer *ret_answer)
{
	functions[function].run(task, ret_answer);
}

/* ---- feeds ------------------------------------------------------------------------------ */

/* Bytes that do not compress and are not all the same, should anybody on the way look. */
static struct bytes new_payload(size_t size)
{
	unsigned char *data = malloc(size + 1);
	uint64_t state = 88172645463325252u;

	if (data == NULL)
		die_of_ours("out of memory");
	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		data[i] = (unsigned char)(state >> 56);
	}
	return (struct bytes){data, size};
}

static long task_count(const struct peer_args *args)
{
	if (strcmp(args->workload, "one") == 0)
		return args->calls;
	if (strcmp(args->workload, "echo") == 0)
		return args->count;
	if (strcmp(args->workload, "primes") == 0)
		return (args->hi - args->lo + args->chunk - 1) / args->chunk;
	return strcmp(args->workload, "startup") == 0 ? 1 : args->tasks;
}

void feed_init(struct feed *feed, const struct peer_args *args)
{
	*feed = (struct feed){
		.function = function_of(args),
		.left = task_count(args),
		.limit = args->outstanding > 0 ? args->outstanding : LONG_MAX,
		.next = args->lo,
		.hi = args->hi,
		.chunk = args->chunk,
	};
	if (feed->function == FUNCTION_ECHO)
		feed->payload = new_payload((size_t)args->bytes);
}

static long warm_up_count(const struct feed *feed)
{
	if (feed->function != FUNCTION_ECHO)
		return WARM_UP;
	return feed->payload.size > LARGE ? WARM_UP_LARGE : WARM_UP_ECHO;
}

void feed_init_warm_up(struct feed *feed, const struct peer_args *args)
{
	feed_init(feed, args);
	feed->left = warm_up_count(feed);
	feed->chunk = 1;
	feed->hi = feed->next + feed->left;
	feed->compares = true;
}

void feed_fini(struct feed *feed)
{
	free((void *)feed->payload.data);
	free(feed->latencies);
}

static struct bytes next_number(struct feed *feed)
{
	feed->numbers[0] = feed->next++;
	feed->sum_expected += feed->numbers[0] * feed->numbers[0];
	return (struct bytes){feed->numbers, sizeof feed->numbers[0]};
}

static struct bytes next_range(struct feed *feed)
{
	feed->numbers[0] = feed->next;
	feed->next = feed->next + feed->chunk < feed->hi ? feed->next + feed->chunk : feed->hi;
	feed->numbers[1] = feed->next;
	return (struct bytes){feed->numbers, sizeof feed->numbers};
}

bool feed_next(struct feed *feed, struct bytes *ret_task)
{
	if (feed->left == 0 || feed->in_flight >= feed->limit)
		return false;
	feed->left--;
	feed->in_flight++;
	if (feed->function == FUNCTION_ECHO)
		*ret_task = feed->payload;
	else if (feed->function == FUNCTION_PRIMES)
		*ret_task = next_range(feed);
	else
		*ret_task = next_number(feed);
	if (feed->latencies != NULL)
		feed->sent_at = cost_clock();
	return true;
}

static void check_echo(const struct feed *feed, struct bytes answer)
{
	if (answer.size != feed->payload.size)
		die_of_ours("an answer has another size");
	if (feed->compares && memcmp(answer.data, feed->payload.data, answer.size) != 0)
		die_of_ours("an answer is not what was sent");
}

/* Latencies are kept from the end of their array to its beginning: `left` counts down. */
void feed_answer(struct feed *feed, struct bytes answer)
{
	if (feed->latencies != NULL)
		feed->latencies[feed->left] = cost_clock() - feed->sent_at;
	feed->in_flight--;
	if (feed->function == FUNCTION_ECHO)
		check_echo(feed, answer);
	else
		feed->sum += number_at(answer, 0);
	if (feed->function == FUNCTION_SQUARE && feed_is_done(feed) &&
		feed->sum != feed->sum_expected)
		die_of_ours("the squares are wrong");
}

bool feed_is_done(const struct feed *feed)
{
	return feed->left == 0 && feed->in_flight == 0;
}
