/* SPDX-License-Identifier: MIT */

/* Maps that are waited for. */

#include <errno.h>
#include <stdlib.h>

#include "client/map.h"

/* 0, and each of the array's items has its reply, or a negative errno. */
static int collect(struct ruche_map *map, struct ruche_reply **replies)
{
	struct ruche_reply *reply;
	size_t index;
	int r;

	while ((r = ruche_map_next(map, -1, &index, &reply)) == 1)
		replies[index] = reply;
	return r == -ENOENT ? 0 : r;
}

static int map_all(struct ruche *ruche, struct ruche_reply ***ret, size_t *ret_count,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len)
{
	struct ruche_reply **replies;
	struct ruche_map *map;
	size_t count;
	int r = map_new_over_array(ruche, &map, options, function, items, items_len);

	if (r < 0)
		return r;
	count = map->source.left;
	map->is_unordered = true; /* each is put where it belongs anyway */
	replies = calloc(count > 0 ? count : 1, sizeof(struct ruche_reply *));
	r = replies == NULL ? -ENOMEM : collect(map, replies);
	ruche_map_free(map);
	if (r < 0) {
		ruche_replies_free(replies, count);
		return r;
	}
	*ret = replies;
	*ret_count = count;
	return 0;
}

int ruche_map(struct ruche *ruche, struct ruche_reply ***ret, size_t *ret_count,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len)
{
	if (ret == NULL || ret_count == NULL)
		return -EINVAL;
	return map_all(ruche, ret, ret_count, options, function, items, items_len);
}

int ruche_starmap(struct ruche *ruche, struct ruche_reply ***ret, size_t *ret_count,
	const struct ruche_map_options *options, const char *function, const void *items,
	size_t items_len)
{
	struct ruche_map_options star = {0};

	if (options != NULL)
		star = *options;
	star.star = true;
	return ruche_map(ruche, ret, ret_count, &star, function, items, items_len);
}

void ruche_replies_free(struct ruche_reply **replies, size_t count)
{
	for (size_t i = 0; replies != NULL && i < count; i++)
		ruche_reply_free(replies[i]);
	free(replies);
}
