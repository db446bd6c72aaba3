/* SPDX-License-Identifier: MIT */

/*
 * Thumbnails of PNG files, by libpng.
 *
 *	cc -O2 -Wall -shared -fPIC thumbnail.c -o thumbnail.so $(pkg-config --cflags --libs ruche libpng)
 *	ruche --private --plugin ./thumbnail.so call thumbnail /tmp/large.png /tmp/small.png 64
 *
 * Paths are the worker's: they begin at the root.  A file that is broken, or makes libpng crash, harms no other.
 */

#include <ruche/plugin.h>

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = PNG_FORMAT_RGBA, CHANNELS = 4, ALPHA = 3, SIDE_MAX = 4096 };

struct picture {
	png_image image;
	png_byte *pixels; /* width times height times CHANNELS */
};

static int arg_path(struct ruche_task *task, size_t index, char path[FILENAME_MAX])
{
	const char *text;
	size_t len;

	if (ruche_arg_bytes(task, index, &text, &len) < 0)
		return -1;
	if (len == 0 || len >= FILENAME_MAX || text[0] != '/' || memchr(text, 0, len) != NULL)
		return ruche_refuse(task, "a path begins with / and is not too long");
	memcpy(path, text, len);
	path[len] = '\0';
	return 0;
}

static void picture_fini(struct picture *picture)
{
	png_image_free(&picture->image);
	free(picture->pixels);
}

static int picture_read(struct picture *picture, const char *path)
{
	png_image *image = &picture->image;

	image->version = PNG_IMAGE_VERSION;
	if (!png_image_begin_read_from_file(image, path))
		return -1;
	image->format = FORMAT;
	picture->pixels = malloc(PNG_IMAGE_SIZE(*image));
	if (picture->pixels == NULL)
		return -1;
	return png_image_finish_read(image, NULL, picture->pixels, 0, NULL) ? 0 : -1;
}

/* The length of a side when the longest of them becomes `size`; no picture is made larger. */
static png_uint_32 shrink(png_uint_32 side, png_uint_32 longest, png_uint_32 size)
{
	png_uint_32 small = longest <= size ? side : (png_uint_32)((uint64_t)side * size / longest);

	return small > 0 ? small : 1;
}

/* The mean of a rectangle, from (x0, y0) to before (x1, y1); what is transparent has no colour to count. */
static void average(const struct picture *from, size_t x0, size_t y0, size_t x1, size_t y1,
	png_byte ret[CHANNELS])
{
	uint64_t sum[CHANNELS] = {0}, alpha, count = 0;

	for (size_t y = y0; y < y1; y++)
		for (size_t x = x0; x < x1; x++) {
			const png_byte *pixel =
				from->pixels + (y * from->image.width + x) * CHANNELS;

			for (size_t c = 0; c < ALPHA; c++)
				sum[c] += (uint64_t)pixel[c] * pixel[ALPHA];
			sum[ALPHA] += pixel[ALPHA];
			count++;
		}
	alpha = sum[ALPHA];
	for (size_t c = 0; c < ALPHA; c++)
		ret[c] = alpha == 0 ? 0 : (png_byte)((sum[c] + alpha / 2) / alpha);
	ret[ALPHA] = count == 0 ? 0 : (png_byte)((alpha + count / 2) / count);
}

/* Each pixel of the small one is the mean of those that it stands for. */
static int picture_scale(const struct picture *from, struct picture *to, png_uint_32 size)
{
	size_t w = from->image.width, h = from->image.height;
	png_uint_32 longest = (png_uint_32)(w > h ? w : h);

	to->image.version = PNG_IMAGE_VERSION;
	to->image.format = FORMAT;
	to->image.width = shrink(from->image.width, longest, size);
	to->image.height = shrink(from->image.height, longest, size);
	to->pixels = malloc(PNG_IMAGE_SIZE(to->image));
	if (to->pixels == NULL)
		return -1;
	for (size_t y = 0; y < to->image.height; y++)
		for (size_t x = 0; x < to->image.width; x++)
			average(from, x * w / to->image.width, y * h / to->image.height,
				(x + 1) * w / to->image.width, (y + 1) * h / to->image.height,
				to->pixels + (y * to->image.width + x) * CHANNELS);
	return 0;
}

/* libpng's words, or those of what else can be wrong. */
static int fail_with(struct ruche_task *task, const char *path, const struct picture *picture)
{
	const char *message = picture->image.message;

	return ruche_fail(task, "%s: %s", path, message[0] != '\0' ? message : "no memory");
}

static int make(struct ruche_task *task, struct picture *large, struct picture *small)
{
	char from[FILENAME_MAX], to[FILENAME_MAX], text[64];
	int64_t size;

	if (arg_path(task, 0, from) < 0 || arg_path(task, 1, to) < 0 ||
		ruche_arg_int64(task, 2, &size) < 0)
		return -1;
	if (size < 1 || size > SIDE_MAX)
		return ruche_refuse(task, "size must be from 1 to %d", SIDE_MAX);
	if (picture_read(large, from) < 0)
		return fail_with(task, from, large);
	if (picture_scale(large, small, (png_uint_32)size) < 0 ||
		!png_image_write_to_file(&small->image, to, 0, small->pixels, 0, NULL))
		return fail_with(task, to, small);
	snprintf(text, sizeof(text), "%ux%u -> %ux%u", large->image.width, large->image.height,
		small->image.width, small->image.height);
	return ruche_return_str(task, text);
}

static int thumbnail(struct ruche_task *task)
{
	struct picture large = {.pixels = NULL}, small = {.pixels = NULL};
	int r = make(task, &large, &small);

	picture_fini(&large);
	picture_fini(&small);
	return r;
}

static const struct ruche_function functions[] = {
	{.name = "thumbnail",
		.run = thumbnail,
		.params = "from to size",
		.summary = "a PNG file that fits into size times size"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "thumbnail",
	.functions = functions,
};
