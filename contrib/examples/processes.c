/* SPDX-License-Identifier: MIT */
/*
 * Two processes: one says what the cube of 3 is, the other one what the square of 4 is, each with its own
 * pid.  Both wait for an event before they do so, which leaves time to see them alive.
 *
 * What they do is `example.cube` and `example.square` in contrib/plugins/examples.c.
 */

#include "examples.h"

static void print_alive(const char *when, struct ruche_child *cube, struct ruche_child *square)
{
	const char *words[] = {"False", "True"};

	printf("%s: alive %s, %s\n", when, words[cube != NULL && ruche_process_is_alive(cube)],
		words[square != NULL && ruche_process_is_alive(square)]);
}

int main(void)
{
	struct ruche_child *cube = NULL, *square = NULL;
	struct ruche *ruche = open_ruche();
	struct ruche_object *go;
	char name[NAME_MAX_LEN];
	int r;

	printf("main: process %d\n", (int)getpid());
	r = ruche_object_open(ruche, &go, RUCHE_EVENT, name_it("go", name), NULL);
	must(ruche, "cannot make the event", r);

	print_alive("before start", cube, square);
	r = ruche_process_start(ruche, &cube, NULL, "example.cube", "is", (int64_t)3, name);
	must(ruche, "cannot start the cube", r);
	r = ruche_process_start(ruche, &square, NULL, "example.square", "is", (int64_t)4, name);
	must(ruche, "cannot start the square", r);
	print_alive("started", cube, square);
	must(ruche, "cannot set the event", ruche_event_set(go));
	print_line(join(ruche, cube));
	print_line(join(ruche, square));
	print_alive("joined", cube, square);

	ruche_process_close(cube);
	ruche_process_close(square);
	ruche_close(ruche); /* closes the event as well */
	return EXIT_SUCCESS;
}
