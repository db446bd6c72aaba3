/* SPDX-License-Identifier: MIT */
/*
 * Ten images, each of which takes a worker half a second: they arrive in packets of as many as there
 * are workers, whoever is ready first.
 *
 *	images [MILLISECONDS]
 *
 * What is done to them is `example.develop` in contrib/plugins/examples.c, a name for waiting; thumbnails.c
 * does the same with real ones.
 */

#include "examples.h"

#include <errno.h>

enum { IMAGES = 10 };

/* ---- the items */

struct images {
	int next;
	int64_t ms; /* that each takes */
	uint8_t packed[1 + 18 +
		       18]; /* the last one given: borrowed by the map until it asks again */
};

/* An item is the array of all arguments: the number of the image, and how long it takes. */
static int next_image(void *user, const void **ret, size_t *ret_len)
{
	struct images *images = user;
	size_t len = 0;

	if (images->next == IMAGES)
		return 0;
	images->packed[len++] = 0x92; /* in MessagePack: an array of two */
	len += ruche_pack_int128(++images->next, images->packed + len);
	len += ruche_pack_int128(images->ms, images->packed + len);
	*ret = images->packed;
	*ret_len = len;
	return 1;
}

/* ---- the results */

/* Those that arrive at about the same time are a packet, and stand in one line. */
static void print_packets(struct ruche_map *map, double apart)
{
	double start = now(), last = 0;
	struct ruche_reply *reply;
	size_t index;
	int r;

	while ((r = ruche_map_next(map, -1, &index, &reply)) == 1) {
		double at = now() - start;

		must_be_result(reply);
		if (at - last > apart)
			printf("%safter %.1f s: image", last > 0 ? "\n" : "", at);
		printf(" %zu", index + 1);
		last = at;
		ruche_reply_free(reply);
	}
	printf("\n");
	must(NULL, "the map ended early", r == -ENOENT ? 0 : r);
}

int main(int argc, char **argv)
{
	const struct ruche_map_options options = {.chunk = 1, .unordered = true, .star = true};
	struct images images = {.ms = argc > 1 ? strtoll(argv[1], NULL, 10) : 500};
	const struct ruche_items items = {next_image, &images};
	struct ruche *ruche = open_ruche();
	struct ruche_map *map;

	must(ruche, "cannot start",
		ruche_imap_unordered(ruche, &map, &options, "example.develop", &items));
	print_packets(map, (double)images.ms / 2000);
	ruche_map_free(map);
	ruche_close(ruche);
	return EXIT_SUCCESS;
}
