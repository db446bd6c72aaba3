/* SPDX-License-Identifier: MIT */
/*
 * The sum of the squares below ten million, twice at once.  It needs 69 bits; results are as wide as that.
 *
 *	sums [N]
 */

#include "examples.h"

enum { SUMS = 2, TEN_TO_THE_9 = 1000000000 };

/* Of a number that is not negative, and below 10 to the 36th. */
static void print_wide(__int128 n)
{
	const __int128 half = (__int128)TEN_TO_THE_9 * TEN_TO_THE_9;

	if (n < half)
		printf("%lld\n", (long long)n);
	else
		printf("%lld%018lld\n", (long long)(n / half), (long long)(n % half));
}

int main(int argc, char **argv)
{
	int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 10000000;
	struct ruche_child *sums[SUMS];
	struct ruche *ruche = open_ruche();

	for (int i = 0; i < SUMS; i++) {
		int r = ruche_process_start(ruche, &sums[i], NULL, "sum_squares", "i", n);

		must(ruche, "cannot start a sum", r);
	}
	for (int i = 0; i < SUMS; i++) {
		__int128 sum = 0;

		must(ruche, "no number", ruche_reply_int128(join(ruche, sums[i]), &sum));
		print_wide(sum);
		ruche_process_close(sums[i]);
	}
	ruche_close(ruche);
	return EXIT_SUCCESS;
}
