/* SPDX-License-Identifier: MIT */

/*
 * What the programs in contrib/examples have done by processes and workers.  Like any function these get their
 * arguments from the task, see tutorial.c; and they use what daemon and programs share, a queue, a pipe, by its
 * name: ruche_open(NULL) in a task leads to the task's own daemon.
 *
 *	cc -O2 -Wall -shared -fPIC examples.c -o examples.so $(pkg-config --cflags --libs ruche)
 *
 * What a function leaves open when it fails is closed when its task ends.
 */

#include <ruche/objects.h>
#include <ruche/plugin.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- arguments and failures ----------------------------------------------------------- */

enum { NAME_SIZE = 256, TEXT_SIZE = 256 };

/* The name of an object: text of at most 255 bytes, NUL-terminated here. */
static int arg_name(struct ruche_task *task, size_t index, char name[NAME_SIZE])
{
	const char *text;
	size_t len;

	if (ruche_arg_bytes(task, index, &text, &len) < 0)
		return -1;
	if (len >= NAME_SIZE)
		return ruche_refuse(task, "a name has at most %d bytes", NAME_SIZE - 1);
	memcpy(name, text, len);
	name[len] = '\0';
	return 0;
}

/* The task fails with what the daemon says, or with the error's own words. */
static int fail_with(struct ruche_task *task, struct ruche *ruche, const char *what, int error)
{
	const struct ruche_error *said = ruche_last_error(ruche);

	ruche_fail(task, "%s: %s", what, said != NULL ? said->message : strerror(-error));
	ruche_close(ruche);
	return -1;
}

/* ---- processes.c: two processes with something to say ------------------------------------- */

static int wait_for_event(struct ruche_task *task, const char *name)
{
	struct ruche_object *event;
	struct ruche *ruche = NULL;
	int r = ruche_open(NULL, &ruche);

	if (r == 0)
		r = ruche_object_open(ruche, &event, RUCHE_EVENT, name, NULL);
	if (r == 0)
		r = ruche_event_wait(event, -1);
	if (r < 0)
		return fail_with(task, ruche, "cannot wait for the event", r);
	ruche_close(ruche); /* closes what it has open */
	return 0;
}

static int say_power(struct ruche_task *task, const char *power, int exponent)
{
	char event[NAME_SIZE], text[TEXT_SIZE];
	int64_t n, result = 1;

	if (ruche_arg_int64(task, 0, &n) < 0 || arg_name(task, 1, event) < 0)
		return -1;
	for (int i = 0; i < exponent; i++)
		if (__builtin_mul_overflow(result, n, &result))
			return ruche_fail(task, "the %s does not fit in 64 bits", power);
	if (wait_for_event(task, event) < 0)
		return -1;
	snprintf(text, sizeof(text), "process %d: the %s of %" PRId64 " is %" PRId64, (int)getpid(),
		power, n, result);
	return ruche_return_str(task, text);
}

static int cube(struct ruche_task *task)
{
	return say_power(task, "cube", 3);
}

static int square(struct ruche_task *task)
{
	return say_power(task, "square", 2);
}

/* ---- overlap.c and images.c: what takes its time -------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* -1: the task is to stop. */
static int rest(struct ruche_task *task, double seconds)
{
	struct timespec left = {(time_t)seconds, 0};

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) < 0)
		if (errno != EINTR || ruche_should_stop(task))
			return -1;
	return 0;
}

/* Takes `seconds`, and says when, counted from `since`. */
static int work(struct ruche_task *task)
{
	double seconds, since, start = now();
	char text[TEXT_SIZE];
	int64_t number;

	if (ruche_arg_int64(task, 0, &number) < 0 || ruche_arg_double(task, 1, &seconds) < 0 ||
		ruche_arg_double(task, 2, &since) < 0)
		return -1;
	if (!(seconds >= 0 && seconds <= 3600))
		return ruche_refuse(task, "seconds must be from 0 to 3600");
	if (rest(task, seconds) < 0)
		return -1;
	snprintf(text, sizeof(text), "worker %" PRId64 ", process %d: from %.2f s to %.2f s",
		number, (int)getpid(), start - since, now() - since);
	return ruche_return_str(task, text);
}

static int develop(struct ruche_task *task)
{
	int64_t image, ms;

	if (ruche_arg_int64(task, 0, &image) < 0 || ruche_arg_int64(task, 1, &ms) < 0)
		return -1;
	if (ms < 0 || ms > 3600000)
		return ruche_refuse(task, "ms must be from 0 to 3600000");
	if (rest(task, (double)ms / 1000) < 0)
		return -1;
	return ruche_return_int64(task, image);
}

/* ---- producer-consumer.c: the two ends of a queue ------------------------------------------- */

static int open_queue(struct ruche_task *task, struct ruche **ret, struct ruche_object **ret_queue)
{
	char name[NAME_SIZE];
	int r;

	*ret = NULL;
	*ret_queue = NULL;
	if (arg_name(task, 0, name) < 0)
		return -1;
	r = ruche_open(NULL, ret);
	if (r == 0)
		r = ruche_object_open(*ret, ret_queue, RUCHE_QUEUE, name, NULL);
	return r < 0 ? fail_with(task, *ret, "cannot open the queue", r) : 0;
}

static int produce(struct ruche_task *task)
{
	struct ruche_object *queue;
	struct ruche *ruche;
	char text[TEXT_SIZE];
	int64_t count;
	int r = 0;

	if (ruche_arg_int64(task, 1, &count) < 0 || open_queue(task, &ruche, &queue) < 0)
		return -1;
	for (int64_t i = 1; i <= count && r == 0; i++)
		r = ruche_queue_put(queue, -1, "i", i * i);
	if (r == 0)
		r = ruche_queue_end(queue);
	if (r < 0)
		return fail_with(task, ruche, "cannot put", r);
	ruche_close(ruche);
	snprintf(text, sizeof(text), "producer %d put %" PRId64, (int)getpid(), count);
	return ruche_return_str(task, text);
}

