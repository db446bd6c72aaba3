/* SPDX-License-Identifier: MIT */
/*
 * One process puts squares into a queue, another one takes them out, until the first one ends the queue.  There is
 * room for three, so that the producer waits for the consumer.
 *
 *	producer-consumer [COUNT]
 *
 * What they do is `example.produce` and `example.consume` in contrib/plugins/examples.c.
 */

#include "examples.h"

int main(int argc, char **argv)
{
	const struct ruche_object_options room = {.maxsize = 3};
	int64_t count = argc > 1 ? strtoll(argv[1], NULL, 10) : 10;
	struct ruche_child *producer, *consumer;
	struct ruche *ruche = open_ruche();
	struct ruche_object *queue;
	char name[NAME_MAX_LEN];
	int r;

	r = ruche_object_open(ruche, &queue, RUCHE_QUEUE, name_it("squares", name), &room);
	must(ruche, "cannot make the queue", r);
	r = ruche_process_start(ruche, &producer, NULL, "example.produce", "si", name, count);
	must(ruche, "cannot start the producer", r);
	r = ruche_process_start(ruche, &consumer, NULL, "example.consume", "s", name);
	must(ruche, "cannot start the consumer", r);

	print_line(join(ruche, producer));
	print_line(join(ruche, consumer));
	ruche_process_close(producer);
	ruche_process_close(consumer);
	ruche_object_close(queue);
	ruche_close(ruche);
	return EXIT_SUCCESS;
}
