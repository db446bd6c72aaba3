/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_MAP_H
#define CLIENT_MAP_H

/*
 * A map under way: items are taken from a source into chunks (map_feed.c), a chunk is one call and
 * may come back as several (map_end.c), and replies are handed out item by item (map.c).
 *
 * Each item that was taken in is in exactly one chunk until its reply is handed out, and chunks
 * are kept in the order of their items.
 */

#include "base/buf.h"
#include "client/chunk.h"
#include "client/connection.h"
#include "client/pace.h"
#include "client/source.h"

struct ruche_map {
	struct ruche *ruche;
	struct source source;
	char *function;
	char *method;                  /* that runs chunks of it: ruche.map, in its pool */
	struct ruche_options *options; /* of each call; or NULL */
	bool is_star, is_unordered;
	bool is_eager; /* takes items in whenever there is room, not only when it is asked */
	bool is_cancelled;

	size_t window;  /* items taken in and not handed out; 0: as many as may be under way */
	size_t chunk;   /* items in each; 0: as `pace` finds */
	bool is_single; /* each item goes alone, whatever the others say */
	struct pace pace;

	struct chunk_list order, waiting, ended;
	struct buf filling;       /* items of the next chunk */
	size_t filled;            /* how many */
	bool is_full;             /* there was no room when it was last looked for */
	bool has_nested;          /* something is nested in one of them */
	bool has_more;            /* taking items in was left off, to look for replies */
	bool is_slow;             /* ... after few of them: the source takes its time */
	unsigned int quick_looks; /* at the clock in a row, between which it took none */

	size_t taken, given; /* items: into chunks, and out of them */
	size_t under_way;    /* items in calls */
	size_t calls;
	size_t items_size;   /* bytes of items that wait or are under way */
	size_t replies_size; /* bytes of replies that wait to be handed out */
};

/* A map over one packed array, borrowed, that does nothing before ruche_map_next(). */
int map_new_over_array(struct ruche *ruche, struct ruche_map **ret,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len);

/* ---- what becomes of chunks; all keep account */

void map_add(struct ruche_map *map, struct chunk *chunk, struct chunk *after); /* NULL: the last */
void map_wait(struct ruche_map *map, struct chunk *chunk); /* before all others that wait */
void map_start(struct ruche_map *map, struct chunk *chunk, struct call *call);
void map_end(struct ruche_map *map, struct chunk *chunk);
void map_excuse(struct ruche_map *map, struct chunk *chunk, struct chunk_excuse excuse);
/* From any of these states back to new, to be changed. */
void map_take_out(struct ruche_map *map, struct chunk *chunk);

/* ---- map_feed.c */

/* Sends what waits.  0, also if some has to go on waiting, or -ENOMEM. */
int map_send(struct ruche_map *map);

/* The same, and takes in and sends items as long as there is room, but not for long. */
int map_feed(struct ruche_map *map);

/* ---- map_end.c */

extern const struct call_owner map_calls; /* its data is a chunk */

#endif
