/* SPDX-License-Identifier: MIT */
/*
 * Large values through libruche: they come back as they were sent, whether they travel in memory that is shared or in
 * messages.
 *
 *	large SOCKET WHAT [ECHO]
 *
 * WHAT is one of the tests at the end, ECHO the function that echoes.  Prints what it has found: "shared" or "in messages" for the values behind the
 * first, which must all go the same way.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ruche/objects.h>

enum { ALIGN = 64, PERIOD = 7 * 26, MANY = 200, MANY_SIZE = 100000 };

static struct ruche *ruche;
static const char *echoes = "echo";
static int repetitions = 80; /* more than there are lanes */
static int ways[2];          /* values that came in messages, and shared */

static void fail(const char *what)
{
	fprintf(stderr, "large: %s\n", what);
	exit(1);
}

static void expect(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "large: %s: %s\n", what, strerror(-r));
		exit(1);
	}
}

static char *make(size_t len, int seed)
{
	char *bytes = malloc(len + 1);

	if (bytes == NULL)
		fail("no memory");
	for (size_t i = 0; i < len && i < PERIOD; i++)
		bytes[i] = (char)('a' + (i / 7 + (size_t)seed) % 26);
	for (size_t done = PERIOD; done < len; done *= 2)
		memcpy(bytes + done, bytes, done < len - done ? done : len - done);
	bytes[len] = '\0';
	return bytes;
}

static void check_bytes(const struct ruche_reply *reply, const char *bytes, size_t len, bool count)
{
	const char *got;
	size_t got_len;

	if (ruche_reply_code(reply) != RUCHE_OK)
		fail(ruche_reply_error(reply)->message);
	if (ruche_reply_bytes(reply, &got, &got_len) < 0 || got_len != len ||
		memcmp(got, bytes, len) != 0)
		fail("what came back is not what was sent");
	if (count)
		ways[(uintptr_t)got % ALIGN == 0]++;
}

static void echo(const char *type, size_t len, int seed, bool count)
{
	struct ruche_reply *reply;
	char *bytes = make(len, seed);

	if (*type == 's')
		expect(ruche_call(ruche, &reply, echoes, "s", bytes), "echo");
	else
		expect(ruche_call(ruche, &reply, echoes, "y", bytes, len), "echo");
	check_bytes(reply, bytes, len, count);
	ruche_reply_free(reply);
	free(bytes);
}

static void tell(void)
{
	puts(ways[0] == 0 ? "shared" : ways[1] == 0 ? "in messages" : "both ways");
}

/* Around each limit, there and back; and more of them than there are lanes, one after the other. */
static void sizes(void)
{
	static const size_t all[] = {32768, 32769, 65536, 1048576 - 64, 1048576, 1048577, 5000000};

	echo("y", 32768, 0, false); /* this one asks for the memory */
	for (int i = 0; i < 7; i++) {
		echo("y", all[i], i, true);
		echo("s", all[i], i, true);
	}
	echo("y", 0, 0, false);
	echo("y", 32767, 0, false);
	for (int i = 0; i < MANY; i++)
		echo("y", MANY_SIZE, i, true);
	tell();
}

/* Without room for another descriptor, or for a large mapping. */
static void no_files(void)
{
	int next = dup(0);

	close(next);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, (rlim_t)next});
	sizes();
}

static void no_space(void)
{
	setrlimit(RLIMIT_AS, &(struct rlimit){400000000, 400000000});
	sizes();
}

/* Many open at a time: some find no lane. */
static void many(void)
{
	uint32_t ids[MANY];

	echo("y", MANY_SIZE, 0, false);
	for (int i = 0; i < MANY; i++) {
		char *bytes = make(MANY_SIZE, i);

		expect(ruche_submit(ruche, &ids[i], "echo", "y", bytes, (size_t)MANY_SIZE),
			"submit");
		free(bytes);
	}
	for (int i = MANY; i-- > 0;) {
		char *bytes = make(MANY_SIZE, i);
		struct ruche_reply *reply;

		expect(ruche_wait(ruche, ids[i], -1, &reply), "wait");
		check_bytes(reply, bytes, MANY_SIZE, true);
		ruche_reply_free(reply);
		free(bytes);
	}
	ways[0] = ways[1] = 0;
	echo("y", MANY_SIZE, 0, true);
	tell();
}

/* A reply outlives its connection. */
static void outlive(void)
{
	char *bytes = make(MANY_SIZE, 1);
	struct ruche_reply *reply;

	echo("y", MANY_SIZE, 0, false);
	expect(ruche_call(ruche, &reply, "echo", "y", bytes, (size_t)MANY_SIZE), "echo");
	ruche_close(ruche);
	ruche = NULL;
	check_bytes(reply, bytes, MANY_SIZE, true);
	ruche_reply_free(reply);
	free(bytes);
	tell();
}

static struct ruche_reply *call_big(const char *function)
{
	struct ruche_reply *reply;

	expect(ruche_call(ruche, &reply, function, "u", (uint64_t)MANY_SIZE), function);
	return reply;
}

static void check_big(const struct ruche_reply *reply)
{
	static char bytes[MANY_SIZE];

	memset(bytes, 'x', sizeof(bytes));
	check_bytes(reply, bytes, sizeof(bytes), true);
}

/* A worker that cannot write its answer has given it all the same. */
static void closes(void)
{
	struct ruche_reply *reply;

	echo("y", MANY_SIZE, 0, false);
	reply = call_big("test.big_close");
	echo("y", MANY_SIZE, 1, true);
	check_big(reply);
	ruche_reply_free(reply);
	tell();
}

