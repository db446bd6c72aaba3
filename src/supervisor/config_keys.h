/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_CONFIG_KEYS_H
#define SUPERVISOR_CONFIG_KEYS_H

/* The sections and keys of ruche.conf(5), and where the value of each goes. */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "supervisor/config_values.h"

enum { WHY_MAX = 512 };

/* Keys of one section that say the same thing, in part: only one of them may stand in a file. */
enum { SAYS_MIN = 1, SAYS_MAX = 2 };

struct config_key {
	const char *name;
	/*
	 * Sets what the key means in `target`, the struct of its section.  0, -ENOMEM, or -EINVAL with
	 * what is wrong in `why`, to be read after the key's name.
	 */
	int (*set)(
		const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);
	size_t offset;            /* in that struct */
	struct value_range range; /* of what is a number */
	int resource;             /* of rlimit_* */
	unsigned says;
	bool repeats; /* may stand again in one file */
};

enum section_kind {
	SECTION_DAEMON,   /* struct config */
	SECTION_LIMITS,   /* struct limits */
	SECTION_POOL,     /* struct pool_config */
	SECTION_FUNCTION, /* struct function_config */
	SECTION_ALLOW,    /* struct access_rule */
	SECTIONS
};

struct config_section {
	const char *name;
	bool is_named; /* [pool NAME] */
	const struct config_key *keys;
	size_t key_count;
};

extern const struct config_section config_sections[SECTIONS];

enum { CONFIG_POOL_KEYS = 36 };
extern const struct config_key config_pool_keys[CONFIG_POOL_KEYS];

enum { CONFIG_ALLOW_KEYS = 9 };
extern const struct config_key config_allow_keys[CONFIG_ALLOW_KEYS];

/* NULL: the section has no such key. */
const struct config_key *config_find_key(const struct config_section *section, const char *name);

/* ---- what both tables are made of ------------------------------------------------------- */

#define SIZE_K (UINT64_C(1) << 10)
#define SIZE_M (UINT64_C(1) << 20)
#define SIZE_G (UINT64_C(1) << 30)
#define SIZE_T (UINT64_C(1) << 40)
#define TIME_DAY (86400 * CLOCK_S)
enum { TASKS_MAX = 1 << 24 };

#define KEY_FIELD(type, member) .name = #member, .offset = offsetof(struct type, member)
#define KEY_RANGE(least, most) .range = {(least), (most)}

/* What a message shows of a value, which may be long. */
#define WHY_VALUE "'%.100s'"

void *config_field(const struct config_key *key, void *target);
int config_replace(char **text, const char *value); /* 0 or -ENOMEM */
/* Nothing at all means none, so that a later file can take back what an earlier one says. */
int config_set_or_clear(char **text, const char *value);
/*
 * Each word of a list, which blanks separate, is taken: 0, or a negative errno, with the reason in `why` if it is -EINVAL.  Up to the
 * first that is not: then its errno.
 */
int config_take_words(const char *value, int (*take)(void *to, const char *word, char *why),
	void *to, char why[WHY_MAX]);
int config_check_absolute(const char *value, char why[WHY_MAX]);

int config_set_number(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);
int config_set_size(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);
int config_set_time(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);

/* ---- confinement ------------------------------------------------------------------------ */

int config_set_said(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);
int config_set_syscalls(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);
int config_set_writable(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);
int config_set_percent(
	const struct config_key *key, void *target, const char *value, char why[WHY_MAX]);

#endif
