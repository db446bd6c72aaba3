/* SPDX-License-Identifier: MIT */

/*
 * How many primes are there from 100000 to 300000?  The range is cut into chunks, and a
 * ruched on this machine counts them on all its cores at once.
 *
 *	cc $(pkg-config --cflags --libs ruche) primes.c -o primes && ./primes
 *
 * With --private it starts a daemon of its own, which ends with it.
 */

#include <ruche/ruche.h>
#include <stdio.h>
#include <string.h>

enum { LO = 100000, HI = 300000, CHUNK = 5000 };

/* A handle is one connection.  All functions return a negative errno when they fail. */
static struct ruche *connect_to_daemon(int is_private)
{
	struct ruche *ruche = NULL;
	int r = is_private ? ruche_open_private(NULL, &ruche) : ruche_open(NULL, &ruche);

	if (r < 0)
		fprintf(stderr, "primes: cannot reach a ruched: %s\n", strerror(-r));
	return ruche;
}

/*
 * Starts one call for each chunk, without waiting for any.  "ii" says that the function
 * gets two int64_t; hence the casts.  Returns how many calls were started.
 */
static int submit_chunks(struct ruche *ruche)
{
	int count = 0;

	for (int64_t lo = LO; lo < HI; lo += CHUNK) {
		int64_t hi = lo + CHUNK < HI ? lo + CHUNK : HI;
		uint32_t id; /* names the call in its reply; here any order will do */
		int r = ruche_submit(ruche, &id, "primes.count", "ii", lo, hi);

		if (r < 0) {
			fprintf(stderr, "primes: cannot submit: %s\n", strerror(-r));
			return -1;
		}
		count++;
	}
	return count;
}

/* A reply is a result or an error.  An error says what happened and how far it got. */
static int add_reply(const struct ruche_reply *reply, int64_t *sum)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	int64_t found;

	if (error != NULL) {
		fprintf(stderr, "primes: %s: %s (executed: %s)\n", ruche_code_name(error->code),
			error->message, ruche_executed_name(error->executed));
		return -1;
	}
	if (ruche_reply_int64(reply, &found) < 0) {
		fprintf(stderr, "primes: the result is no number\n");
		return -1;
	}
	*sum += found;
	return 0;
}

/* Takes the replies as they come: id 0 is any call, a time-out of -1 for ever. */
static int collect(struct ruche *ruche, int count, int64_t *sum)
{
	int failed = 0;

	for (int i = 0; i < count; i++) {
		struct ruche_reply *reply;
		int r = ruche_wait(ruche, 0, -1, &reply);

		if (r < 0) {
			fprintf(stderr, "primes: cannot wait: %s\n", strerror(-r));
			return -1;
		}
		if (add_reply(reply, sum) < 0)
			failed++;
		ruche_reply_free(reply);
	}
	return failed == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct ruche *ruche = connect_to_daemon(argc > 1 && strcmp(argv[1], "--private") == 0);
	int64_t sum = 0;
	int count, r;

	if (ruche == NULL)
		return 1;
	count = submit_chunks(ruche);
	r = count < 0 ? -1 : collect(ruche, count, &sum);
	ruche_close(ruche);
	if (r < 0)
		return 1;
	printf("%lld primes from %d to %d, in %d chunks\n", (long long)sum, LO, HI, count);
	return 0;
}
