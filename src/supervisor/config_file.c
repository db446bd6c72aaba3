/* SPDX-License-Identifier: MIT */
#include "supervisor/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "base/trust.h"
#include "supervisor/config_lines.h"

static int fail_file(char *error, int status, const char *file, const char *why)
{
	text_format(error, CONFIG_ERROR_MAX, "%.300s: %.300s", file, why);
	return status;
}

int config_add_text(struct config *config, const char *file, const char *text, size_t len)
{
	struct config_text *texts =
		reallocarray(config->texts, config->text_count + 1, sizeof(*texts));
	struct config_text *last;

	if (texts == NULL)
		return -ENOMEM;
	config->texts = texts;
	last = &texts[config->text_count];
	*last = (struct config_text){.file = strdup(file), .text = malloc(len + 1), .len = len};
	config->text_count++;
	if (last->file == NULL || last->text == NULL)
		return -ENOMEM;
	memcpy(last->text, text, len);
	last->text[len] = '\0';
	return 0;
}

static int read_open_file(
	struct config *config, const char *file, int fd, char error[CONFIG_ERROR_MAX])
{
	size_t size = CONFIG_FILE_MAX + 2;
	struct stat st;
	char *text;
	ssize_t len;
	int r;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail_file(error, -EINVAL, file, "is not a regular file");
	text = malloc(size);
	if (text == NULL)
		return fail_file(error, -ENOMEM, file, "out of memory");
	len = fd_read_text(fd, text, size);
	if (len < 0)
		r = fail_file(error, (int)len, file, strerror((int)-len));
	else if (len > CONFIG_FILE_MAX)
		r = fail_file(error, -EFBIG, file, "is larger than 1 MiB");
	else
		r = config_read_text(config, file, text, (size_t)len, error);
	if (r == 0 && config_add_text(config, file, text, (size_t)len) < 0)
		r = fail_file(error, -ENOMEM, file, "out of memory");
	free(text);
	return r;
}

/* What it says is done as whoever we are. */
static int check_trust(const char *file, char *error)
{
	char why[TRUST_WHY_MAX];

	if (trust_check(file, why) == 0)
		return 0;
	text_format(
		error, CONFIG_ERROR_MAX, "%.300s: it is not read, because of %.600s", file, why);
	return -EINVAL;
}

/* Opening never waits: it may be a FIFO. */
static int read_file(struct config *config, const char *file, char error[CONFIG_ERROR_MAX])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return fail_file(error, -errno, file, strerror(errno));
	r = check_trust(file, error);
	if (r == 0)
		r = read_open_file(config, file, fd, error);
	fd_close(&fd);
	return r;
}

/* ---- drop-ins --------------------------------------------------------------------------- */

static int is_drop_in(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_ins(struct config *config, const char *file, char error[CONFIG_ERROR_MAX])
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int count, r = 0;

	text_format(folder, sizeof(folder), "%s.d", file);
	count = scandir(folder, &entries, is_drop_in, by_name);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return fail_file(error, -errno, folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		text_format(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (r == 0)
			r = read_file(config, path, error);
		free(entries[i]);
	}
	free(entries);
	return r == -ENOENT ? -EINVAL : r; /* a link to nothing */
}

static int by_function_name(const void *a, const void *b)
{
	return strcmp(((const struct function_config *)a)->name,
		((const struct function_config *)b)->name);
}

/* They are looked for by name. */
static void sort_functions(struct config *config)
{
	if (config->function_count > 0)
		qsort(config->functions, config->function_count, sizeof(*config->functions),
			by_function_name);
}

int config_read_texts(struct config *config, const struct config_text *texts, size_t count,
	char error[CONFIG_ERROR_MAX])
{
	int r = 0;

	error[0] = '\0';
	config->restored = true;
	for (size_t i = 0; i < config->pool_count; i++)
		config->pools[i].restored = true;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = config_read_text(config, texts[i].file, texts[i].text, texts[i].len, error);
		if (r == 0)
			r = config_add_text(config, texts[i].file, texts[i].text, texts[i].len);
	}
	sort_functions(config);
	return r;
}

int config_read(struct config *config, const char *file, char error[CONFIG_ERROR_MAX])
{
	int r, later;

	error[0] = '\0';
	r = read_file(config, file, error);
	if (r < 0 && r != -ENOENT)
		return r;
	later = read_drop_ins(config, file, error);
	sort_functions(config);
	return later < 0 ? later : r;
}
