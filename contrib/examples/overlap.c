/* SPDX-License-Identifier: MIT */
/*
 * Two processes that take two seconds each take two seconds together, and not four.
 *
 *	overlap [SECONDS]
 *
 * What they do is `example.work` in contrib/plugins/examples.c.
 */

#include "examples.h"

enum { WORKERS = 2 };

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
	struct ruche_child *workers[WORKERS];
	struct ruche *ruche = open_ruche();
	double start = now();

	for (int i = 0; i < WORKERS; i++) {
		int r = ruche_process_start(ruche, &workers[i], NULL, "example.work", "idd",
			(int64_t)i + 1, seconds, start);

		must(ruche, "cannot start a worker", r);
	}
	for (int i = 0; i < WORKERS; i++)
		print_line(join(ruche, workers[i]));
	printf("together: %.1f s; one after the other: %.1f s\n", now() - start, WORKERS * seconds);
	for (int i = 0; i < WORKERS; i++)
		ruche_process_close(workers[i]);
	ruche_close(ruche);
	return EXIT_SUCCESS;
}
