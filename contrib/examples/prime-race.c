/* SPDX-License-Identifier: MIT */
/*
 * The prime race of the multiprocessing tutorials: counts the primes from LO to below HI in
 * chunks, first one chunk after the other, then over the whole pool, and compares.
 *
 *	prime-race [--rounds N] [--pool-only] LO HI
 *
 * A chunk whose worker was killed is asked for again: counting primes twice harms nobody, so
 * this program may do what the pool never does by itself.
 */

#include "examples.h"

#include <inttypes.h>

enum { CHUNKS = 40 };

struct race {
	struct ruche *ruche;
	int64_t lo, hi;
	uint32_t ids[CHUNKS]; /* the call that counts this chunk now */
	int again;            /* chunks asked for again */
};

static void ask(struct race *race, int chunk)
{
	int64_t size = race->hi - race->lo;
	int64_t lo = race->lo + size * chunk / CHUNKS;
	int64_t hi = race->lo + size * (chunk + 1) / CHUNKS;
	int r = ruche_submit(race->ruche, &race->ids[chunk], "primes.count", "ii", lo, hi);

	must(race->ruche, "cannot ask", r);
}

/* The next chunk that is done, whichever it is; one that crashed is asked for again. */
static int64_t take(struct race *race)
{
	for (;;) {
		struct ruche_reply *reply;
		enum ruche_code code;
		int64_t primes = 0;
		int chunk = 0;

		must(race->ruche, "cannot wait", ruche_wait(race->ruche, 0, -1, &reply));
		while (race->ids[chunk] != ruche_reply_id(reply))
			chunk++;
		code = ruche_reply_code(reply);
		if (code != RUCHE_CRASHED)
			must_be_result(reply);
		ruche_reply_int64(reply, &primes);
		ruche_reply_free(reply);
		if (code == RUCHE_OK)
			return primes;
		ask(race, chunk);
		race->again++;
	}
}

static int64_t count_one_by_one(struct race *race)
{
	int64_t primes = 0;

	for (int chunk = 0; chunk < CHUNKS; chunk++) {
		ask(race, chunk);
		primes += take(race);
	}
	return primes;
}

static int64_t count_at_once(struct race *race)
{
	int64_t primes = 0;

	for (int chunk = 0; chunk < CHUNKS; chunk++)
		ask(race, chunk);
	for (int chunk = 0; chunk < CHUNKS; chunk++)
		primes += take(race);
	return primes;
}

/* Counts again and again; the seconds it took. */
static double run(
	struct race *race, const char *name, int rounds, int64_t (*count)(struct race *race))
{
	double start = now(), took;
	int64_t primes = 0;

	for (int i = 0; i < rounds; i++)
		primes = count(race);
	took = now() - start;
	printf("%-12s %" PRId64 " primes from %" PRId64 " to %" PRId64, name, primes, race->lo,
		race->hi);
	if (rounds > 1)
		printf(", %d times over", rounds);
	printf(": %.3f s\n", took);
	return took;
}

static int usage(void)
{
	fprintf(stderr, "usage: prime-race [--rounds N] [--pool-only] LO HI\n");
	return 64;
}

int main(int argc, char **argv)
{
	struct race race = {.again = 0};
	double alone = 0, together;
	int rounds = 1, pool_only = 0, i;
	unsigned int cores;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--pool-only") == 0)
			pool_only = 1;
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = atoi(argv[++i]);
		else
			return usage();
	}
	if (argc - i != 2)
		return usage();
	race.lo = strtoll(argv[i], NULL, 10);
	race.hi = strtoll(argv[i + 1], NULL, 10);
	race.ruche = open_ruche();
	if (!pool_only)
		alone = run(&race, "one by one", rounds, count_one_by_one);
	together = run(&race, "pooled", rounds, count_at_once);
	if (!pool_only) {
		must(race.ruche, "how many cores?", ruche_cpu_count(race.ruche, NULL, &cores));
		printf("the pool was %.2f times as fast, with %u core%s\n", alone / together, cores,
			cores == 1 ? "" : "s");
	}
	if (race.again > 0)
		printf("%d chunks were asked for again after their worker was killed\n",
			race.again);
	ruche_close(race.ruche);
	return EXIT_SUCCESS;
}