/* What a copy of the client frees is still there. */
static void forks(void)
{
	struct ruche_reply *reply;
	pid_t pid;

	echo("y", MANY_SIZE, 0, false);
	reply = call_big("test.big");
	pid = fork();
	if (pid == 0) {
		ruche_reply_free(reply);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	echo("y", MANY_SIZE, 1, true);
	check_big(reply);
	ruche_reply_free(reply);
	tell();
}

/* More often than there are lanes, one after the other: what ends so takes none with it. */
static void repeat(const char *function, enum ruche_code code)
{
	echo("y", MANY_SIZE, 0, false);
	for (int i = 0; i < repetitions; i++) {
		struct ruche_reply *reply = call_big(function);

		if (ruche_reply_code(reply) != code)
			fail("it did not end as it should");
		if (code == RUCHE_OK)
			check_big(reply);
		ruche_reply_free(reply);
	}
	echo("y", MANY_SIZE, 0, true);
	tell();
}

/* A worker that dies with a result. */
static void crashes(void)
{
	repeat("test.big_kill", RUCHE_CRASHED);
}

/* A function that has two results, and then fails. */
static void failures(void)
{
	repeat("test.big_fail", RUCHE_FAILED);
}

/* A function that has a result and a byte behind it. */
static void strays(void)
{
	repeat("test.stray", RUCHE_FAILED);
}

/* A copy of a worker has a result as well. */
static void copies(void)
{
	repeat("test.big_fork", RUCHE_OK);
}

/* Tasks that have an id are not bound to this connection: nothing of them is shared. */
static void tasks(void)
{
	char *bytes = make(MANY_SIZE, 3);
	struct ruche_options options = {.key = "large"};
	struct ruche_reply *reply;

	echo("y", MANY_SIZE, 0, false);
	expect(ruche_apply(ruche, &reply, &options, "echo", "y", bytes, (size_t)MANY_SIZE),
		"apply");
	check_bytes(reply, bytes, MANY_SIZE, true);
	ruche_reply_free(reply);
	free(bytes);
	tell();
}

/* A structure is packed into one lane. */
static void packed(void)
{
	struct ruche_reply *reply;
	const void *data;
	size_t len;

	echo("y", MANY_SIZE, 0, false);
	expect(ruche_call(ruche, &reply, "test.list", "u", UINT64_C(50000)), "call");
	if (ruche_reply_packed(reply, &data, &len) < 0 || len != 150003)
		fail("not the array that it should be");
	for (size_t i = 3; i < len; i += 3)
		if (memcmp((const char *)data + i, "\xcd\x12\x34", 3) != 0)
			fail("not the elements that they should be");
	ways[(uintptr_t)data % ALIGN == 0]++;
	ruche_reply_free(reply);
	tell();
}

/* An item of a queue that has the form of a reference into the memory is what it is, whoever put it, and frees nothing there. */
static void items(void)
{
	static const char item[] = "\xd8\x02\0\0\0\0\0\0\0\x3b\0\0\0\0\0\x01\x86\xa5";
	const size_t len = sizeof(item) - 1;
	struct ruche_object *queue;
	struct ruche_reply *reply, *held;
	const void *data;
	size_t got;

	echo("y", MANY_SIZE, 0, false);
	held = call_big("test.big");
	expect(ruche_object_open(ruche, &queue, RUCHE_QUEUE, "items", NULL), "open");
	for (int i = 0; i < 2; i++) {
		expect(ruche_queue_put_packed(queue, -1, item, len), "put");
		expect(ruche_queue_get(queue, -1, &reply), "get");
		if (ruche_reply_packed(reply, &data, &got) < 0 || got != len ||
			memcmp(data, item, len) != 0)
			fail("not the item that was put");
		ruche_reply_free(reply);
		echo("y", MANY_SIZE, i, true);
	}
	check_big(held);
	ruche_reply_free(held);
	tell();
}

/* Ends by a signal with much of it open. */
static void die(void)
{
	char *bytes = make(MANY_SIZE, 0);
	uint32_t id;

	echo("y", MANY_SIZE, 0, false);
	for (int i = 0; i < MANY / 4; i++)
		expect(ruche_submit(ruche, &id, "echo", "y", bytes, (size_t)MANY_SIZE), "submit");
	expect(ruche_process(ruche), "process");
	puts("dies");
	fflush(stdout);
	raise(SIGKILL);
}

static void big(void)
{
	for (int i = 0; i < 4; i++)
		echo("y", 60000000, i, true);
	tell();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"sizes", sizes},
	{"no_files", no_files},
	{"no_space", no_space},
	{"many", many},
	{"outlive", outlive},
	{"crashes", crashes},
	{"failures", failures},
	{"strays", strays},
	{"closes", closes},
	{"forks", forks},
	{"copies", copies},
	{"tasks", tasks},
	{"packed", packed},
	{"items", items},
	{"die", die},
	{"big", big},
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	if (argc > 3)
		echoes = argv[3];
	if (getenv("RUCHE_TEST_VALGRIND") != NULL)
		repetitions = 3; /* each takes seconds */
	expect(ruche_open(argv[1], &ruche), "ruche_open");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (strcmp(tests[i].name, argv[2]) == 0)
			tests[i].run();
	ruche_close(ruche);
	return 0;
}
