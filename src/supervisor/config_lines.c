/* SPDX-License-Identifier: MIT */
/*
 * Lines are handed to libinih one at a time: so each has a number, none is longer than it can
 * hold, none continues another, and a section is known by its whole name, also if nothing stands
 * in it.
 */
#include <config.h>

#include "supervisor/config_lines.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/config_keys.h"

enum { LINE_SIZE = 8192 }; /* its end and a \0 included */

static const char blanks[] = " \t\v\f\r";

/* What a file has said already. */
struct said {
	enum section_kind section;
	int at;
	const struct config_key *key;
	int line;
};

struct reading {
	struct config *config;
	const char *file;
	const char *next; /* line */
	int line;         /* the one before it, from 1 */
	int section;      /* enum section_kind; -1: none yet */
	int at;           /* which pool or function */
	struct said *said;
	size_t said_count;
	int status; /* a negative errno ends it, with the reason in: */
	char *error;
};

/* ---- errors ----------------------------------------------------------------------------- */

static int fail(struct reading *reading, int status, const char *why)
{
	if (reading->status == 0)
		text_format(reading->error, CONFIG_ERROR_MAX, "%.300s:%d: %s", reading->file,
			reading->line, status == -ENOMEM ? "out of memory" : why);
	reading->status = status;
	return status;
}

static int fail_section(struct reading *reading, const char *name)
{
	char why[WHY_MAX];

	text_format(why, sizeof(why),
		"there is no section [%.100s]; there are [daemon], [limits], [pool NAME], "
		"[function NAME] and [allow NAME]",
		name);
	return fail(reading, -EINVAL, why);
}

static int fail_key(struct reading *reading, const char *name)
{
	const struct config_section *section = &config_sections[reading->section];
	char why[CONFIG_ERROR_MAX];

	text_format(why, sizeof(why), "there is no key '%.100s' in [%s]; there are: ", name,
		section->name);
	for (size_t i = 0; i < section->key_count; i++) {
		text_append(why, sizeof(why), i > 0 ? ", " : "");
		text_append(why, sizeof(why), section->keys[i].name);
	}
	return fail(reading, -EINVAL, why);
}

/* ---- sections --------------------------------------------------------------------------- */

static bool is_function_name(const char *name)
{
	return *name != '\0' && strlen(name) <= CONFIG_FUNCTION_NAME_MAX &&
	       strpbrk(name, "/ \t") == NULL;
}

/* How a section that has a name is entered: -ENOSPC if there are too many. */
static const struct named_kind {
	bool (*is_valid)(const char *name);
	int (*enter)(struct config *config, const char *name);
	const char *bad_name, *too_many;
} named_kinds[SECTIONS] = {
	[SECTION_POOL] = {config_pool_name_is_valid, config_enter_pool,
		"a pool's name is made of 1 to 63 letters, digits, _ and -: [pool NAME]",
		"there may be at most 64 pools"},
	[SECTION_FUNCTION] = {is_function_name, config_enter_function,
		"a function's name has 1 to 255 bytes, no blank and no pool before it: "
		"[function NAME]",
		"there may be at most 4096 functions"},
	[SECTION_ALLOW] = {config_pool_name_is_valid, config_enter_allow,
		"such a section has a name of its own, of 1 to 63 letters, digits, _ and -: "
		"[allow NAME]",
		"there may be at most 64 sections [allow NAME]"},
};

static int enter_named(struct reading *reading, const char *name)
{
	const struct named_kind *kind = &named_kinds[reading->section];
	int at;

	if (!kind->is_valid(name))
		return fail(reading, -EINVAL, kind->bad_name);
	at = kind->enter(reading->config, name);
	if (at < 0)
		return fail(reading, at, kind->too_many);
	reading->at = at;
	return 0;
}

/* `text` is what stands between the brackets. */
static int enter_section(struct reading *reading, char *text)
{
	char *name = text + strcspn(text, blanks);

	if (*name != '\0')
		*name++ = '\0';
	name += strspn(name, blanks);
	for (int i = 0; i < SECTIONS; i++) {
		const struct config_section *section = &config_sections[i];

		if (strcmp(section->name, text) != 0)
			continue;
		reading->section = i;
		reading->at = 0;
		if (section->is_named)
			return enter_named(reading, name);
		return *name == '\0' ? 0 : fail(reading, -EINVAL, "this section takes no name");
	}
	return fail_section(reading, text);
}

static void trim_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(blanks, text[len - 1]) != NULL)
		text[--len] = '\0';
}

/* `line` begins with a bracket.  libinih would cut the name, and what stands behind it. */
static int read_header(struct reading *reading, char *line)
{
	char *end = strchr(line, ']');
	char *rest = end == NULL ? NULL : end + 1 + strspn(end + 1, blanks);

	if (rest == NULL || (*rest != '\0' && *rest != ';' && *rest != '#'))
		return fail(reading, -EINVAL,
			"a section is written as [NAME], with nothing behind it but a comment");
	*end = '\0';
	trim_end(line);
	return enter_section(reading, line + 1 + strspn(line + 1, blanks));
}

/* ---- keys ------------------------------------------------------------------------------- */

