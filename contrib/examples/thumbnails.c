/* SPDX-License-Identifier: MIT */
/*
 * Thumbnails of many PNG files, each made by whichever worker is free, and told as soon as it is there.
 *
 *	thumbnails SIZE FOLDER FILE…
 *
 * They go to FOLDER under the names of the files, and fit into SIZE times SIZE.  What makes them is `thumbnail` in
 * contrib/plugins/thumbnail.c.
 */

#include "examples.h"

#include <errno.h>
#include <limits.h>
#include <msgpack.h>

/* ---- the items */

struct files {
	char **next; /* NULL-terminated */
	const char *folder;
	int64_t size;
	msgpack_sbuffer packed; /* the last one given: borrowed by the map until it asks again */
};

/* A worker has a folder of its own to be in, so paths begin at the root. */
static void pack_path(msgpack_packer *packer, const char *folder, const char *name)
{
	char path[2 * PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

	msgpack_pack_str_with_body(packer, path, (size_t)len);
}

/* An item is the array of all arguments: the file, the thumbnail's, and its size. */
static int next_file(void *user, const void **ret, size_t *ret_len)
{
	struct files *files = user;
	char folder[PATH_MAX], *file = *files->next, *slash;
	msgpack_packer packer;

	if (file == NULL)
		return 0;
	files->next++;
	slash = strrchr(file, '/');
	if (realpath(slash == NULL ? "." : strndupa(file, (size_t)(slash + 1 - file)), folder) ==
		NULL)
		return -errno;
	file = slash == NULL ? file : slash + 1;
	msgpack_sbuffer_clear(&files->packed);
	msgpack_packer_init(&packer, &files->packed, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 3);
	pack_path(&packer, folder, file);
	pack_path(&packer, files->folder, file);
	msgpack_pack_int64(&packer, files->size);
	*ret = files->packed.data;
	*ret_len = files->packed.size;
	return 1;
}

/* ---- the results */

/* One line for each file, as they come.  How many failed. */
static int print_results(struct ruche_map *map, char *const *files)
{
	struct ruche_reply *reply;
	int failed = 0, r;
	size_t index;

	while ((r = ruche_map_next(map, -1, &index, &reply)) == 1) {
		const struct ruche_error *error = ruche_reply_error(reply);

		printf("%s: ", files[index]);
		if (error == NULL)
			print_line(reply);
		else
			printf("%s\n", error->message);
		failed += error != NULL;
		ruche_reply_free(reply);
	}
	must(NULL, "the map ended early", r == -ENOENT ? 0 : r);
	return failed;
}

int main(int argc, char **argv)
{
	const struct ruche_map_options options = {.chunk = 1, .unordered = true, .star = true};
	struct files files = {.size = argc > 3 ? strtoll(argv[1], NULL, 10) : 0, .next = argv + 3};
	const struct ruche_items items = {next_file, &files};
	char folder[PATH_MAX];
	struct ruche *ruche;
	struct ruche_map *map;
	int failed;

	if (argc < 4 || files.size < 1) {
		fprintf(stderr, "usage: thumbnails SIZE FOLDER FILE...\n");
		return 64;
	}
	must(NULL, argv[2], realpath(argv[2], folder) != NULL ? 0 : -errno);
	files.folder = folder;
	msgpack_sbuffer_init(&files.packed);
	ruche = open_ruche();
	must(ruche, "cannot start",
		ruche_imap_unordered(ruche, &map, &options, "thumbnail", &items));
	failed = print_results(map, argv + 3);
	ruche_map_free(map);
	ruche_close(ruche);
	msgpack_sbuffer_destroy(&files.packed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
