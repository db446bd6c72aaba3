/* SPDX-License-Identifier: MIT */
/*
 * A client that gets all its calls answered while the daemon is restarted under it: it connects again when a connection
 * has ended, and tries again what was not executed.
 *
 *	insist SOCKET CALLS [--again]
 *
 * Each call sleeps for a millisecond, WINDOW are open at a time.  What may have been executed is tried again with --again
 * alone, else it is a failure; so is a connection that is refused.  Each hundred answers is a line of stdout, and what
 * has happened is the last: "answered N, not executed N, perhaps N, connections N".  Status 0: all were answered.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ruche/ruche.h>

enum { WINDOW = 64, SAID_EVERY = 100, WAIT_MS = 60000 };

struct insist {
	const char *path;
	struct ruche *ruche;
	bool again;
	unsigned long wanted, answered, not_executed, perhaps, connections;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "insist: %s: %s\n", what, why);
	exit(2);
}

static void open_connection(struct insist *in)
{
	int r;

	ruche_close(in->ruche);
	r = ruche_open(in->path, &in->ruche);
	if (r < 0)
		fail("cannot connect", strerror(-r));
	in->connections++;
}

static void take_error(struct insist *in, const struct ruche_error *error)
{
	if (error->executed == RUCHE_EXECUTED_NO)
		in->not_executed++;
	else if (error->executed == RUCHE_EXECUTED_MAYBE)
		in->perhaps++;
	else
		fail("executed, and not answered", error->message);
	if (error->executed == RUCHE_EXECUTED_MAYBE && !in->again)
		fail("may have been executed", error->message);
}

static void take_reply(struct insist *in)
{
	const struct ruche_error *error;
	struct ruche_reply *reply;
	int r = ruche_wait(in->ruche, 0, WAIT_MS, &reply);

	if (r <= 0)
		fail("no answer", r == 0 ? "for a minute" : strerror(-r));
	error = ruche_reply_error(reply);
	if (error != NULL)
		take_error(in, error);
	else if (++in->answered % SAID_EVERY == 0)
		printf("%lu\n", in->answered);
	ruche_reply_free(reply);
}

/* False: this connection takes no more. */
static bool submit(struct insist *in)
{
	uint32_t id;
	int r = ruche_submit(in->ruche, &id, "sleep", "d", 0.001);

	if (r < 0 && r != -ECONNRESET)
		fail("cannot submit", strerror(-r));
	return r == 0;
}

/* What is open is what is wanted still, as each answer that was none makes room for another try. */
static void use_connection(struct insist *in)
{
	bool open = true;

	do {
		while (open && ruche_pending(in->ruche) < WINDOW &&
			in->answered + ruche_pending(in->ruche) < in->wanted)
			open = submit(in);
		if (ruche_pending(in->ruche) > 0)
			take_reply(in);
	} while (ruche_pending(in->ruche) > 0 || (open && in->answered < in->wanted));
}

int main(int argc, char **argv)
{
	struct insist in = {0};

	if (argc < 3)
		fail("usage", "insist SOCKET CALLS [--again]");
	in.path = argv[1];
	in.wanted = strtoul(argv[2], NULL, 10);
	in.again = argc > 3 && strcmp(argv[3], "--again") == 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (in.answered < in.wanted) {
		open_connection(&in);
		use_connection(&in);
	}
	ruche_close(in.ruche);
	printf("answered %lu, not executed %lu, perhaps %lu, connections %lu\n", in.answered,
		in.not_executed, in.perhaps, in.connections);
	return EXIT_SUCCESS;
}