/* Adds the number that came, if there is room for it. */
static void note(char text[TEXT_SIZE], struct ruche_reply *item)
{
	size_t len = strlen(text);
	int64_t number = 0;

	ruche_reply_int64(item, &number);
	snprintf(text + len, TEXT_SIZE - len, " %" PRId64, number);
	ruche_reply_free(item);
}

static int consume(struct ruche_task *task)
{
	struct ruche_object *queue;
	struct ruche_reply *item;
	struct ruche *ruche;
	char text[TEXT_SIZE];
	int r;

	if (open_queue(task, &ruche, &queue) < 0)
		return -1;
	snprintf(text, sizeof(text), "consumer %d got", (int)getpid());
	while ((r = ruche_queue_get(queue, -1, &item)) == 0)
		note(text, item);
	if (r != -EPIPE) /* which says that it was ended, and is empty */
		return fail_with(task, ruche, "cannot get", r);
	ruche_close(ruche);
	return ruche_return_str(task, text);
}

/* ---- counter.c: a value that many change ----------------------------------------------------- */

/* Either with the lock, for any change that takes more than one step; 0 or a negative errno. */
static int add_with_lock(struct ruche_value *counter)
{
	int64_t *number = ruche_value_data(counter);
	int r = ruche_value_lock(counter, -1);

	if (r < 0)
		return r;
	*number = *number + 1;
	return ruche_value_unlock(counter);
}

/* Or, as it is an addition, without. */
static int add_atomically(struct ruche_value *counter)
{
	ruche_value_add(counter, 0, 1);
	return 0;
}

static int count_by(struct ruche_task *task, int (*add)(struct ruche_value *counter))
{
	struct ruche_value *counter = NULL;
	struct ruche *ruche = NULL;
	char name[NAME_SIZE];
	int64_t times;
	int r;

	if (arg_name(task, 0, name) < 0 || ruche_arg_int64(task, 1, &times) < 0)
		return -1;
	r = ruche_open(NULL, &ruche);
	if (r == 0)
		r = ruche_value_open(ruche, &counter, name, RUCHE_INT64, 1, NULL, NULL);
	for (int64_t i = 0; i < times && r == 0; i++)
		r = add(counter);
	ruche_value_close(counter);
	if (r < 0)
		return fail_with(task, ruche, "cannot count", r);
	ruche_close(ruche);
	return ruche_return_nil(task);
}

static int count(struct ruche_task *task)
{
	return count_by(task, add_with_lock);
}

static int count_atomic(struct ruche_task *task)
{
	return count_by(task, add_atomically);
}

/* ---- pipe.c: the other end ------------------------------------------------------------------- */

/* Sends what has come back in capitals. */
static int shout_back(struct ruche_pipe *pipe, struct ruche_reply *word)
{
	char text[TEXT_SIZE] = "";
	const char *bytes;
	size_t len;

	if (ruche_reply_bytes(word, &bytes, &len) < 0 || len >= sizeof(text))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)toupper((unsigned char)bytes[i]);
	return ruche_pipe_send(pipe, -1, "s", text);
}

/* Until the other end has gone: -EPIPE. */
static int shout_all(struct ruche_pipe *pipe, int *ret_words)
{
	struct ruche_reply *word;
	int r;

	while ((r = ruche_pipe_receive(pipe, -1, &word)) == 0) {
		r = shout_back(pipe, word);
		ruche_reply_free(word);
		if (r < 0)
			break;
		++*ret_words;
	}
	return r;
}

static int shout(struct ruche_task *task)
{
	char name[NAME_SIZE], text[TEXT_SIZE];
	struct ruche_pipe *pipe = NULL;
	struct ruche *ruche = NULL;
	int words = 0, r;

	if (arg_name(task, 0, name) < 0)
		return -1;
	r = ruche_open(NULL, &ruche);
	if (r == 0)
		r = ruche_pipe_open(ruche, &pipe, name, 1, NULL);
	if (r == 0)
		r = shout_all(pipe, &words);
	ruche_pipe_close(pipe);
	if (r != -EPIPE)
		return fail_with(task, ruche, "cannot talk", r);
	ruche_close(ruche);
	snprintf(text, sizeof(text), "child %d heard %d words", (int)getpid(), words);
	return ruche_return_str(task, text);
}

/* ---- what the plugin offers --------------------------------------------------------------- */

static const struct ruche_function functions[] = {
	{.name = "example.cube",
		.run = cube,
		.params = "n event",
		.summary = "waits for the event and says what the cube is"},
	{.name = "example.square",
		.run = square,
		.params = "n event",
		.summary = "waits for the event and says what the square is"},
	{.name = "example.work",
		.run = work,
		.params = "number seconds since",
		.summary = "takes its time and says when"},
	{.name = "example.develop",
		.run = develop,
		.params = "image ms",
		.summary = "the image, after a while"},
	{.name = "example.produce",
		.run = produce,
		.params = "queue count",
		.summary = "puts squares into a queue and ends it"},
	{.name = "example.consume",
		.run = consume,
		.params = "queue",
		.summary = "what a queue has until it is ended"},
	{.name = "example.count",
		.run = count,
		.params = "value times",
		.summary = "adds one to a shared value, with its lock"},
	{.name = "example.count_atomic",
		.run = count_atomic,
		.params = "value times",
		.summary = "adds one to a shared value, without"},
	{.name = "example.shout",
		.run = shout,
		.params = "pipe",
		.summary = "gives words back in capitals"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "examples",
	.functions = functions,
};
