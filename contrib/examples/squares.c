/* SPDX-License-Identifier: MIT */

/*
 * The squares of the numbers from 0 to 999999, each computed by the function `square` in a worker
 * of a ruched, and added up here.  What Python's Pool.imap() does:
 *
 *	for square in pool.imap(square, range(1000000)):
 *		total += square
 *
 *	cc $(pkg-config --cflags --libs ruche) squares.c -o squares && ./squares
 *
 * With --private it starts a daemon of its own, which ends with it.
 */

#include <errno.h>
#include <ruche/ruche.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 1000000 };

static struct ruche *connect_to_daemon(int is_private)
{
	struct ruche *ruche = NULL;
	int r = is_private ? ruche_open_private(NULL, &ruche) : ruche_open(NULL, &ruche);

	if (r < 0)
		fprintf(stderr, "squares: cannot reach a ruched: %s\n", strerror(-r));
	return ruche;
}

/* ---- the items */

struct numbers {
	int64_t next;
	uint8_t packed[18]; /* the last one given: borrowed by the map until it asks again */
};

/* The map asks for an item when it has room: there are never a million of them in memory. */
static int next_number(void *user, const void **ret, size_t *ret_len)
{
	struct numbers *numbers = user;

	if (numbers->next == COUNT)
		return 0;
	*ret = numbers->packed;
	*ret_len = ruche_pack_int128(numbers->next++, numbers->packed);
	return 1;
}

/* ---- the results */

/* Item `index` has ended: its reply is a result or an error. */
static int add_square(size_t index, const struct ruche_reply *reply, int64_t *total)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	int64_t square;

	if (error != NULL) {
		char text[RUCHE_ERROR_TEXT_MAX];

		fprintf(stderr, "squares: item %zu: %s\n  %s\n", index, error->message,
			ruche_error_describe(error, text, sizeof(text)));
		return -1;
	}
	if (ruche_reply_int64(reply, &square) < 0) {
		fprintf(stderr, "squares: item %zu: the result is no number\n", index);
		return -1;
	}
	*total += square;
	return 0;
}

/* Results come in the order of the items.  Stops at the first that failed. */
static int add_squares(struct ruche_map *map, int64_t *total)
{
	struct ruche_reply *reply;
	size_t index;
	int r;

	while ((r = ruche_map_next(map, -1, &index, &reply)) == 1) {
		int failed = add_square(index, reply, total);

		ruche_reply_free(reply);
		if (failed < 0)
			return -1;
	}
	if (r == -ENOENT) /* there are no more */
		return 0;
	fprintf(stderr, "squares: the map ended early: %s\n", strerror(-r));
	return -1;
}

static int map_squares(struct ruche *ruche, int64_t *total)
{
	struct numbers numbers = {0};
	const struct ruche_items items = {next_number, &numbers};
	struct ruche_map *map;
	int r = ruche_imap(ruche, &map, NULL, "square", &items);

	if (r < 0) {
		fprintf(stderr, "squares: cannot start: %s\n", strerror(-r));
		return -1;
	}
	r = add_squares(map, total);
	ruche_map_free(map); /* cancels what is still under way, if we gave up */
	return r;
}

int main(int argc, char **argv)
{
	struct ruche *ruche = connect_to_daemon(argc > 1 && strcmp(argv[1], "--private") == 0);
	int64_t total = 0;
	int r;

	if (ruche == NULL)
		return 1;
	r = map_squares(ruche, &total);
	ruche_close(ruche);
	if (r < 0)
		return 1;
	printf("the squares of 0 to %d add up to %lld\n", COUNT - 1, (long long)total);
	return 0;
}
