/* SPDX-License-Identifier: MIT */
/*
 * Ten processes add one to the same number a hundred times each: a thousand.  First with the lock that every
 * value has, then without, by an atomic addition.
 *
 * What they do is `example.count` and `example.count_atomic` in contrib/plugins/examples.c.
 */

#include "examples.h"

enum { PROCESSES = 10, TIMES = 100 };

static void count(struct ruche *ruche, const char *function, const char *name)
{
	struct ruche_child *children[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		int r = ruche_process_start(
			ruche, &children[i], NULL, function, "si", name, (int64_t)TIMES);

		must(ruche, "cannot start a process", r);
	}
	for (int i = 0; i < PROCESSES; i++) {
		join(ruche, children[i]);
		ruche_process_close(children[i]);
	}
}

int main(void)
{
	struct ruche *ruche = open_ruche();
	struct ruche_value *counter;
	char name[NAME_MAX_LEN];
	int r;

	r = ruche_value_open(ruche, &counter, name_it("counter", name), RUCHE_INT64, 1, NULL, NULL);
	must(ruche, "cannot make the value", r);

	count(ruche, "example.count", name);
	printf("with the lock: %lld\n", (long long)ruche_value_get(counter, 0));

	ruche_value_set(counter, 0, 0);
	count(ruche, "example.count_atomic", name);
	printf("by addition: %lld\n", (long long)ruche_value_get(counter, 0));

	ruche_value_close(counter);
	ruche_close(ruche);
	return EXIT_SUCCESS;
}
