/* SPDX-License-Identifier: MIT */

/*
 * The example plugin: the functions that tutorials of Python's multiprocessing.Pool use.
 * Copy this file to begin one of your own; ruche-plugin(3) is the reference.
 *
 *	cc -O2 -Wall -shared -fPIC $(pkg-config --cflags ruche) tutorial.c -o tutorial.so
 *	ruched --plugin ./tutorial.so
 *	ruche call cube 3
 *
 * Each function here is a plain C function that gets its arguments from the task, and
 * ends with one ruche_return_...() or, if it cannot do what it was asked, with one
 * ruche_fail().  Nothing is to be freed: what a task lends is taken back when it ends.
 */

#include <ruche/plugin.h>

#include <errno.h>
#include <time.h>

/* ---- integers of any size up to 128 bits ------------------------------------------ */

/*
 * A getter that fails has set the answer already, with a message that names the
 * parameter: return -1 and that is all.  The result travels in as many bits as it needs.
 */
static int square(struct ruche_task *task)
{
	__int128 n, result;

	if (ruche_arg_int128(task, 0, &n) < 0)
		return -1;
	if (__builtin_mul_overflow(n, n, &result))
		return ruche_fail(task, "the square does not fit in 128 bits");
	return ruche_return_int128(task, result);
}

static int cube(struct ruche_task *task)
{
	__int128 n, result;

	if (ruche_arg_int128(task, 0, &n) < 0)
		return -1;
	if (__builtin_mul_overflow(n, n, &result) || __builtin_mul_overflow(result, n, &result))
		return ruche_fail(task, "the cube does not fit in 128 bits");
	return ruche_return_int128(task, result);
}

/* ---- work for a processor ----------------------------------------------------------- */

/* By trial division: slow on purpose, as it is the work that the pool is to share out. */
static bool is_prime(uint64_t n)
{
	if (n < 2)
		return false;
	for (uint64_t d = 2; d <= n / d; d++)
		if (n % d == 0)
			return false;
	return true;
}

/*
 * How many primes p there are with lo <= p < hi.  A function that may run for long asks
 * ruche_should_stop() now and then, which costs next to nothing; whoever cancels the
 * task then need not have the worker killed.
 */
static int primes_count(struct ruche_task *task)
{
	int64_t lo, hi, count = 0;

	if (ruche_arg_int64(task, 0, &lo) < 0 || ruche_arg_int64(task, 1, &hi) < 0)
		return -1;
	if (lo < 0)
		lo = 0;
	for (int64_t n = lo; n < hi; n++) {
		if (ruche_should_stop(task))
			return -1;
		if (is_prime((uint64_t)n))
			count++;
	}
	return ruche_return_int64(task, count);
}

/* The sum of i * i for 0 <= i < n, one by one.  From n = 3810779 on it needs more than 64 bits. */
static int sum_squares(struct ruche_task *task)
{
	unsigned __int128 sum = 0;
	uint64_t n;

	if (ruche_arg_uint64(task, 0, &n) < 0)
		return -1;
	for (uint64_t i = 0; i < n; i++) {
		if (i % 65536 == 0 && ruche_should_stop(task))
			return -1;
		if (__builtin_add_overflow(sum, (unsigned __int128)i * i, &sum) || sum >> 127 != 0)
			return ruche_fail(task, "the sum does not fit in 128 bits");
	}
	return ruche_return_int128(task, (__int128)sum);
}

/* ---- waiting, and any value ----------------------------------------------------------- */

/* As long as any clock will run; more would not fit in a time_t on every system. */
#define FOREVER 1e9

/*
 * Sleeps for `s` seconds.  A system call that blocks ends with EINTR when the task is to be
 * stopped; and it may do so for another reason, hence the loop.
 */
static int sleep_for(struct ruche_task *task)
{
	struct timespec left;
	double seconds;

	if (ruche_arg_double(task, 0, &seconds) < 0)
		return -1;
	if (!(seconds >= 0))
		return ruche_refuse(task, "s must be a number that is not negative");
	if (seconds > FOREVER)
		seconds = FOREVER;
	left.tv_sec = (time_t)seconds;
	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) < 0) {
		if (errno != EINTR)
			return ruche_fail(task, "cannot sleep");
		if (ruche_should_stop(task))
			return -1;
	}
	return ruche_return_nil(task);
}

/* Returns what it is given, whatever that is. */
static int echo(struct ruche_task *task)
{
	return ruche_return_object(task, ruche_arg(task, 0));
}

/* ---- what the plugin offers ------------------------------------------------------------ */

/*
 * One row a function: the name that callers use, the C function, its parameters (so
 * their number has been checked when it runs), and a line for `ruche functions`.
 */
static const struct ruche_function functions[] = {
	{.name = "cube", .run = cube, .params = "n", .summary = "n to the third"},
	{.name = "square", .run = square, .params = "n", .summary = "n times n"},
	{.name = "primes.count",
		.run = primes_count,
		.params = "lo hi",
		.summary = "how many primes there are from lo to below hi"},
	{.name = "sum_squares",
		.run = sum_squares,
		.params = "n",
		.summary = "the sum of i * i for i from 0 to below n"},
	{.name = "sleep", .run = sleep_for, .params = "s", .summary = "wait for s seconds"},
	{.name = "echo", .run = echo, .params = "x", .summary = "x itself"},
	{0},
};

/* The one symbol that is looked for in the file. */
RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "tutorial",
	.functions = functions,
};
