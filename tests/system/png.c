/* SPDX-License-Identifier: MIT */
/*
 * PNG files to make thumbnails of, and what is in one.
 *
 *	png make FOLDER		ten files, 01.png to 10.png
 *	png show FILE		its size, and the colour in the middle of either half
 *
 * The left half, or the upper one if it is higher than wide, has one colour for each file; the other one is black and white, pixel by
 * pixel, of which the mean is a grey that no pixel has.
 */

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 10, LONG = 256, SHORT = 128 };

static void fail(const png_image *image, const char *path)
{
	fprintf(stderr, "png: %s: %s\n", path, image->message);
	exit(EXIT_FAILURE);
}

/* Pixel (along, across) of file `n`, counted along its longer side. */
static void paint(int n, int along, int across, png_byte rgb[3])
{
	png_byte grey = (along + across) % 2 != 0 ? 255 : 0;
	png_byte colour[3] = {(png_byte)(25 * n), (png_byte)(255 - 25 * n), 128};

	for (int i = 0; i < 3; i++)
		rgb[i] = along < LONG / 2 ? colour[i] : grey;
}

static void make(int n, const char *folder)
{
	int wide = n % 2, width = wide ? LONG : SHORT, height = wide ? SHORT : LONG;
	png_image image = {.version = PNG_IMAGE_VERSION};
	static png_byte pixels[LONG * SHORT][3];
	char path[FILENAME_MAX];

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			paint(n, wide ? x : y, wide ? y : x, pixels[y * width + x]);
	image.width = (png_uint_32)width;
	image.height = (png_uint_32)height;
	image.format = PNG_FORMAT_RGB;
	snprintf(path, sizeof(path), "%s/%02d.png", folder, n);
	if (!png_image_write_to_file(&image, path, 0, pixels, 0, NULL))
		fail(&image, path);
}

static void print_pixel(const char *name, const png_byte *rgb)
{
	printf(" %s %d,%d,%d", name, rgb[0], rgb[1], rgb[2]);
}

static void show(const char *path)
{
	static const png_color white = {255, 255, 255};
	png_image image = {.version = PNG_IMAGE_VERSION};
	size_t w, h, first, second;
	png_byte *pixels;

	if (!png_image_begin_read_from_file(&image, path))
		fail(&image, path);
	image.format = PNG_FORMAT_RGB;
	pixels = malloc(PNG_IMAGE_SIZE(image));
	if (pixels == NULL || !png_image_finish_read(&image, &white, pixels, 0, NULL))
		fail(&image, path);
	w = image.width;
	h = image.height;
	first = w > h ? h / 2 * w + w / 4 : h / 4 * w + w / 2;
	second = w > h ? h / 2 * w + w * 3 / 4 : h * 3 / 4 * w + w / 2;
	printf("%zux%zu", w, h);
	print_pixel("first", pixels + 3 * first);
	print_pixel("second", pixels + 3 * second);
	printf("\n");
	free(pixels);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	if (strcmp(argv[1], "show") == 0)
		show(argv[2]);
	else
		for (int n = 1; n <= FILES; n++)
			make(n, argv[2]);
	return EXIT_SUCCESS;
}
