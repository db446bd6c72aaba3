/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_FUNCTIONS_H
#define SUPERVISOR_FUNCTIONS_H

/*
 * What the pool's runtime can do, as the fork server told it: a table of functions by
 * name.  Filled by functions_add(), then put in order by functions_sort().
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct record;

struct function {
	char *name, *params, *summary, *plugin; /* all but the name may be NULL */
	size_t name_len;
	struct record *record; /* what is known of it beyond this table; borrowed */
};

struct functions {
	struct function *all;
	size_t count, cap;
	const struct function *last; /* that was found; NULL: none yet */
};

/* Copies of NUL-terminated strings.  0 or -ENOMEM. */
int functions_add(struct functions *functions, const struct function *function);
void functions_sort(struct functions *functions);
/* NULL: there is none of this name.  functions_find() looks first whether it is the same again, as it mostly is. */
const struct function *functions_search(struct functions *functions, const char *name, size_t len);

static inline const struct function *functions_find(
	struct functions *functions, const char *name, size_t len)
{
	const struct function *last = functions->last;

	if (last != NULL && last->name_len == len && memcmp(last->name, name, len) == 0)
		return last;
	return functions_search(functions, name, len);
}

/* `to` becomes what `from` is, which is then empty. */
void functions_take(struct functions *to, struct functions *from);
void functions_fini(struct functions *functions); /* leaves an empty table */

#endif