static void *target(struct reading *reading)
{
	switch (reading->section) {
	case SECTION_DAEMON:
		return reading->config;
	case SECTION_LIMITS:
		return &reading->config->limits;
	case SECTION_POOL:
		return &reading->config->pools[reading->at];
	case SECTION_ALLOW:
		return &reading->config->policy.rules[reading->at];
	default:
		return &reading->config->functions[reading->at];
	}
}

static const struct said *find_said(const struct reading *reading, const struct config_key *key)
{
	for (size_t i = 0; i < reading->said_count; i++) {
		const struct said *said = &reading->said[i];

		if ((int)said->section != reading->section || said->at != reading->at)
			continue;
		if (said->key == key || (said->key->says & key->says) != 0)
			return said;
	}
	return NULL;
}

static int say(struct reading *reading, const struct config_key *key)
{
	const struct said *before = find_said(reading, key);
	char why[WHY_MAX];
	struct said *all;

	if (before != NULL) {
		text_format(why, sizeof(why), "%s cannot stand beside %s in line %d; say one",
			key->name, before->key->name, before->line);
		return fail(reading, -EINVAL, why);
	}
	all = reallocarray(reading->said, reading->said_count + 1, sizeof(*all));
	if (all == NULL)
		return fail(reading, -ENOMEM, "");
	reading->said = all;
	all[reading->said_count++] =
		(struct said){(enum section_kind)reading->section, reading->at, key, reading->line};
	return 0;
}

static int set(struct reading *reading, const struct config_key *key, const char *value)
{
	char why[WHY_MAX] = "", whole[WHY_MAX + 64];
	int r = key->set(key, target(reading), value, why);

	if (r == 0)
		return 0;
	text_format(whole, sizeof(whole), "%s %s", key->name, why);
	return fail(reading, r, whole);
}

static int take_key(struct reading *reading, const char *name, const char *value)
{
	const struct config_key *key;

	if (reading->section < 0)
		return fail(reading, -EINVAL,
			"a section must come first: [daemon], [limits], [pool NAME], [function "
			"NAME] or [allow NAME]");
	key = config_find_key(&config_sections[reading->section], name);
	if (key == NULL)
		return fail_key(reading, name);
	if (!key->repeats && say(reading, key) < 0)
		return reading->status;
	return set(reading, key, value);
}

/* libinih's: 1 is good.  Its section is not looked at, ours is whole. */
static int on_key(void *data, const char *section, const char *name, const char *value)
{
	struct reading *reading = data;

	(void)section;
	return reading->status == 0 && take_key(reading, name, value) == 0;
}

/* ---- lines ------------------------------------------------------------------------------ */

/* The next line without the blanks before it and without its end. */
static const char *next_line(struct reading *reading, size_t *ret_len)
{
	const char *line = reading->next;
	size_t len = strcspn(line, "\n"), blank = strspn(line, blanks);

	reading->next += len + (line[len] == '\n');
	reading->line++;
	*ret_len = len - blank;
	return line + blank;
}

/* As fgets(): one line, which libinih then reads; of a section's it gets nothing. */
static char *on_line(char *str, int size, void *data)
{
	struct reading *reading = data;
	char why[64];
	const char *line;
	size_t len;

	if (reading->status < 0 || *reading->next == '\0')
		return NULL;
	line = next_line(reading, &len);
	if (len + 2 > (size_t)size) {
		text_format(why, sizeof(why), "a line may have at most %d bytes, not %zu", size - 2,
			len);
		fail(reading, -EINVAL, why);
		return NULL;
	}
	memcpy(str, line, len);
	str[len] = '\0';
	if (*str == '[') {
		read_header(reading, str);
		len = 0;
	}
	str[len++] = '\n';
	str[len] = '\0';
	return str;
}

/* Debian's library can be told at run time, others hold what they were built for. */
static void set_up_library(void)
{
#if HAVE_DECL_INI_MAX_LINE
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = LINE_SIZE;
#endif
}

/* ---- a whole text ----------------------------------------------------------------------- */

static int parse(struct reading *reading)
{
	int line;

	set_up_library();
	line = ini_parse_stream(on_line, reading, on_key, reading);
	if (line < 0)
		return fail(reading, -ENOMEM, "");
	/* A line that is nothing at all does not come to us; libinih only tells the first one. */
	if (line > 0 && (reading->status == 0 || line < reading->line)) {
		reading->line = line;
		reading->status = 0;
		fail(reading, -EINVAL,
			"a line is [SECTION], KEY = VALUE, or a comment that begins with # or ;");
	}
	return reading->status;
}

static int check_text(struct reading *reading, const char *text, size_t len)
{
	const char *nul = memchr(text, '\0', len);

	if (nul == NULL)
		return 0;
	reading->line = 1;
	for (const char *c = text; c < nul; c++)
		reading->line += *c == '\n';
	return fail(reading, -EINVAL, "a byte 0: this is no text");
}

int config_read_text(struct config *config, const char *file, const char *text, size_t len,
	char error[CONFIG_ERROR_MAX])
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reading reading = {.config = config, .file = file, .section = -1, .error = error};
	int r = check_text(&reading, text, len);

	reading.next = strncmp(text, bom, 3) == 0 ? text + 3 : text;
	if (r == 0)
		r = parse(&reading);
	free(reading.said);
	return r;
}
